#include "host/cpu/attention/attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory. Arrays named `chunk` hold [kChunkEdges][heads].
template <class T>
struct Scratch {
  T *chunk_weight, *chunk_keep;
  T *max, *sum;     // of the chunk, [heads]
  T* row_max;       // of the row so far, [heads]
  double* row_sum;  // relative to row_max
  double* row_y;    // relative to row_max, [heads][channels]
  T* row;           // one edge's [heads][score channels]

  Scratch(Carver& carver, const AttentionForward& op) {
    const std::int64_t heads = op.query.shape[1];
    const bool long_rows = op.graph.in_edges().long_rows.rows > 0;
    chunk_weight = carver.take<T>(kChunkEdges * heads);
    chunk_keep = carver.take<T>(op.dropout.probability > 0 ? kChunkEdges * heads : 0);
    max = carver.take<T>(heads);
    sum = carver.take<T>(heads);
    row_max = carver.take<T>(heads);
    row_sum = carver.take<double>(heads);
    row_y = carver.take<double>(long_rows ? op.value.row_size() : 0);
    row = carver.take<T>(op.query.row_size());
  }
};

/// The rows that threads compute for 16-bit storage, then each thread's Scratch.
template <class S>
struct Memory {
  Accumulator<S>* y;
  Carver threads;

  Memory(const CpuExec& exec, const AttentionForward& op, void* base) : threads(base) {
    y = threads.take<Accumulator<S>>(ComputedRows<S>::scratch_count(exec, op.value.row_size()));
  }
};

template <class T>
Scratch<T> carve(const AttentionForward& op, Carver carver, int thread, std::size_t* bytes = nullptr) {
  for (int t = 0;; ++t) {
    const Scratch<T> scratch(carver, op);
    if (bytes != nullptr) *bytes = carver.bytes();
    if (t == thread) return scratch;
  }
}

template <class S, class Score>
class Forward {
 public:
  using T = Accumulator<S>;

  Forward(const AttentionForward& op, const Score& score, const Memory<S>& memory)
      : in_(op.graph.in_edges()),
        scores_(op, score),
        heads_(op.value.shape[1]),
        channels_(op.value.shape[2]),
        value_is_key_(op.value.data == op.key.data),
        dropout_(op.dropout),
        value_(read_rows<S>(op.value)),
        edge_value_(read_rows<S>(op.edge_value)),
        y_(op.y, memory.y),
        max_(write_rows<T>(op.maximum)),
        sum_(write_rows<T>(op.sum)) {}

  void row(std::int64_t i, int thread, const Scratch<T>& scratch) const {
    fill({i, y_.row(i, thread)}, scratch);
    y_.finish(i, thread);
  }

 private:
  /// A row, and where it is computed.
  struct Target {
    std::int64_t i;
    T* y;
  };

  void fill(const Target& row, const Scratch<T>& scratch) const {
    const std::int64_t begin = in_.offset[row.i], end = in_.offset[row.i + 1];
    if (end - begin <= kChunkEdges) {
      chunk(row, begin, end, scratch);
      return finish(row, scratch);
    }
    std::fill(scratch.row_max, scratch.row_max + heads_, -math::kInfinity<T>);
    std::fill(scratch.row_sum, scratch.row_sum + heads_, 0.0);
    std::fill(scratch.row_y, scratch.row_y + heads_ * channels_, 0.0);
    for (std::int64_t first = begin; first < end; first += kChunkEdges) {
      chunk(row, first, std::min(end, first + kChunkEdges), scratch);
      merge_chunk(row, scratch);
    }
    finish_long_row(row, scratch);
  }

