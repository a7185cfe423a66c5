// SPDX-License-Identifier: MIT
#include "host/cpu/base/walker.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// The relation of each edge, or -1 where it is none of [0, count).
class Relations {
 public:
  Relations(const ConstTensorView& relation, std::int64_t count)
      : data_(relation.data), stride_(relation.row_stride()), wide_(relation.dtype == Dtype::int64), count_(count) {}

  WARPGNN_INLINE std::int64_t operator[](std::int64_t edge) const {
    const std::int64_t id = wide_ ? static_cast<const std::int64_t*>(data_)[edge * stride_]
                                  : static_cast<const std::int32_t*>(data_)[edge * stride_];
    return id >= 0 && id < count_ ? id : -1;
  }

 private:
  const void* data_;
  std::int64_t stride_;
  bool wide_;
  std::int64_t count_;
};

// --- Weights ---------------------------------------------------------------------------------------------------------

/// Weights of one row's edges. `count` [R] is all zero before and after.
template <class T>
void weigh_row(const Adjacency& in, std::int64_t row, const Relations& relation, RelationNorm norm, Rows<T> weight,
               std::int32_t* count) {
  const std::int64_t begin = in.offset[row], end = in.offset[row + 1];
  const bool counts = norm == RelationNorm::per_relation;
  std::int64_t all = 0;  // edges that have a relation
  for (std::int64_t s = begin; norm != RelationNorm::none && s < end; ++s) {
    const std::int64_t r = relation[edge_of(in, s)];
    if (r < 0) continue;
    ++all;
    if (counts) ++count[r];
  }
  for (std::int64_t s = begin; s < end; ++s) {
    const std::int64_t e = edge_of(in, s), r = relation[e];
    const std::int64_t divisor = norm == RelationNorm::none ? 1 : counts && r >= 0 ? count[r] : all;
    *weight[e] = r < 0 ? T(0) : T(1) / static_cast<T>(divisor);
  }
  for (std::int64_t s = begin; counts && s < end; ++s) {
    if (const std::int64_t r = relation[edge_of(in, s)]; r >= 0) count[r] = 0;
  }
}

// --- Forward ---------------------------------------------------------------------------------------------------------

/// Vectors of a tile that is summed for several bases at once: as many accumulators as fit half the registers.
template <int kBases>
inline constexpr int kBasisVectors = std::min(8, (kVectorBytes == 64 ? 16 : 8) / kBases);

template <class S>
class Forward {
 public:
  Forward(const RelationAggregateForward& op, const SummedRows<S>& y)
      : in_(op.graph.in_edges()),
        width_(op.x.row_size()),
        bases_(op.coefficient.shape[1]),
        relation_(op.relation, op.coefficient.shape[0]),
        coefficient_(read_rows<T>(op.coefficient)),
        weight_(read_rows<T>(op.weight)),
        x_(read_rows<S>(op.x)),
        y_(y) {}

  void run(const CpuExec& exec) const {
    sum_over_edges(exec, in_, bases_ * width_, y_, [&](const Span& span, T* out) {
      std::int64_t basis = 0;
      for (; basis + 4 <= bases_; basis += 4) sum_bases<4>(span, basis, out);
      if (basis + 2 <= bases_) {
        sum_bases<2>(span, basis, out);
        basis += 2;
      }
      if (basis < bases_) sum_bases<1>(span, basis, out);
    });
  }

 private:
  using T = Accumulator<S>;

  /// The sums of kBases bases from `basis` on, each row of x being read once for all of them.
  template <int kBases>
  void sum_bases(const Span& span, std::int64_t basis, T* out) const {
    for_each_tile<T, kBasisVectors<kBases>>(width_, [&](auto tile, std::int64_t column) {
      decltype(tile) total[kBases];
      for (int b = 0; b < kBases; ++b) total[b] = tile.zero();
      for (std::int64_t s = span.begin; s < span.end; ++s) {
        if (column == 0 && basis == 0) {
          prefetch_row(x_[in_.neighbor[std::min(s + kPrefetchSlots, in_.edges - 1)]], width_);
        }
        const std::int64_t e = edge_of(in_, s), r = relation_[e];
        if (r < 0) continue;
        const T weight = weight_ ? *weight_[e] : T(1);
        const T* const coefficient = coefficient_[r] + basis;
        const S* const x = x_[in_.neighbor[s]] + column;
        for (int b = 0; b < kBases; ++b) total[b].add_scaled(x, weight * coefficient[b]);
      }
      for (int b = 0; b < kBases; ++b) total[b].store(out + (basis + b) * width_ + column);
    });
  }

