// SPDX-License-Identifier: MIT
#include "predict.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "bench/cases/byte_bounds.hpp"
#include "kernels/base/tuning.cuh"
#include "row_schedule.hpp"

namespace warpgnn::bench {

namespace {

/// Nine tenths of the data sheets' memory bandwidths. The L2's bandwidth and the latencies below, in cycles, are
/// estimates until a device says them.
struct Gpu {
  const char* name;
  double multiprocessors, hertz, memory_rate, l2_rate;
};
constexpr Gpu kGpus[] = {{"H100", 132, 1.755e9, 3.0e12, 5.5e12}, {"H200", 132, 1.785e9, 4.3e12, 5.5e12}};
constexpr double kIssuePerCycle = 4, kMemoryLatency = 600, kL2Latency = 270;  // cycles
constexpr double kL2Bytes = 40e6;
/// Instructions of a warp beside those of its edges: finding its rows, and writing them.
constexpr double kInstructionsOfRow = 60;

/// A kernel of a row of the suite.
struct Kernel {
  std::string instance;  // of the budget
  int width;             // elements that a lane takes
  int warps;             // of a multiprocessor, which the launch bounds promise
};

struct Work {
  std::string name;
  std::vector<Kernel> kernels;
  std::int64_t columns;  // of a row
  Bytes bytes;
  double row_bytes;  // of what an edge gathers
};

struct Loop {
  double instructions = 0;
  int in_flight = 0;
};

std::map<std::string, Loop> read_budget(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::map<std::string, Loop> loops;
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string name;
    Loop loop;
    if (words >> name >> loop.instructions >> loop.in_flight) loops[name] = loop;
  }
  return loops;
}

// --- The rows of the core suite --------------------------------------------------------------------------------------

constexpr int kNarrow = 4;  // elements that a lane computes with where instructions are not the limit

/// What a lane takes of a row, and what is left of a budget of blocks.
struct Packs {
  std::string type;
  int width;

  std::string arguments() const { return type + "," + std::to_string(width); }
  bool widest() const { return width > kNarrow; }
  int warps(int blocks, int cost = 1) const { return kBlockWarps * kernels::blocks_left(blocks, true, widest(), cost); }
};

void add_attention(const Packs& packs, int heads, Sizes sizes, std::vector<Work>& works) {
  sizes.width = 32.0 * heads;
  sizes.heads = heads;
  const std::string &type = packs.type, shape = std::to_string(heads) + "x32 " + type, gat = "gat_attention_",
                    row = packs.arguments();
  const auto columns = static_cast<std::int64_t>(sizes.width);
  const auto add = [&](const std::string& name, std::vector<Kernel> kernels, Bytes bytes, double rows_of_edge) {
    works.push_back({name + " " + shape, std::move(kernels), columns, bytes, rows_of_edge * sizes.row()});
  };
  const int gat_warps = packs.warps(kernels::kTuning.gat_blocks[0]);
  add("gat_attention/forward", {{gat + "forward_by_destination<" + row + ",false,true>", packs.width, gat_warps}},
      gat_attention_forward_bytes(sizes, false), 1);
  add("gat_attention/training", {{gat + "forward_by_destination<" + row + ",true,true>", packs.width, gat_warps}},
      gat_attention_forward_bytes(sizes, true), 1);
  add("gat_attention/backward",
      {{gat + "backward_by_source<" + row + ",1,true>", packs.width, packs.warps(kernels::kTuning.gat_blocks[0], 2)}},
      gat_attention_backward_bytes(sizes), 1);
  for (const auto& [name, score] : {std::pair{"gatv2", "LeakyScore"}, std::pair{"dot", "DotScore"}}) {
    const bool shared = std::string(name) == "gatv2";
    constexpr int kBlocks = kernels::kTuning.attention_blocks[0];
    const Packs narrow{type, kNarrow}, forward = shared ? packs : narrow;
    const std::string rest = std::string(",true,") + score + "<Math,float>>";
    const auto kernel = [&](const std::string& pass, const Packs& of) {
      return Kernel{"attention_" + pass + "<" + of.arguments() + rest, of.width, of.warps(kBlocks)};
    };
    add("attention_" + std::string(name) + "/forward", {kernel("forward_by_destination", forward)},
        attention_forward_bytes(sizes, shared), shared ? 1 : 2);
    add("attention_" + std::string(name) + "/backward",
        {kernel("backward_by_destination", narrow), kernel("backward_by_source", narrow)},
        attention_backward_bytes(sizes, shared), 2);
  }
}

std::vector<Work> works_of(double nodes, double edges) {
  std::vector<Work> works;
  for (const auto& [packs, stored] :
       {std::pair{Packs{"float", kNarrow}, 4.0}, std::pair{Packs{"BFloat16", 2 * kNarrow}, 2.0}}) {
    const Sizes sizes{.nodes = nodes, .edges = edges, .stored = stored};
    const std::string& type = packs.type;
    for (const int heads : {8, 4}) add_attention(packs, heads, sizes, works);
    for (const std::int64_t width : {16, 64, 128, 256}) {
      Sizes sums = sizes;
      sums.width = static_cast<double>(width);
      for (const auto& [name, message, factors] :
           {std::tuple{"weighted", 1, Factors::edges}, std::tuple{"scaled", 3, Factors::nodes}}) {
        const std::string arguments =
            "<" + Packs{type, kNarrow}.arguments() + ",(Message)" + std::to_string(message) + ">";
        works.push_back({"aggregate_" + std::string(name) + "/forward " + std::to_string(width) + " " + type,
                         {{"aggregate_sum_by_row" + arguments, kNarrow, 32}},
                         width,
                         aggregate_forward_bytes(sums, Reduce::sum, factors),
                         sums.row()});
      }
    }
  }
  return works;
}

// --- The model -------------------------------------------------------------------------------------------------------

struct Limits {
  double memory, l2, issue, latency;

