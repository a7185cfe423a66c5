// SPDX-License-Identifier: MIT
// How many bytes each op's kernels touch, over the least that the op can do with: counted by the executor, so the same
// on every machine. Each op is captured and replayed for it, so one that allocates or waits fails here.

#include <cuda_runtime.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "rows.hpp"
#include "simt/simt.hpp"

namespace warpgnn::traffic {
namespace {

constexpr double kSectorBytes = 32;
/// Compilers leave slightly different accesses.
constexpr double kTolerance = 1.02;

/// What one run of an op costs.
struct Cost {
  double asked = 0;       ///< sectors of all requests over the bound without caches
  double gather = 0;      ///< the same without those that a warp has just loaded
  double compulsory = 0;  ///< different sectors of each launch over the bound with perfect ones
  double conflicts = 0;   ///< bank conflicts per shared-memory request
  double atomics = 0;     ///< lanes' updates
};

void check(cudaError_t status, const std::string& what) {
  if (status != cudaSuccess) throw std::runtime_error(what + ": " + cudaGetErrorString(status));
}

/// Captures the op, which it must allow, and counts what a replay does.
Cost measure(const Context& context, const Row& row, const Graph& graph) {
  const bench::Case op = row.make(context, graph);
  const auto stream = static_cast<cudaStream_t>(context.stream());
  cudaGraph_t captured{};
  cudaGraphExec_t executable{};
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), row.name);
  op.run();
  check(cudaStreamEndCapture(stream, &captured), row.name + " cannot be captured: it allocates or waits");
  check(cudaGraphInstantiate(&executable, captured), row.name);
  simt::options().count_traffic = true;
  simt::take_traffic();
  check(cudaGraphLaunch(executable, stream), row.name);
  simt::options().count_traffic = false;
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(captured);
  double sectors = 0, fetched_sectors = 0, unique_sectors = 0, requests = 0, conflicts = 0;
  Cost cost;
  for (const simt::LaunchTraffic& launch : simt::take_traffic()) {
    sectors += static_cast<double>(launch.loads.sectors + launch.stores.sectors);
    fetched_sectors += static_cast<double>(launch.loads.fetched_sectors + launch.stores.fetched_sectors);
    unique_sectors += static_cast<double>(launch.loads.unique_sectors + launch.stores.unique_sectors);
    requests += static_cast<double>(launch.shared.requests);
    conflicts += static_cast<double>(launch.shared.conflicts);
    cost.atomics += static_cast<double>(launch.atomics);
  }
  cost.asked = sectors * kSectorBytes / op.bytes.gather;
  cost.gather = fetched_sectors * kSectorBytes / op.bytes.gather;
  cost.compulsory = unique_sectors * kSectorBytes / op.bytes.compulsory;
  cost.conflicts = requests == 0 ? 0 : conflicts / requests;
  return cost;
}

void print_header(std::FILE* file) {
  std::fprintf(file, "# %-40s %10s %10s %10s %10s %8s\n", "op/direction/graph", "asked", "gather", "compulsory",
               "conflicts", "atomics");
}

void print(std::FILE* file, const std::string& name, const Cost& cost) {
  std::fprintf(file, "%-42s %10.2f %10.2f %10.2f %10.2f %8.0f\n", name.c_str(), cost.asked, cost.gather,
               cost.compulsory, cost.conflicts, cost.atomics);
}

std::map<std::string, Cost> read_budget(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::map<std::string, Cost> budget;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string name;
    Cost cost;
    if (!(fields >> name >> cost.asked >> cost.gather >> cost.compulsory >> cost.conflicts >> cost.atomics)) {
      throw std::runtime_error(path + ": expected a name and five numbers in '" + line + "'");
    }
    budget[name] = cost;
  }
  return budget;
}

bool exceeds(double measured, double allowed) {
  return measured > allowed * kTolerance + 0.01;
}

/// Says what is over the budget; true when nothing is.
bool check(const std::string& name, const Cost& cost, const std::map<std::string, Cost>& budget) {
  const auto allowed = budget.find(name);
  if (allowed == budget.end()) {
    std::printf("%s: not in the budget\n", name.c_str());
    return false;
  }
  bool fits = true;
  const auto compare = [&](const char* what, double measured, double limit) {
    if (!exceeds(measured, limit)) return;
    std::printf("%s: %s is %.2f, more than the budget's %.2f\n", name.c_str(), what, measured, limit);
    fits = false;
  };
  compare("bytes asked for over the gather bound", cost.asked, allowed->second.asked);
  compare("bytes fetched over the gather bound", cost.gather, allowed->second.gather);
  compare("different bytes touched over the compulsory bound", cost.compulsory, allowed->second.compulsory);
  compare("bank conflicts per shared request", cost.conflicts, allowed->second.conflicts);
  compare("atomic updates", cost.atomics, allowed->second.atomics);
  return fits;
}

int run(int argc, char** argv) {
  CLI::App app{"Memory traffic of warpgnn's kernels, counted on the host, over the bounds of bench/byte_bounds.hpp"};
  std::string filter, budget_path, write_path;
  app.add_option("--filter", filter, "Only rows whose name contains this");
  app.add_option("--check", budget_path, "Fail when a row exceeds this budget file")->check(CLI::ExistingFile);
  app.add_option("--write", write_path, "Write what was measured as a budget file");
  CLI11_PARSE(app, argc, argv);

  std::map<std::string, Cost> budget;
  if (!budget_path.empty()) budget = read_budget(budget_path);
  std::FILE* const written = write_path.empty() ? nullptr : std::fopen(write_path.c_str(), "w");
  if (!write_path.empty() && written == nullptr) throw std::runtime_error("cannot write " + write_path);
  if (written != nullptr) {
    std::fprintf(written,
                 "# Memory traffic of each op: written by 'make traffic-budget', checked by ctest -R traffic.\n");
    print_header(written);
  }
  print_header(stdout);

  const Context context = Context::cuda();
  std::string shown_graph;
  std::optional<Graph> graph;
  bool fits = true;
  for (const Row& row : all_rows()) {
    if (row.name.find(filter) == std::string::npos) continue;
    if (row.graph != shown_graph) graph = Graph::from_coo(context, graph_of(row.graph).view());
    shown_graph = row.graph;
    const Cost cost = measure(context, row, *graph);
    print(stdout, row.name, cost);
    if (written != nullptr) print(written, row.name, cost);
    if (!budget_path.empty() && !check(row.name, cost, budget)) fits = false;
  }
  if (written != nullptr) std::fclose(written);
  return fits ? 0 : 1;
}

}  // namespace
}  // namespace warpgnn::traffic

int main(int argc, char** argv) {
  try {
    return warpgnn::traffic::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simt_traffic: %s\n", error.what());
    return 1;
  }
}
