// SPDX-License-Identifier: MIT
#include <array>

#include "core/program.hpp"
#include "graphs/task.hpp"
#include "links/task.hpp"
#include "nodes/task.hpp"
#include "relations/task.hpp"
#include "series/task.hpp"

namespace {

template <class TaskClass>
std::unique_ptr<train::Task> make() {
  return std::make_unique<TaskClass>();
}

constexpr std::array kTasks{
    train::TaskEntry{"graphs", make<train::graphs::GraphsTask>},
    train::TaskEntry{"nodes", make<train::nodes::NodesTask>},
    train::TaskEntry{"links", make<train::links::LinksTask>},
    train::TaskEntry{"relations", make<train::relations::RelationsTask>},
    train::TaskEntry{"series", make<train::series::SeriesTask>},
};

}  // namespace

int main(int argc, char** argv) {
  return train::run_program(kTasks, argc, argv);
}