  std::pair<double, const char*> worst() const {
    return std::max({std::pair{memory, "memory"}, {l2, "L2"}, {issue, "issue"}, {latency, "latency"}});
  }
};

Limits limits_of(const Gpu& gpu, const Work& work, const std::map<std::string, Loop>& budget, const Degrees& degrees,
                 Schedule& schedule) {
  // The rows that are gathered most stay in the L2; the others come from memory each time.
  const double hot = degrees.share_of_hottest(static_cast<std::int64_t>(kL2Bytes / work.row_bytes));
  const double from_memory = work.bytes.compulsory + (1 - hot) * (work.bytes.gather - work.bytes.compulsory);
  Limits limits{from_memory / gpu.memory_rate, work.bytes.gather / gpu.l2_rate, 0, 0};
  const double kernels = static_cast<double>(work.kernels.size());
  for (const Kernel& kernel : work.kernels) {
    const auto found = budget.find(kernel.instance);
    if (found == budget.end()) throw std::runtime_error("sass_budget.txt has no " + kernel.instance);
    const Loop& loop = found->second;
    schedule = schedule_of(degrees, work.columns / kernel.width, {loop.instructions, kInstructionsOfRow});
    limits.issue += schedule.instructions / (gpu.multiprocessors * kIssuePerCycle * gpu.hertz);
    // Bytes that the warps at work have in flight, and how long these are on their way.
    const double latency = (hot * kL2Latency + (1 - hot) * kMemoryLatency) / gpu.hertz;
    const double bytes_of_lane = work.row_bytes / (static_cast<double>(work.columns) / kernel.width);
    const double in_flight = gpu.multiprocessors * kernel.warps * schedule.warps_busy * schedule.lanes_busy *
                             kRowLanes * loop.in_flight * std::min(bytes_of_lane, 16.0);
    limits.latency += work.bytes.gather / kernels / in_flight * latency;
  }
  return limits;
}

void predict_graph(const std::string& name, Scale scale, const std::map<std::string, Loop>& budget) {
  const EdgeTensors edges = named_graph(Context::cpu(), name, scale);
  const Degrees degrees(edges.nodes,
                        {edges.destination.view().as<std::int32_t>(), static_cast<std::size_t>(edges.edges())});
  std::printf("\n%s: %lld nodes, %lld edges; predicted, not measured\n", display_name(name).c_str(),
              static_cast<long long>(edges.nodes), static_cast<long long>(edges.edges()));
  std::printf("%-38s %13s %6s %9s %9s", "row", "lanes", "warps", "bound us", "Minstr");
  for (const Gpu& gpu : kGpus) std::printf(" %10s us", gpu.name);
  std::printf("  limit\n");
  for (const Work& work : works_of(static_cast<double>(edges.nodes), static_cast<double>(edges.edges()))) {
    Schedule schedule;
    std::vector<Limits> limits;
    for (const Gpu& gpu : kGpus) limits.push_back(limits_of(gpu, work, budget, degrees, schedule));
    std::printf("%-38s %5.2f -> %4.2f %6.2f %9.1f %9.1f", work.name.c_str(), schedule.lanes_busy_as_numbered,
                schedule.lanes_busy, schedule.warps_busy, work.bytes.compulsory / kGpus[0].memory_rate * 1e6,
                schedule.instructions * 1e-6);
    for (const Limits& of_gpu : limits) std::printf(" %13.1f", of_gpu.worst().first * 1e6);
    std::printf("  %s\n", limits[0].worst().second);
  }
}

}  // namespace

void predict(const std::string& budget_path, const std::vector<std::string>& graphs, Scale scale) {
  const auto budget = read_budget(budget_path);
  for (const std::string& graph : graphs) predict_graph(graph, scale, budget);
}

}  // namespace warpgnn::bench
