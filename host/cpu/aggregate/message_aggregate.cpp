// SPDX-License-Identifier: MIT
#include "host/cpu/aggregate/aggregated_rows.hpp"
#include "host/cpu/aggregate/self_term.hpp"
#include "host/math/messages.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Rows of edges are fetched from further ahead than those of nodes: they are used once, so no cache has them.
inline constexpr std::int64_t kPrefetchEdges = 16;

/// A tile of the message of an edge, from the source's row (not looked at where the edge speaks alone) and its own.
template <EdgeMessage kMessage, class Tile, class S>
WARPGNN_INLINE Tile message_tile(Tile, const S* x, const S* edge) {
  Tile message = Tile::load(edge);
  if constexpr (kMessage == EdgeMessage::edge) return message;
  for (int k = 0; k < Tile::kVectors; ++k) {
    message.v[k] = math::message_of<kMessage>(Tile::load_vector(x + k * Tile::kLanes), message.v[k]);
  }
  return message;
}

/// The rows that messages are made of, and the edges that carry them.
template <class S>
struct MessageRows {
  const Adjacency& in;
  std::int64_t width;
  Rows<const S> x, edge;

  template <EdgeMessage kMessage, class Tile>
  WARPGNN_INLINE Tile message(Tile tile, std::int64_t slot, std::int64_t column) const {
    if (column == 0) {
      const std::int64_t last = in.edges - 1;
      if (kMessage != EdgeMessage::edge) prefetch_row(source<kMessage>(std::min(slot + kPrefetchSlots, last)), width);
      prefetch_row(edge[edge_of(in, std::min(slot + kPrefetchEdges, last))], width);
    }
    return message_tile<kMessage>(tile, source<kMessage>(slot) + column, edge[edge_of(in, slot)] + column);
  }

 private:
  template <EdgeMessage kMessage>
  WARPGNN_INLINE const S* source(std::int64_t slot) const {
    return kMessage == EdgeMessage::edge ? nullptr : x[in.neighbor[slot]];
  }
};

/// The maximum or minimum of a span's messages. It compares more than it computes, so that which message it is may be
/// asked for each: one loop instead of one for each message.
template <class S, int Sign>
WARPGNN_ONE_COPY void extreme_message(const MessageRows<S>& rows, EdgeMessage kind, const Span& span,
                                      Accumulator<S>* best, std::int32_t* arg) {
  extreme_of_span<Accumulator<S>, Sign>(rows.in, span, rows.width, best, arg,
                                        [&](auto tile, std::int64_t slot, std::int64_t column) {
                                          switch (kind) {
                                            case EdgeMessage::add:
                                              return rows.template message<EdgeMessage::add>(tile, slot, column);
                                            case EdgeMessage::multiply:
                                              return rows.template message<EdgeMessage::multiply>(tile, slot, column);
                                            case EdgeMessage::relu_add:
                                              return rows.template message<EdgeMessage::relu_add>(tile, slot, column);
                                            case EdgeMessage::edge: break;
                                          }
                                          return rows.template message<EdgeMessage::edge>(tile, slot, column);
                                        });
}

template <class S, int Sign>
void extreme_rows(const CpuExec& exec, const MessageAggregateForward& op, const MessageRows<S>& rows,
                  const ExtremeRows<S>& y) {
  extremes_over_edges<Sign>(
      exec, rows.in, 2 * rows.width, y,
      [&](const Span& span, Accumulator<S>* best, std::int32_t* arg) {
        extreme_message<S, Sign>(rows, op.message, span, best, arg);
      },
      [&](std::int64_t i, Accumulator<S>* row) {
        if (op.epsilon.defined()) add_self(op.epsilon, rows.x[i], rows.width, row);
      });
}

template <EdgeMessage kMessage, class S>
void sum_rows(const CpuExec& exec, const MessageAggregateForward& op, const MessageRows<S>& rows,
              const SummedRows<S>& y) {
  using T = Accumulator<S>;
  const auto sum = [&](const Span& span, T* out) {
    for_each_tile<T>(rows.width, [&](auto tile, std::int64_t column) {
      auto total = tile.zero();
      for (std::int64_t s = span.begin; s < span.end; ++s) {
        const auto term = rows.template message<kMessage>(tile, s, column);
        for (int k = 0; k < tile.kVectors; ++k) total.v[k] += term.v[k];
      }
      total.store(out + column);
    });
  };
  sum_over_edges(exec, rows.in, 2 * rows.width, y, sum, [&](std::int64_t i, T* row) {
    if (op.reduce == Reduce::mean) divide_by_degree(rows.in, i, rows.width, row);
    if (op.epsilon.defined()) add_self(op.epsilon, rows.x[i], rows.width, row);
  });
}

/// The gradients of messages: one walk over the out-edges of each source serves dx and dedge alike.
template <class S, EdgeMessage kMessage>
class Backward {
 public:
  Backward(const MessageAggregateBackward& op, const SummedRows<S>& dx)
      : op_(op),
        in_(op.graph.in_edges()),
        out_(op.graph.out_edges()),
        width_(op.dy.row_size()),
        x_(read_rows<S>(op.x)),
        edge_(read_rows<S>(op.edge)),
        dy_(read_rows<S>(op.dy)),
        arg_(read_rows<std::int32_t>(op.arg)),
        dx_(dx),
        dedge_(write_rows<S>(op.dedge)) {}

  void run(const CpuExec& exec) const {
    const std::int64_t work = 3 * width_;
    if (!dx_) return walk_edges(exec, out_, work, [&](const Span& span) { edges(span, nullptr); });
    sum_over_edges(
        exec, out_, work, dx_, [&](const Span& span, T* sum) { edges(span, sum); },
        [&](std::int64_t j, T* row) {
          if (op_.epsilon.defined()) add_self(op_.epsilon, dy_[j], width_, row);
        });
  }