  const Adjacency& in_;
  std::int64_t width_, bases_;
  Relations relation_;
  Rows<const T> coefficient_, weight_;
  Rows<const S> x_;
  const SummedRows<S>& y_;
};

// --- Backward --------------------------------------------------------------------------------------------------------

template <class S>
class Backward {
 public:
  Backward(const RelationAggregateBackward& op, const SummedRows<S>& dx)
      : in_(op.graph.in_edges()),
        out_(op.graph.out_edges()),
        width_(op.dy.shape[2]),
        bases_(op.coefficient.shape[1]),
        relation_(op.relation, op.coefficient.shape[0]),
        coefficient_(read_rows<T>(op.coefficient)),
        weight_(read_rows<T>(op.weight)),
        x_(read_rows<S>(op.x)),
        dy_(read_rows<S>(op.dy)),
        dx_(dx) {}

  void write_dx(const CpuExec& exec) const {
    sum_over_edges(exec, out_, bases_ * width_, dx_, [&](const Span& span, T* out) {
      for_each_tile<T>(width_, [&](auto tile, std::int64_t column) {
        auto total = tile.zero();
        for (std::int64_t s = span.begin; s < span.end; ++s) {
          if (column == 0) {
            prefetch_row(dy_[out_.neighbor[std::min(s + kPrefetchSlots, out_.edges - 1)]], bases_ * width_);
          }
          const std::int64_t e = out_.edge_id[s], r = relation_[e];
          if (r < 0) continue;
          const T weight = weight_ ? *weight_[e] : T(1);
          const S* const dy = dy_[out_.neighbor[s]] + column;
          for (std::int64_t b = 0; b < bases_; ++b) {
            total.add_scaled(dy + b * width_, weight * coefficient_[r][b]);
          }
        }
        total.store(out + column);
      });
    });
  }

  /// table[r * B + b] += the terms of dcoefficient from the in-edges of i.
  void add_dcoefficient(std::int64_t i, double* table) const {
    for (std::int64_t s = in_.offset[i]; s < in_.offset[i + 1]; ++s) {
      prefetch_row(x_[in_.neighbor[std::min(s + kPrefetchSlots, in_.edges - 1)]], width_);
      const std::int64_t e = edge_of(in_, s), r = relation_[e];
      if (r < 0) continue;
      const T weight = weight_ ? *weight_[e] : T(1);
      for (std::int64_t b = 0; b < bases_; ++b) {
        table[r * bases_ + b] += static_cast<double>(weight * dot(dy_[i] + b * width_, x_[in_.neighbor[s]], width_));
      }
    }
  }

  /// dweight of a span of in-edges.
  void write_dweight(const Span& span, const Rows<Accumulator<S>>& dweight) const {
    for (std::int64_t s = span.begin; s < span.end; ++s) {
      prefetch_row(x_[in_.neighbor[std::min(s + kPrefetchSlots, in_.edges - 1)]], width_);
      const std::int64_t e = edge_of(in_, s), r = relation_[e];
      T total = 0;
      for (std::int64_t b = 0; r >= 0 && b < bases_; ++b) {
        total += coefficient_[r][b] * dot(dy_[span.row] + b * width_, x_[in_.neighbor[s]], width_);
      }
      *dweight[e] = total;
    }
  }

 private:
  using T = Accumulator<S>;

  const Adjacency &in_, &out_;
  std::int64_t width_, bases_;
  Relations relation_;
  Rows<const T> coefficient_, weight_;
  Rows<const S> x_, dy_;
  const SummedRows<S>& dx_;
};

/// How the rows are cut into blocks with a table of dcoefficient each: few enough that the tables stay smaller than one
/// product per edge and basis.
ReductionBlocks table_blocks(const RelationAggregateBackward& op) {
  const std::int64_t rows = op.graph.num_destinations();
  const std::int64_t most = op.graph.num_edges() / std::max<std::int64_t>(op.coefficient.shape[0], 1);
  const std::int64_t wanted = std::clamp<std::int64_t>(std::min(most, rows / 64), 1, 64);
  const std::int64_t rows_per_block = std::max<std::int64_t>(1, (rows + wanted - 1) / wanted);
  return {rows_per_block, (rows + rows_per_block - 1) / rows_per_block};
}

