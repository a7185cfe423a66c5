// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "warpgnn/context.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn {

/// Sizes that a selection is padded to.
struct SelectionSize {
  std::int64_t graphs = 0;
  std::int64_t nodes = 0;
  std::int64_t edges = 0;
  friend bool operator==(const SelectionSize&, const SelectionSize&) = default;
};

/// Cuts mini-batches out of a batch, as Graph::select does, but one after the other into the same memory, and on
/// request padded to one size: what trains on them can then be recorded once and replayed (replay.hpp).
///
/// choose() names the graphs, cut() makes their batch. Once memory has its size, neither allocates on the device nor
/// waits (only a device that is several batches behind is waited for; and long rows, of more than kChunkEdges edges,
/// are looked for, which does both). What a Selector returns is good until its next cut, and no longer than it lives.
///
/// Padding. Behind the chosen graphs come empty ones, and a last one of all the nodes that are left, whose edges are
/// loops, shared out evenly. Its nodes, its edges and these graphs are numbered as one past the end of the whole's, so
/// that gather_rows gives zeros for them, or the row that a caller has there: a label that the loss ignores, say.
/// What a node of the padding computes reaches no other graph, and where the loss ignores its graph no gradient. Only
/// an op over all nodes as one set, such as batch norm, sees it.
///
/// Capture. cut() can be captured; a replay cuts out what was chosen last. That must have been padded to the size that
/// was captured. choose() is refused with `capturing` during a capture.
///
/// Errors. `out_of_range` for a graph that is not there; `invalid_argument` for more graphs than the Selector was made
/// for, for a size that the selection does not fit, and for a size where the whole has rows of more than kChunkEdges
/// edges, whose list depends on what is chosen.
class Selector {
 public:
  /// @param whole a batch; kept.
  /// @param most_graphs the most that one selection has, padding included.
  Selector(const Context& context, const Graph& whole, std::int64_t most_graphs);
  Selector(Selector&&) noexcept;
  Selector& operator=(Selector&&) noexcept;
  ~Selector();

  /// Parts in the order given, repeats allowed. Nothing is changed where it throws.
  void choose(std::span<const std::int64_t> graphs, const std::optional<SelectionSize>& padded_to = {});
  const GraphSelection& cut();
  /// Both.
  const GraphSelection& select(std::span<const std::int64_t> graphs,
                               const std::optional<SelectionSize>& padded_to = {});
  /// What the selection of these graphs has, without padding.
  SelectionSize size_of(std::span<const std::int64_t> graphs) const;
  /// [graphs] int32: graph g of what was chosen is graph graphs()[g] of the whole.
  ConstTensorView graphs() const;
  /// Whether selections can be padded: whether no row of the whole is long.
  bool can_pad() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace warpgnn
