// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/cases/cases.hpp"
#include "device.hpp"

namespace warpgnn::bench {

/// Which rows to measure. From `standard` to `large` each holds all of the one before it.
enum class Suite {
  smoke,     ///< every op once, on a graph of a few nodes
  standard,  ///< some minutes on two cores
  full,      ///< all widths and directions; most of an hour on two cores
  large,     ///< also the graphs with more than 10^8 edges: tens of GB of memory
  core,      ///< what gathers most on the large graphs, most telling rows first; for minutes on a GPU
  steps,     ///< whole training steps on batches of small graphs
};

std::vector<std::string> suite_names();
/// Throws std::invalid_argument for an unknown name.
Suite suite_of(std::string_view name);

/// How each row of a suite is timed on a kind of device.
std::vector<Timing> timings_of(Suite suite, bool cuda);
/// How often. `core` has a number of its own; others repeat for `seconds`, but not without end where each run waits for
/// a flush that may take longer than itself.
Repetitions repetitions_of(Suite suite, const Timing& timing, double seconds);

/// Makes the graphs of one device, and keeps the last one.
class GraphShelf {
 public:
  GraphShelf(const Context& context, Scale scale) : context_(context), scale_(scale) {}

  const Context& context() const { return context_; }
  const std::shared_ptr<const EdgeTensors>& edges(const std::string& name);
  const Graph& graph(const std::string& name);

 private:
  Context context_;
  Scale scale_;
  std::string name_;
  std::shared_ptr<const EdgeTensors> edges_;
  std::optional<Graph> graph_;
};

struct Row {
  std::string name;  ///< op/direction/graph/shape
  std::function<Case(GraphShelf&)> make;
  bool capturable = true;  ///< neither allocates nor synchronises
};

/// The rows of a suite on a kind of device, those of one graph next to each other.
std::vector<Row> rows_of(Suite suite, bool cuda);

}  // namespace warpgnn::bench
