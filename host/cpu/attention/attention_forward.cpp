// SPDX-License-Identifier: MIT
#include "host/cpu/attention/attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory.
template <class T>
struct Scratch {
  T *weight, *keep;  // [kChunkEdges][heads]
  T* row;            // one edge's [heads][score channels]
  SoftmaxMerge<T> merge;

  Scratch(Carver& carver, const AttentionForward& op) {
    const std::int64_t heads = op.query.shape[1];
    weight = carver.take<T>(kChunkEdges * heads);
    keep = carver.take<T>(op.dropout.probability > 0 ? kChunkEdges * heads : 0);
    row = carver.take<T>(op.query.row_size());
    if (op.graph.in_edges().long_rows.rows > 0) merge = SoftmaxMerge<T>(carver, heads, op.value.shape[2], false);
  }
};

/// Where the rows of each output are made, then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  SummedRows<S> y;
  SummedRows<T> maximum, sum;
  Carver threads;

  Memory(const CpuExec& exec, const AttentionForward& op, void* base) : threads(base) {
    const LongRows& long_rows = op.graph.in_edges().long_rows;
    y = SummedRows<S>(threads, exec, op.y, long_rows);
    maximum = SummedRows<T>(threads, exec, op.maximum, long_rows);
    sum = SummedRows<T>(threads, exec, op.sum, long_rows);
  }
};

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
        memory_(memory) {}

  void span(const Span& span, int thread, const Scratch<T>& scratch) const {
    const RowSoftmax<T> target = target_of([&](const auto& rows) { return rows.at(span, thread); });
    fill(span, scratch, target);
    if (span.whole()) normalise(target, heads_, channels_);
  }

  void merge(std::int64_t row, const Chunks& chunks, int thread, const Scratch<T>& scratch) const {
    scratch.merge.begin(false);
    for (std::int64_t chunk = chunks.first; chunk < chunks.last; ++chunk) {
      scratch.merge.add(target_of([&](const auto& rows) { return rows.partial(chunk); }));
    }
    scratch.merge.finish(target_of([&](const auto& rows) { return rows.row(row, thread); }));
  }

  void finish(std::int64_t row, int thread) const { memory_.y.finish(row, thread); }

 private:
  template <class Find>
  WARPGNN_INLINE RowSoftmax<T> target_of(const Find& find) const {
    return {find(memory_.maximum), find(memory_.sum), find(memory_.y), nullptr, nullptr};
  }

  /// The softmaxes of the span, sums and y relative to their own maxima.
  WARPGNN_ONE_COPY void fill(const Span& span, const Scratch<T>& scratch, const RowSoftmax<T>& target) const {
    const std::int64_t begin = span.begin, end = span.end;
    const std::int64_t count = span.count() * heads_, padded = whole_vectors<T>(count);
    T* const weight = scratch.weight;
    write_scores(span.row, begin, end, scratch);
    std::fill(weight + count, weight + padded, T(0));
    find_max(weight, count, heads_, target.maximum);
    subtract_max(target.maximum, count, heads_, weight);
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) weight[k] = vector_exp(weight[k]);
    add_up(weight, count, heads_, target.sum);
    if (dropout_.active) drop(begin, end, scratch);
    add_rows<false>(begin, end, NeighborRows<S>(in_, value_), heads_, channels_, weight, target.y);
    if (edge_value_) add_rows<true>(begin, end, EdgeRows<S>{in_, edge_value_}, heads_, channels_, weight, target.y);
  }

  void write_scores(std::int64_t i, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    const std::int64_t last_slot = in_.edges - 1;
    T* l = scratch.weight;
    for (std::int64_t s = begin; s < end; ++s, l += heads_) {
      const std::int64_t ahead = in_.neighbor[std::min(s + kPrefetchSlots, last_slot)];
      prefetch_row(scores_.key[ahead], scores_.width());
      if (!value_is_key_) prefetch_row(value_[ahead], heads_ * channels_);
      scores_.write(in_.neighbor[s], i, edge_of(in_, s), scratch.row, l);
    }
  }

  void drop(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch) const {
    dropout_.write_all(
        end - begin, [&](std::int64_t k) { return edge_of(in_, begin + k); }, heads_, scratch.keep);
    for (std::int64_t k = 0; k < (end - begin) * heads_; ++k) scratch.weight[k] *= scratch.keep[k];
  }

  const Adjacency& in_;
  AttentionScores<S, Score> scores_;
  std::int64_t heads_, channels_;
  bool value_is_key_;
  DropoutMask<T> dropout_;
  Rows<const S> value_, edge_value_;
  const Memory<S>& memory_;
};

