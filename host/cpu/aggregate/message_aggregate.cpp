#include "host/cpu/aggregate/extremes.hpp"
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

/// The maximum or minimum of a row's messages. It compares more than it computes, so that which message it is may be
/// asked for each: one loop instead of one for each message.
template <class S, int Sign>
WARPGNN_ONE_COPY void extreme_message(const MessageRows<S>& rows, EdgeMessage kind, std::int64_t i, Accumulator<S>* y,
                                      std::int32_t* arg) {
  extreme_of_row<Accumulator<S>, Sign>(rows.in, i, rows.width, y, arg,
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

template <class S, EdgeMessage kMessage>
class Forward {
 public:
  Forward(const MessageAggregateForward& op, const RowScratch<S>& scratch)
      : op_(op),
        in_(op.graph.in_edges()),
        width_(op.edge.row_size()),
        rows_{in_, width_, read_rows<S>(op.x), read_rows<S>(op.edge)},
        y_(op.y, scratch.row),
        arg_(write_rows<std::int32_t>(op.arg)),
        long_rows_(scratch.long_rows) {}

  void row(std::int64_t i, int thread) const {
    T* const y = y_.row(i, thread);
    switch (op_.reduce) {
      case Reduce::sum: sum(i, thread, y); break;
      case Reduce::mean: mean(i, thread, y); break;
      case Reduce::max: extreme_message<S, 1>(rows_, kMessage, i, y, arg_ ? arg_[i] : nullptr); break;
      case Reduce::min: extreme_message<S, -1>(rows_, kMessage, i, y, arg_ ? arg_[i] : nullptr); break;
    }
    if (op_.epsilon.defined()) add_self(op_.epsilon, rows_.x[i], width_, y);
    y_.finish(i, thread);
  }

 private:
  using T = Accumulator<S>;

  void sum(std::int64_t i, int thread, T* y) const {
    sum_in_chunks(in_.offset[i], in_.offset[i + 1], width_, long_rows_ + thread * width_, y,
                  [&](std::int64_t begin, std::int64_t end, T* out) {
                    for_each_tile<T>(width_, [&](auto tile, std::int64_t column) {
                      auto total = tile.zero();
                      for (std::int64_t s = begin; s < end; ++s) {
                        const auto term = rows_.template message<kMessage>(tile, s, column);
                        for (int k = 0; k < tile.kVectors; ++k) total.v[k] += term.v[k];
                      }
                      total.store(out + column);
                    });
                  });
  }
  void mean(std::int64_t i, int thread, T* y) const {
    sum(i, thread, y);
    const T count = static_cast<T>(std::max<std::int64_t>(degree(in_, i), 1));
    for (std::int64_t c = 0; c < width_; ++c) y[c] /= count;
  }

  const MessageAggregateForward& op_;
  const Adjacency& in_;
  std::int64_t width_;
  MessageRows<S> rows_;
  ComputedRows<S> y_;
  Rows<std::int32_t> arg_;
  double* long_rows_;
};

/// The gradients of messages: one walk over the out-edges of each source serves dx and dedge alike.
template <class S, EdgeMessage kMessage>
class Backward {
 public:
  Backward(const MessageAggregateBackward& op, const RowScratch<S>& scratch)
      : op_(op),
        in_(op.graph.in_edges()),
        out_(op.graph.out_edges()),
        width_(op.dy.row_size()),
        x_(read_rows<S>(op.x)),
        edge_(read_rows<S>(op.edge)),
        dy_(read_rows<S>(op.dy)),
        arg_(read_rows<std::int32_t>(op.arg)),
        dx_(op.dx, scratch.row),
        dedge_(write_rows<S>(op.dedge)),
        long_rows_(scratch.long_rows) {}

  void row(std::int64_t j, int thread) const {
    const std::int64_t begin = out_.offset[j], end = out_.offset[j + 1];
    if (!dx_) return edges(j, begin, end, nullptr);
    T* const dx = dx_.row(j, thread);
    sum_in_chunks(begin, end, width_, long_rows_ + thread * width_, dx,
                  [&](std::int64_t first, std::int64_t last, T* sum) { edges(j, first, last, sum); });
    if (op_.epsilon.defined()) add_self(op_.epsilon, dy_[j], width_, dx);
    dx_.finish(j, thread);
  }

 private:
  using T = Accumulator<S>;

  /// Writes dedge of these out-edges of j where wanted, and their part of dx_j to `sum` unless that is null.
  void edges(std::int64_t j, std::int64_t begin, std::int64_t end, T* sum) const {
    const S* const x = x_ ? x_[j] : nullptr;
    for_each_tile<T, kExtremeVectors>(width_, [&](auto tile, std::int64_t column) {
      auto total = tile.zero();
      for (std::int64_t s = begin; s < end; ++s) {
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
  ComputedRows<S> dx_;
  Rows<S> dedge_;
  double* long_rows_;
};

template <class S>
RowScratch<S> carve(Carver& carver, const CpuExec& exec, const MessageAggregateForward& op) {
  RowScratch<S> scratch;
  scratch.row = carver.take<Accumulator<S>>(ComputedRows<S>::scratch_count(exec, op.edge.row_size()));
  if (is_extreme(op.reduce)) return scratch;
  scratch.long_rows = carver.take<double>(long_row_doubles(exec, op.graph.in_edges(), op.edge.row_size()));
  return scratch;
}

template <class S>
struct BackwardScratch {
  RowScratch<S> rows{};
  double* partials = nullptr;
};

template <class S>
BackwardScratch<S> carve(Carver& carver, const CpuExec& exec, const MessageAggregateBackward& op) {
  BackwardScratch<S> scratch;
  if (op.dx.defined()) scratch.rows = RowScratch<S>::carve(carver, exec, op.graph.out_edges(), op.dy.row_size());
  if (op.depsilon.defined()) scratch.partials = carver.take<double>(reduction_doubles(op.dy.shape[0], 1));
  return scratch;
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const MessageAggregateForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void message_aggregate_forward(const CpuExec& exec, const MessageAggregateForward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t width = op.edge.row_size();
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const RowScratch<S> scratch = carve<S>(carver, exec, op);
    math::with_message(op.message, [&](auto message) {
      const Forward<S, decltype(message)::value> forward(op, scratch);
      parallel_rows(exec, in.offset, in.rows, 2 * width, [&](std::int64_t first, std::int64_t last, int thread) {
        for (std::int64_t i = first; i < last; ++i) forward.row(i, thread);
      });
    });
  });
}

std::size_t workspace_size(const CpuExec& exec, const MessageAggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void message_aggregate_backward(const CpuExec& exec, const MessageAggregateBackward& op) {
  const Adjacency& out = op.graph.out_edges();
  const std::int64_t width = op.dy.row_size();
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const BackwardScratch<S> scratch = carve<S>(carver, exec, op);
    if (op.depsilon.defined()) epsilon_gradient<S>(exec, op, scratch.partials);
    if (!op.dx.defined() && !op.dedge.defined()) return;
    math::with_message(op.message, [&](auto message) {
      const Backward<S, decltype(message)::value> backward(op, scratch.rows);
      parallel_rows(exec, out.offset, out.rows, 3 * width, [&](std::int64_t first, std::int64_t last, int thread) {
        for (std::int64_t j = first; j < last; ++j) backward.row(j, thread);
      });
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