 private:
  using T = Accumulator<S>;

  /// Writes dedge of these out-edges where wanted, and their part of dx to `sum` unless that is null.
  WARPGNN_ONE_COPY void edges(const Span& span, T* sum) const {
    const S* const x = x_ ? x_[span.row] : nullptr;
    if (kMessage == EdgeMessage::relu_add && x == nullptr) return;  // rows of no columns
    for_each_tile<T, kExtremeVectors>(width_, [&](auto tile, std::int64_t column) {
      auto total = tile.zero();
      for (std::int64_t s = span.begin; s < span.end; ++s) {
        if (column == 0) prefetch(s);
        const std::int64_t e = out_.edge_id[s];
        const auto dmessage = message_gradient(tile, x, s, column);
        if constexpr (kMessage == EdgeMessage::multiply) {
          if (sum != nullptr) {
            const S* const edge = edge_[e] + column;
            for (int k = 0; k < tile.kVectors; ++k)
              total.v[k] += dmessage.v[k] * tile.load_vector(edge + k * tile.kLanes);
          }
          if (dedge_ && x != nullptr) {  // who wants dedge has given x
            auto product = dmessage;
            for (int k = 0; k < tile.kVectors; ++k) product.v[k] *= tile.load_vector(x + column + k * tile.kLanes);
            product.store(dedge_[e] + column);
          }
        } else {
          for (int k = 0; k < tile.kVectors; ++k) total.v[k] += dmessage.v[k];
          if (dedge_) dmessage.store(dedge_[e] + column);
        }
      }
      if (sum != nullptr) total.store(sum + column);
    });
  }

  /// dy of the edge's destination as far as it reaches the message; for relu_add, the sum within it.
  template <class Tile>
  WARPGNN_INLINE Tile message_gradient(Tile, const S* x, std::int64_t slot, std::int64_t column) const {
    const std::int64_t i = out_.neighbor[slot], e = out_.edge_id[slot];
    const auto zero = Tile::zero().v[0];
    Tile gradient = Tile::load(dy_[i] + column);
    if (op_.reduce == Reduce::mean) {
      const T share = T(1) / static_cast<T>(degree(in_, i));
      for (int k = 0; k < Tile::kVectors; ++k) gradient.v[k] *= share;
    } else if (arg_) {
      using Edges = EdgeLanes<Tile>;
      const auto own = Edges::filled(static_cast<std::int32_t>(e));
      for (int k = 0; k < Tile::kVectors; ++k) {
        const auto winner = Edges::load(arg_[i] + column + k * Tile::kLanes);
        gradient.v[k] = winner == own ? gradient.v[k] : zero;
      }
    }
    if constexpr (kMessage == EdgeMessage::relu_add) {
      const S* const edge = edge_[e] + column;
      for (int k = 0; k < Tile::kVectors; ++k) {
        gradient.v[k] = math::inner_gradient<kMessage>(Tile::load_vector(x + column + k * Tile::kLanes),
                                                       Tile::load_vector(edge + k * Tile::kLanes), gradient.v[k]);
      }
    }
    return gradient;
  }

  WARPGNN_INLINE void prefetch(std::int64_t slot) const {
    const std::int64_t last = out_.edges - 1, destination = out_.neighbor[std::min(slot + kPrefetchSlots, last)];
    prefetch_row(dy_[destination], width_);
    if (arg_) prefetch_row(arg_[destination], width_);
    const std::int64_t edge = out_.edge_id[std::min(slot + kPrefetchEdges, last)];
    if (kMessage == EdgeMessage::relu_add || (kMessage == EdgeMessage::multiply && dx_)) {
      prefetch_row(edge_[edge], width_);
    }
    if (dedge_) prefetch_row(dedge_[edge], width_);
  }

  const MessageAggregateBackward& op_;
  const Adjacency &in_, &out_;
  std::int64_t width_;
  Rows<const S> x_, edge_, dy_;
  Rows<const std::int32_t> arg_;
  const SummedRows<S>& dx_;
  Rows<S> dedge_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const MessageAggregateForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { ForwardRows<S>(carver, exec, op); });
  return carver.bytes();
}

void message_aggregate_forward(const CpuExec& exec, const MessageAggregateForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const ForwardRows<S> y(carver, exec, op);
    const MessageRows<S> rows{op.graph.in_edges(), op.edge.row_size(), read_rows<S>(op.x), read_rows<S>(op.edge)};
    if (op.reduce == Reduce::max) return extreme_rows<S, 1>(exec, op, rows, y.extremes);
    if (op.reduce == Reduce::min) return extreme_rows<S, -1>(exec, op, rows, y.extremes);
    math::with_message(op.message, [&](auto message) { sum_rows<decltype(message)::value>(exec, op, rows, y.sums); });
  });
}

std::size_t workspace_size(const CpuExec& exec, const MessageAggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { BackwardRows<S>(carver, exec, op); });
  return carver.bytes();
}

void message_aggregate_backward(const CpuExec& exec, const MessageAggregateBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const BackwardRows<S> rows(carver, exec, op);
    if (op.depsilon.defined()) epsilon_gradient<S>(exec, op, rows.partials);
    if (!op.dx.defined() && !op.dedge.defined()) return;
    // The gradient of a message that is the edge's row passes through it as through a sum.
    const EdgeMessage passed = op.message == EdgeMessage::edge ? EdgeMessage::add : op.message;
    math::with_message(passed, [&](auto message) {
      if constexpr (decltype(message)::value != EdgeMessage::edge) {
        Backward<S, decltype(message)::value>(op, rows.dx).run(exec);
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
