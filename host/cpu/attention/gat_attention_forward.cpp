#include "host/cpu/attention/gat_attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory. Arrays named `chunk` hold [kChunkEdges][heads]; the rest [heads] or [heads][channels].
template <class T>
struct Scratch {
  T *chunk_weight, *chunk_positive, *chunk_keep;
  T *max, *sum, *positive_sum;         // of the chunk
  T* row_max;                          // of the row so far
  double *row_sum, *row_positive_sum;  // relative to row_max
  double *row_y, *row_positive_y;      // relative to row_max

  Scratch(Carver& carver, std::int64_t heads, std::int64_t channels, bool long_rows) {
    chunk_weight = carver.take<T>(kChunkEdges * heads);
    chunk_positive = carver.take<T>(kChunkEdges * heads);
    chunk_keep = carver.take<T>(kChunkEdges * heads);
    max = carver.take<T>(heads);
    sum = carver.take<T>(heads);
    positive_sum = carver.take<T>(heads);
    row_max = carver.take<T>(heads);
    row_sum = carver.take<double>(heads);
    row_positive_sum = carver.take<double>(heads);
    row_y = carver.take<double>(long_rows ? heads * channels : 0);
    row_positive_y = carver.take<double>(long_rows ? heads * channels : 0);
  }
};

/// The rows that threads compute for 16-bit storage, then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  T *y, *positive_y;
  Carver threads;

  Memory(const CpuExec& exec, const GatAttentionForward& op, void* base) : threads(base) {
    const std::int64_t count = ComputedRows<S>::scratch_count(exec, op.value.row_size());
    y = threads.take<T>(count);
    positive_y = threads.take<T>(op.positive_y.defined() ? count : 0);
  }
};

template <class T>
Scratch<T> carve(const GatAttentionForward& op, Carver carver, int thread, std::size_t* bytes = nullptr) {
  const bool long_rows = op.graph.in_edges().long_rows.rows > 0;
  for (int t = 0;; ++t) {
    Scratch<T> scratch(carver, op.value.shape[1], op.value.shape[2], long_rows);
    if (bytes != nullptr) *bytes = carver.bytes();
    if (t == thread) return scratch;
  }
}

template <class S>
class Forward {
 public:
  using T = Accumulator<S>;

  Forward(const GatAttentionForward& op, const Memory<S>& memory)
      : in_(op.graph.in_edges()),
        heads_(op.value.shape[1]),
        channels_(op.value.shape[2]),
        training_(op.positive_y.defined()),
        score_(gat_score(op, T{})),
        dropout_(op.dropout),
        value_(read_rows<S>(op.value)),
        y_(op.y, memory.y),
        positive_y_(op.positive_y, memory.positive_y),
        maximum_(write_rows<T>(op.maximum)),
        sum_(write_rows<T>(op.sum)),
        positive_weight_(write_rows<T>(op.positive_weight)) {}

  void row(std::int64_t i, int thread, const Scratch<T>& scratch) const {
    const Target target{i, y_.row(i, thread), training_ ? positive_y_.row(i, thread) : nullptr};
    fill(target, scratch);
    y_.finish(i, thread);
    if (training_) positive_y_.finish(i, thread);
  }

 private:
  /// A row, and where it is computed.
  struct Target {
    std::int64_t i;
    T *y, *positive_y;
  };

  void fill(const Target& row, const Scratch<T>& scratch) const {
    const std::int64_t begin = in_.offset[row.i], end = in_.offset[row.i + 1];
    if (end - begin <= kChunkEdges) {
      chunk(row, begin, end, scratch);
      return finish(row, scratch.max, scratch.sum, scratch.positive_sum);
    }
    begin_long_row(scratch);
    for (std::int64_t first = begin; first < end; first += kChunkEdges) {
      chunk(row, first, std::min(end, first + kChunkEdges), scratch);
      merge_chunk(row, scratch);
    }
    end_long_row(row, scratch);
  }

