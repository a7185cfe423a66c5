#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cases.hpp"
#include "device.hpp"

namespace warpgnn::bench {

/// Which rows to measure. Each suite but `smoke` holds all of the one before it.
enum class Suite {
  smoke,     ///< every op once, on a graph of a few nodes
  standard,  ///< some minutes on two cores
  full,      ///< all widths and directions; most of an hour on two cores
  large,     ///< also the graphs with more than 10^8 edges: tens of GB of memory
};

/// Throws std::invalid_argument for an unknown name.
Suite suite_of(std::string_view name);

/// Makes the graphs of one device, and keeps the last one.
class GraphShelf {
 public:
  explicit GraphShelf(const Context& context) : context_(context) {}

  const Context& context() const { return context_; }
  const EdgeSet& edge_set(const std::string& name);
  const Graph& graph(const std::string& name);

 private:
  Context context_;
  std::string name_;
  EdgeSet edge_set_;
  std::optional<Graph> graph_;
};

struct Row {
  std::string name;  ///< op/direction/graph/shape
  std::function<Case(GraphShelf&)> make;
  bool capturable = true;  ///< neither allocates nor synchronises
};

/// The rows of a suite on a device, those of one graph next to each other.
std::vector<Row> rows_of(Suite suite, const Device& device);

}  // namespace warpgnn::bench