/// One edge's [heads] scores and mask, and its [heads][score channels].
template <class T>
struct WeightScratch {
  T *score, *keep, *row;

  WeightScratch(Carver& carver, const AttentionWeightsArgs& op) {
    score = carver.take<T>(op.query.shape[1]);
    keep = carver.take<T>(op.query.shape[1]);
    row = carver.take<T>(op.query.row_size());
  }
};

template <class S, class Score>
class Weights {
 public:
  using T = Accumulator<S>;

  Weights(const AttentionWeightsArgs& op, const Score& score)
      : in_(op.graph.in_edges()),
        scores_(op, score),
        dropout_(op.dropped ? op.dropout : AttentionDropout{}),
        max_(read_rows<T>(op.maximum)),
        sum_(read_rows<T>(op.sum)),
        weight_(write_rows<T>(op.weight)) {}

  void span(const Span& span, int, const WeightScratch<T>& scratch) const {
    std::fill(scratch.keep, scratch.keep + scores_.heads, T(1));
    for (std::int64_t s = span.begin; s < span.end; ++s) {
      const std::int64_t e = edge_of(in_, s), i = span.row;
      scores_.write(in_.neighbor[s], i, e, scratch.row, scratch.score);
      if (dropout_.active) dropout_.write(e, scores_.heads, scratch.keep);
      for (std::int64_t h = 0; h < scores_.heads; ++h) {
        weight_[e][h] = scratch.keep[h] * math::softmax_weight<Math>(scratch.score[h], max_[i][h], sum_[i][h]);
      }
    }
  }
  void merge(std::int64_t, const Chunks&, int, const WeightScratch<T>&) const {}
  void finish(std::int64_t, int) const {}

 private:
  const Adjacency& in_;
  AttentionScores<S, Score> scores_;
  DropoutMask<T> dropout_;
  Rows<const T> max_, sum_;
  Rows<T> weight_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AttentionForward& op) {
  return with_storage(op.y.dtype, [&]<class S>(S) {
    return thread_memory_bytes<Scratch<Accumulator<S>>>(exec, Memory<S>(exec, op, nullptr).threads, op);
  });
}

void attention_forward(const CpuExec& exec, const AttentionForward& op) {
  const std::int64_t work = 3 * op.query.row_size() + op.value.row_size();
  with_storage(op.y.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const Memory<S> memory(exec, op, op.workspace.data);
    math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
      const Forward<S, Score> forward(op, score, memory);
      walk_rows(exec, op.graph.in_edges(), work, [&](int thread) {
        return PassWorker{forward, thread, thread_memory<Scratch<T>>(memory.threads, thread, op)};
      });
    });
  });
}

std::size_t workspace_size(const CpuExec& exec, const AttentionWeightsArgs& op) {
  return with_real(op.weight.dtype,
                   [&]<class T>(T) { return thread_memory_bytes<WeightScratch<T>>(exec, Carver(), op); });
}

void attention_weights(const CpuExec& exec, const AttentionWeightsArgs& op) {
  with_storage(op.query.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
      const Weights<S, Score> weights(op, score);
      walk_rows(exec, op.graph.in_edges(), 4 * op.query.row_size(), [&](int thread) {
        return PassWorker{weights, thread, thread_memory<WeightScratch<T>>(Carver(op.workspace.data), thread, op)};
      });
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