template <class S>
void write_dcoefficient(const CpuExec& exec, const RelationAggregateBackward& op, const Backward<S>& backward,
                        double* tables) {
  using T = Accumulator<S>;
  const std::int64_t bases = op.coefficient.shape[1], cells = op.coefficient.shape[0] * bases;
  const std::int64_t rows = op.graph.num_destinations();
  const ReductionBlocks plan = table_blocks(op);
  const std::int64_t work = op.graph.num_edges() / std::max<std::int64_t>(plan.blocks, 1) * op.dy.row_size() + cells;
  parallel_for(exec, plan.blocks, work, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t b = first; b < last; ++b) {
      double* const table = tables + b * cells;
      std::fill(table, table + cells, 0.0);
      const std::int64_t end = std::min(rows, (b + 1) * plan.rows_per_block);
      for (std::int64_t i = b * plan.rows_per_block; i < end; ++i) backward.add_dcoefficient(i, table);
    }
  });
  const auto dcoefficient = write_rows<T>(op.dcoefficient);
  for (std::int64_t cell = 0; cell < cells; ++cell) {
    double total = 0;
    for (std::int64_t b = 0; b < plan.blocks; ++b) total += tables[b * cells + cell];
    dcoefficient[cell / bases][cell % bases] = static_cast<T>(total);
  }
}

/// Writes what edges have of their own, so that nothing is left to do with a row.
template <class S>
struct WeightWorker {
  const Backward<S>& backward;
  Rows<Accumulator<S>> dweight;

  void span(const Span& span) const { backward.write_dweight(span, dweight); }
  void merge(std::int64_t, const Chunks&) const {}
  void finish(std::int64_t) const {}
};

template <class S>
SummedRows<S> carve(Carver& carver, const CpuExec& exec, const RelationAggregateForward& op) {
  return SummedRows<S>(carver, exec, op.y, op.graph.in_edges().long_rows);
}

template <class S>
struct BackwardScratch {
  SummedRows<S> dx;
  double* tables;

  BackwardScratch(Carver& carver, const CpuExec& exec, const RelationAggregateBackward& op)
      : dx(carver, exec, op.dx, op.graph.out_edges().long_rows),
        tables(carver.take<double>(op.dcoefficient.defined()
                                       ? table_blocks(op).blocks * op.coefficient.shape[0] * op.coefficient.shape[1]
                                       : 0)) {}
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const RelationWeightsArgs& op) {
  if (op.norm != RelationNorm::per_relation) return 0;
  Carver carver;
  carver.take<std::int32_t>(exec.threads * op.relations);
  return carver.bytes();
}

void relation_weights(const CpuExec& exec, const RelationWeightsArgs& op) {
  const Adjacency& in = op.graph.in_edges();
  const Relations relation(op.relation, op.relations);
  auto* const counts = static_cast<std::int32_t*>(op.workspace.data);
  if (op.norm == RelationNorm::per_relation) std::fill(counts, counts + exec.threads * op.relations, 0);
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto weight = write_rows<T>(op.weight);
    parallel_rows(exec, in.offset, in.rows, 16, [&](std::int64_t first, std::int64_t last, int thread) {
      for (std::int64_t i = first; i < last; ++i) {
        weigh_row(in, i, relation, op.norm, weight, counts + thread * op.relations);
      }
    });
  });
}

std::size_t workspace_size(const CpuExec& exec, const RelationAggregateForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void relation_aggregate_forward(const CpuExec& exec, const RelationAggregateForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const auto y = carve<S>(carver, exec, op);
    Forward<S>(op, y).run(exec);
  });
}

std::size_t workspace_size(const CpuExec& exec, const RelationAggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { BackwardScratch<S>(carver, exec, op); });
  return carver.bytes();
}

void relation_aggregate_backward(const CpuExec& exec, const RelationAggregateBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const BackwardScratch<S> scratch(carver, exec, op);
    const Backward<S> backward(op, scratch.dx);
    if (op.dx.defined()) backward.write_dx(exec);
    if (op.dcoefficient.defined()) write_dcoefficient(exec, op, backward, scratch.tables);
    if (op.dweight.defined()) {
      walk_rows(exec, op.graph.in_edges(), op.dy.row_size(), [&](int) {
        return WeightWorker<S>{backward, write_rows<Accumulator<S>>(op.dweight)};
      });
    }
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