  /// max, sum and unnormalised y of the chunk, relative to its own max.
  void chunk(const Target& row, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    const std::int64_t count = (end - begin) * heads_, padded = whole_vectors<T>(count);
    T *const weight = scratch.chunk_weight, *const positive = scratch.chunk_positive;
    write_raw_scores(row.i, begin, end, weight);
    std::fill(weight + count, weight + padded, T(0));
    // One pass over all edges and heads: a branch on the sign of each score would be mispredicted every other time.
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      positive[k] = weight[k] > 0 ? T(1) : T(0);
      weight[k] = score_.activation(weight[k]);
    }
    find_max(weight, count, heads_, scratch.max);
    subtract_max(scratch.max, count, heads_, weight);
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      weight[k] = vector_exp(weight[k]);
      positive[k] *= weight[k];
    }
    add_up(weight, count, heads_, scratch.sum);
    if (training_) add_up(positive, count, heads_, scratch.positive_sum);
    if (dropout_.active) drop(begin, end, scratch);
    const NeighborRows<S> values(in_, value_);
    if (training_) {
      HeadwiseSum<T, 2>{{weight, scratch.chunk_positive}, {row.y, row.positive_y}}.run(begin, end, values, heads_,
                                                                                       channels_);
    } else {
      HeadwiseSum<T, 1>{{weight}, {row.y}}.run(begin, end, values, heads_, channels_);
    }
  }

  void write_raw_scores(std::int64_t i, std::int64_t begin, std::int64_t end, T* score) const {
    with_heads(heads_, [&](auto heads) {
      for (std::int64_t s = begin; s < end; ++s, score += heads) {
        const std::int64_t j = in_.neighbor[s], e = edge_of(in_, s);
#pragma omp simd
        for (std::int64_t h = 0; h < heads; ++h) score[h] = score_.raw(j, i, e, h);
      }
    });
  }

  void drop(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    for (std::int64_t s = begin; s < end; ++s) {
      dropout_.write(edge_of(in_, s), heads_, scratch.chunk_keep + (s - begin) * heads_);
    }
    for (std::int64_t k = 0; k < (end - begin) * heads_; ++k) {
      scratch.chunk_weight[k] *= scratch.chunk_keep[k];
      scratch.chunk_positive[k] *= scratch.chunk_keep[k];
    }
  }

  void begin_long_row(const Scratch<T>& scratch) const {
    const std::int64_t width = heads_ * channels_;
    std::fill(scratch.row_max, scratch.row_max + heads_, -math::kInfinity<T>);
    std::fill(scratch.row_sum, scratch.row_sum + heads_, 0.0);
    std::fill(scratch.row_positive_sum, scratch.row_positive_sum + heads_, 0.0);
    std::fill(scratch.row_y, scratch.row_y + width, 0.0);
    std::fill(scratch.row_positive_y, scratch.row_positive_y + width, 0.0);
  }

  void merge_chunk(const Target& row, const Scratch<T>& scratch) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const MergeFactors factors = merge_max(scratch.row_max[h], scratch.max[h]);
      const std::int64_t c = h * channels_;
      merge_values(factors, scratch.sum + h, 1, scratch.row_sum + h);
      merge_values(factors, row.y + c, channels_, scratch.row_y + c);
      if (!training_) continue;
      merge_values(factors, scratch.positive_sum + h, 1, scratch.row_positive_sum + h);
      merge_values(factors, row.positive_y + c, channels_, scratch.row_positive_y + c);
    }
  }

  void end_long_row(const Target& row, const Scratch<T>& scratch) const {
    // Divided in double: the sums of a hub may be large and have more digits than T.
    for (std::int64_t h = 0; h < heads_; ++h) {
      const double scale = scratch.row_sum[h] == 0 ? 0.0 : 1 / scratch.row_sum[h];
      for (std::int64_t c = h * channels_; c < (h + 1) * channels_; ++c) {
        row.y[c] = static_cast<T>(scratch.row_y[c] * scale);
        if (training_) row.positive_y[c] = static_cast<T>(scratch.row_positive_y[c] * scale);
      }
      maximum_[row.i][h] = scratch.row_max[h];
      sum_[row.i][h] = static_cast<T>(scratch.row_sum[h]);
      if (training_) positive_weight_[row.i][h] = static_cast<T>(scratch.row_positive_sum[h] * scale);
    }
  }

  void finish(const Target& row, const T* max, const T* sum, const T* positive_sum) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const T scale = math::inverse_sum(sum[h]);
      T* const y = row.y + h * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) y[c] *= scale;
      maximum_[row.i][h] = max[h];
      sum_[row.i][h] = sum[h];
      if (!training_) continue;
      T* const positive_y = row.positive_y + h * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) positive_y[c] *= scale;
      positive_weight_[row.i][h] = positive_sum[h] * scale;
    }
  }

  const Adjacency& in_;
  std::int64_t heads_, channels_;
  bool training_;
  GatScore<T> score_;
  DropoutMask<T> dropout_;
  Rows<const S> value_;
  ComputedRows<S> y_, positive_y_;
  Rows<T> maximum_, sum_, positive_weight_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const GatAttentionForward& op) {
  std::size_t bytes = 0;
  with_storage(op.y.dtype, [&]<class S>(S) {
    carve<Accumulator<S>>(op, Memory<S>(exec, op, nullptr).threads, exec.threads - 1, &bytes);
  });
  return bytes;
}

void gat_attention_forward(const CpuExec& exec, const GatAttentionForward& op) {
  const Adjacency& in = op.graph.in_edges();
  with_storage(op.y.dtype, [&]<class S>(S) {
    const Memory<S> memory(exec, op, op.workspace.data);
    const Forward<S> forward(op, memory);
    parallel_rows(exec, in.offset, in.rows, op.value.row_size() + 8 * op.value.shape[1],
                  [&](std::int64_t first, std::int64_t last, int thread) {
                    const auto scratch = carve<Accumulator<S>>(op, memory.threads, thread);
                    for (std::int64_t i = first; i < last; ++i) forward.row(i, thread, scratch);
                  });
  });
}

void gat_attention_weights(const CpuExec& exec, const GatAttentionWeights& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t heads = op.weight.shape[1];
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto score = gat_score(op, T{});
    const auto maximum = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum);
    const auto weight = write_rows<T>(op.weight);
    parallel_rows(exec, in.offset, in.rows, 16 * heads, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
          const std::int64_t e = edge_of(in, s);
          for (std::int64_t h = 0; h < heads; ++h) {
            const T l = score.activation(score.raw(in.neighbor[s], i, e, h));
            weight[e][h] = math::softmax_weight<Math>(l, maximum[i][h], sum[i][h]);
          }
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