  /// max, sum and unnormalised y of the chunk, relative to its own max.
  void chunk(const Target& row, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    const std::int64_t count = (end - begin) * heads_, padded = whole_vectors<T>(count);
    T* const weight = scratch.chunk_weight;
    write_scores(row.i, begin, end, scratch);
    std::fill(weight + count, weight + padded, T(0));
    find_max(weight, count, heads_, scratch.max);
    subtract_max(scratch.max, count, heads_, weight);
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) weight[k] = vector_exp(weight[k]);
    add_up(weight, count, heads_, scratch.sum);
    if (dropout_.active) drop(begin, end, scratch);
    add_rows<false>(begin, end, NeighborRows<S>(in_, value_), heads_, channels_, weight, row.y);
    if (edge_value_) add_rows<true>(begin, end, EdgeRows<S>{in_, edge_value_}, heads_, channels_, weight, row.y);
  }

  void write_scores(std::int64_t i, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    const std::int64_t last_slot = in_.edges - 1;
    T* l = scratch.chunk_weight;
    for (std::int64_t s = begin; s < end; ++s, l += heads_) {
      const std::int64_t ahead = in_.neighbor[std::min(s + kPrefetchSlots, last_slot)];
      prefetch_row(scores_.key[ahead], scores_.width());
      if (!value_is_key_) prefetch_row(value_[ahead], heads_ * channels_);
      scores_.write(in_.neighbor[s], i, edge_of(in_, s), scratch.row, l);
    }
  }

  void drop(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    for (std::int64_t s = begin; s < end; ++s) {
      dropout_.write(edge_of(in_, s), heads_, scratch.chunk_keep + (s - begin) * heads_);
    }
    for (std::int64_t k = 0; k < (end - begin) * heads_; ++k) scratch.chunk_weight[k] *= scratch.chunk_keep[k];
  }

  void merge_chunk(const Target& row, const Scratch<T>& scratch) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const MergeFactors factors = merge_max(scratch.row_max[h], scratch.max[h]);
      merge_values(factors, scratch.sum + h, 1, scratch.row_sum + h);
      merge_values(factors, row.y + h * channels_, channels_, scratch.row_y + h * channels_);
    }
  }

  void finish_long_row(const Target& row, const Scratch<T>& scratch) const {
    // Divided in double: the sums of a hub may be large and have more digits than T.
    for (std::int64_t h = 0; h < heads_; ++h) {
      const double scale = scratch.row_sum[h] == 0 ? 0.0 : 1 / scratch.row_sum[h];
      for (std::int64_t c = h * channels_; c < (h + 1) * channels_; ++c) {
        row.y[c] = static_cast<T>(scratch.row_y[c] * scale);
      }
      max_[row.i][h] = scratch.row_max[h];
      sum_[row.i][h] = static_cast<T>(scratch.row_sum[h]);
    }
  }

  void finish(const Target& row, const Scratch<T>& scratch) const {
    for (std::int64_t h = 0; h < heads_; ++h) {
      const T scale = scratch.sum[h] == 0 ? T(0) : T(1) / scratch.sum[h];
      T* const y = row.y + h * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) y[c] *= scale;
      max_[row.i][h] = scratch.max[h];
      sum_[row.i][h] = scratch.sum[h];
    }
  }

  const Adjacency& in_;
  AttentionScores<S, Score> scores_;
  std::int64_t heads_, channels_;
  bool value_is_key_;
  DropoutMask<T> dropout_;
  Rows<const S> value_, edge_value_;
  ComputedRows<S> y_;
  Rows<T> max_, sum_;
};

/// One edge's [heads] scores and mask, and its [heads][score channels].
template <class T>
struct WeightScratch {
  T *score, *keep, *row;

  WeightScratch(Carver& carver, const AttentionWeights& op) {
    score = carver.take<T>(op.query.shape[1]);
    keep = carver.take<T>(op.query.shape[1]);
    row = carver.take<T>(op.query.row_size());
  }
};

template <class T>
WeightScratch<T> carve(const AttentionWeights& op, void* base, int thread, std::size_t* bytes = nullptr) {
  Carver carver(base);
  for (int t = 0;; ++t) {
    const WeightScratch<T> scratch(carver, op);
    if (bytes != nullptr) *bytes = carver.bytes();
    if (t == thread) return scratch;
  }
}

template <class S, class Score>
void weights(const CpuExec& exec, const AttentionWeights& op, const Score& kind) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const AttentionScores<S, Score> scores(op, kind);
  const DropoutMask<T> dropout(op.dropout);
  const auto max = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum);
  const auto weight = write_rows<T>(op.weight);
  parallel_rows(exec, in.offset, in.rows, 4 * scores.width(), [&](std::int64_t first, std::int64_t last, int thread) {
    const WeightScratch<T> scratch = carve<T>(op, op.workspace.data, thread);
    std::fill(scratch.keep, scratch.keep + scores.heads, T(1));
    for (std::int64_t i = first; i < last; ++i) {
      for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
        const std::int64_t e = edge_of(in, s);
        scores.write(in.neighbor[s], i, e, scratch.row, scratch.score);
        if (dropout.active) dropout.write(e, scores.heads, scratch.keep);
        for (std::int64_t h = 0; h < scores.heads; ++h) {
          weight[e][h] = scratch.keep[h] * math::softmax_weight<Math>(scratch.score[h], max[i][h], sum[i][h]);
        }
      }
    }
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AttentionForward& op) {
  std::size_t bytes = 0;
  with_storage(op.y.dtype, [&]<class S>(S) {
    carve<Accumulator<S>>(op, Memory<S>(exec, op, nullptr).threads, exec.threads - 1, &bytes);
  });
  return bytes;
}

void attention_forward(const CpuExec& exec, const AttentionForward& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t work = 3 * op.query.row_size() + op.value.row_size();
  with_storage(op.y.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const Memory<S> memory(exec, op, op.workspace.data);
    math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
      const Forward<S, Score> forward(op, score, memory);
      parallel_rows(exec, in.offset, in.rows, work, [&](std::int64_t first, std::int64_t last, int thread) {
        const Scratch<T> scratch = carve<T>(op, memory.threads, thread);
        for (std::int64_t i = first; i < last; ++i) forward.row(i, thread, scratch);
      });
    });
  });
}

std::size_t workspace_size(const CpuExec& exec, const AttentionWeights& op) {
  std::size_t bytes = 0;
  with_real(op.weight.dtype, [&]<class T>(T) { carve<T>(op, nullptr, exec.threads - 1, &bytes); });
  return bytes;
}

void attention_weights(const CpuExec& exec, const AttentionWeights& op) {
  with_storage(op.query.dtype, [&]<class S>(S) {
    math::with_attention_score<Math, Accumulator<S>>(
        op, [&]<class Score>(const Score& score) { weights<S>(exec, op, score); });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
