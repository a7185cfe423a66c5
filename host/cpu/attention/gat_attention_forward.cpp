// SPDX-License-Identifier: MIT
#include "host/cpu/attention/gat_attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory. Arrays hold [kChunkEdges][heads].
template <class T>
struct Scratch {
  T *weight, *positive, *keep;
  SoftmaxMerge<T> merge;

  Scratch(Carver& carver, const GatAttentionForward& op) {
    const std::int64_t heads = op.value.shape[1];
    weight = carver.take<T>(kChunkEdges * heads);
    positive = carver.take<T>(kChunkEdges * heads);
    keep = carver.take<T>(kChunkEdges * heads);
    if (op.graph.in_edges().long_rows.rows > 0) {
      merge = SoftmaxMerge<T>(carver, heads, op.value.shape[2], op.positive_y.defined());
    }
  }
};

/// Where the rows of each output are made, then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  SummedRows<S> y, positive_y;
  SummedRows<T> maximum, sum, positive_weight;
  Carver threads;

  Memory(const CpuExec& exec, const GatAttentionForward& op, void* base) : threads(base) {
    const LongRows& long_rows = op.graph.in_edges().long_rows;
    y = SummedRows<S>(threads, exec, op.y, long_rows);
    positive_y = SummedRows<S>(threads, exec, op.positive_y, long_rows);
    maximum = SummedRows<T>(threads, exec, op.maximum, long_rows);
    sum = SummedRows<T>(threads, exec, op.sum, long_rows);
    positive_weight = SummedRows<T>(threads, exec, op.positive_weight, long_rows);
  }
};

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
        memory_(memory) {}

  void span(const Span& span, int thread, const Scratch<T>& scratch) const {
    const RowSoftmax<T> target = target_of([&](const auto& rows) { return rows.at(span, thread); });
    fill(span, scratch, target);
    if (span.whole()) normalise(target, heads_, channels_);
  }

  void merge(std::int64_t row, const Chunks& chunks, int thread, const Scratch<T>& scratch) const {
    scratch.merge.begin(training_);
    for (std::int64_t chunk = chunks.first; chunk < chunks.last; ++chunk) {
      scratch.merge.add(target_of([&](const auto& rows) { return rows.partial(chunk); }));
    }
    scratch.merge.finish(target_of([&](const auto& rows) { return rows.row(row, thread); }));
  }

  void finish(std::int64_t row, int thread) const {
    memory_.y.finish(row, thread);
    if (training_) memory_.positive_y.finish(row, thread);
  }

 private:
  template <class Find>
  WARPGNN_INLINE RowSoftmax<T> target_of(const Find& find) const {
    return {find(memory_.maximum), find(memory_.sum), find(memory_.y),
            training_ ? find(memory_.positive_weight) : nullptr, training_ ? find(memory_.positive_y) : nullptr};
  }

  /// The softmaxes of the span, sums and y relative to their own maxima.
  WARPGNN_ONE_COPY void fill(const Span& span, const Scratch<T>& scratch, const RowSoftmax<T>& target) const {
    const std::int64_t begin = span.begin, end = span.end;
    const std::int64_t count = span.count() * heads_, padded = whole_vectors<T>(count);
    T *const weight = scratch.weight, *const positive = scratch.positive;
    write_raw_scores(span.row, begin, end, weight);
    std::fill(weight + count, weight + padded, T(0));
    // One pass over all edges and heads: a branch on the sign of each score would be mispredicted every other time.
    const math::GatActivation<Math, T> activation = score_.activation;  // what stores might alias keeps the branch
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      positive[k] = weight[k] > 0 ? T(1) : T(0);
      weight[k] = activation(weight[k]);
    }
    find_max(weight, count, heads_, target.maximum);
    subtract_max(target.maximum, count, heads_, weight);
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      weight[k] = vector_exp(weight[k]);
      positive[k] *= weight[k];
    }
    add_up(weight, count, heads_, target.sum);
    if (training_) add_up(positive, count, heads_, target.positive_sum);
    if (dropout_.active) drop(begin, end, scratch);
    const NeighborRows<S> values(in_, value_);
    if (training_) {
      HeadwiseSum<T, 2>{{weight, positive}, {target.y, target.positive_y}}.run(begin, end, values, heads_, channels_);
    } else {
      HeadwiseSum<T, 1>{{weight}, {target.y}}.run(begin, end, values, heads_, channels_);
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
    dropout_.write_all(
        end - begin, [&](std::int64_t k) { return edge_of(in_, begin + k); }, heads_, scratch.keep);
    for (std::int64_t k = 0; k < (end - begin) * heads_; ++k) {
      scratch.weight[k] *= scratch.keep[k];
      scratch.positive[k] *= scratch.keep[k];
    }
  }

  const Adjacency& in_;
  std::int64_t heads_, channels_;
  bool training_;
  GatScore<T> score_;
  DropoutMask<T> dropout_;
  Rows<const S> value_;
  const Memory<S>& memory_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const GatAttentionForward& op) {
  return with_storage(op.y.dtype, [&]<class S>(S) {
    return thread_memory_bytes<Scratch<Accumulator<S>>>(exec, Memory<S>(exec, op, nullptr).threads, op);
  });
}

void gat_attention_forward(const CpuExec& exec, const GatAttentionForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    const Memory<S> memory(exec, op, op.workspace.data);
    const Forward<S> forward(op, memory);
    walk_rows(exec, op.graph.in_edges(), op.value.row_size() + 8 * op.value.shape[1], [&](int thread) {
      return PassWorker{forward, thread, thread_memory<Scratch<Accumulator<S>>>(memory.threads, thread, op)};
    });
  });
}

void gat_attention_weights(const CpuExec& exec, const GatAttentionWeightsArgs& op) {
  const Adjacency& in = op.graph.in_edges();
  const std::int64_t heads = op.weight.shape[1];
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto score = gat_score(op, T{});
    const auto maximum = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum);
    const auto weight = write_rows<T>(op.weight);
    walk_edges(exec, in, 16 * heads, [&](const Span& span) {
      for (std::int64_t s = span.begin; s < span.end; ++s) {
        const std::int64_t e = edge_of(in, s);
        for (std::int64_t h = 0; h < heads; ++h) {
          const T l = score.activation(score.raw(in.neighbor[s], span.row, e, h));
          weight[e][h] = math::softmax_weight<Math>(l, maximum[span.row][h], sum[span.row][h]);
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
