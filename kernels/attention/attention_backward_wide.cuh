// SPDX-License-Identifier: MIT
#pragma once

// Attention's backward for heads too wide for a warp's registers: one warp per (span, head) first finds the
// gradients of the scores of all edges, one per lane in each batch of kWarpSize, and then adds up what they pass on,
// one tile of columns after the other.

#include "kernels/attention/attention_backward.cuh"

namespace warpgnn::kernels {

/// The value dot of an edge, by a warp; every lane gets it.
template <int kWidth, class S, class Score>
__device__ Accumulator<S> value_dot_of_edge(const AttentionInputs<S, Score>& inputs, const GatheredRows<const S>& dy,
                                            const LaneGroup& warp, int head, std::uint32_t destination,
                                            std::uint32_t source, std::uint32_t edge_id) {
  Accumulator<S> sum = 0;
#pragma unroll 2
  for (std::int64_t c = warp.lane * kWidth; c < inputs.values; c += warp.size * kWidth) {
    const std::int64_t column = head * inputs.values + c;
    sum += dot(load_read_only<kWidth>(dy[destination] + column), load_value<kWidth>(inputs, source, edge_id, column));
  }
  return warp.sum(sum);
}

/// The two ends of an edge.
struct EdgeEnds {
  std::uint32_t destination;
  std::uint32_t source;
};

/// The gradients of a batch, lane k holding those of edge k; zeros in lanes beyond the last edge. `ends_of(neighbor)`
/// tells which end of an edge is the row.
template <int kWidth, class S, class Score, class EndsOf>
__device__ AttentionGradient<Accumulator<S>> batch_gradients(const AttentionBackwardArguments<S, Score>& arguments,
                                                             const LaneGroup& warp, int head, const EdgeBatch& batch,
                                                             const EndsOf& ends_of) {
  using T = Accumulator<S>;
  T my_score = 0, my_dot = 0;
#pragma unroll 1
  for (int k = 0; k < batch.count; ++k) {
    const EdgeEnds ends = ends_of(warp.broadcast(batch.my_neighbor, k));
    const std::uint32_t id = warp.broadcast(batch.my_id, k);
    const T l = score_of_edge<kWidth>(arguments.inputs, warp, head, ends.destination, ends.source, id);
    const T value_dot =
        value_dot_of_edge<kWidth>(arguments.inputs, arguments.dy, warp, head, ends.destination, ends.source, id);
    if (warp.lane == k) {
      my_score = l;
      my_dot = value_dot;
    }
  }
  if (warp.lane >= batch.count) return AttentionGradient<T>{T(0), T(0)};
  const std::uint32_t destination = ends_of(batch.my_neighbor).destination;
  const SoftmaxTerms<T> terms = load_terms(arguments.terms[destination] + head * kSoftmaxTerms);
  const bool kept = (batch.my_kept(warp, arguments.dropout, head, 1) & 1u) != 0;
  return attention_gradient(terms, my_score, my_dot, kept ? arguments.dropout.template scale_as<T>() : T(0));
}

/// The gradients of all edges of a span, in shared memory: a lane reads nothing but what it wrote.
template <class T>
struct SpanGradients {
  T (&dl)[kChunkEdges / kWarpSize][kSpanThreads];
  T (&weight)[kChunkEdges / kWarpSize][kSpanThreads];

  __device__ void set(std::int64_t batch, const AttentionGradient<T>& mine) const {
    dl[batch][threadIdx.x] = mine.dl;
    weight[batch][threadIdx.x] = mine.weight;
  }
  __device__ AttentionGradient<T> get(std::int64_t batch) const {
    return AttentionGradient<T>{dl[batch][threadIdx.x], weight[batch][threadIdx.x]};
  }
};

/// Calls add(neighbor, edge id, gradient) for the edges of a span, in order; all lanes together.
template <class T, class Add>
__device__ void for_each_edge(const Adjacency& edges, const EdgeSpan& span, const LaneGroup& warp,
                              const SpanGradients<T>& gradients, const Add& add) {
#pragma unroll 1
  for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
    const EdgeBatch batch = EdgeBatch::load(edges, span, first, warp);
    const AttentionGradient<T> mine = gradients.get((first - span.begin) / kWarpSize);
#pragma unroll 1
    for (int k = 0; k < batch.count; ++k) {
      const std::uint32_t neighbor = warp.broadcast(batch.my_neighbor, k);
      const std::uint32_t id = warp.broadcast(batch.my_id, k);
      add(neighbor, id, AttentionGradient<T>{warp.broadcast(mine.dl, k), warp.broadcast(mine.weight, k)});
    }
  }
}

template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    attention_backward_by_destination_wide(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  __shared__ T shared_dl[kChunkEdges / kWarpSize][kSpanThreads];
  __shared__ T shared_weight[kChunkEdges / kWarpSize][kSpanThreads];
  const SpanGradients<T> gradients{shared_dl, shared_weight};
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), arguments.tiles.heads, head);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const auto ends_of = [&](std::uint32_t neighbor) { return EdgeEnds{span.node(), neighbor}; };
  for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
    const EdgeBatch batch = EdgeBatch::load(arguments.edges, span, first, warp);
    const AttentionGradient<T> mine = batch_gradients<kWidth>(arguments, warp, head, batch, ends_of);
    if (arguments.dedge_bias && warp.lane < batch.count) arguments.dedge_bias[batch.my_id][head] = mine.dl;
    gradients.set((first - span.begin) / kWarpSize, mine);
  }

#pragma unroll 1
  for (std::int64_t start = 0; start < inputs.channels; start += kWarpSize * kWidth) {
    const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.channels + c;
    const bool active = c < inputs.channels;
    Pack<T, kWidth> dquery{}, dvector{};
    for_each_edge(arguments.edges, span, warp, gradients,
                  [&](std::uint32_t neighbor, std::uint32_t id, const AttentionGradient<T>& gradient) {
                    if (!active) return;
                    const T g = inputs.score.chain(gradient.dl);
                    const ScorePacks<T, kWidth> packs =
                        load_score_packs<kWidth>(inputs, span.node(), neighbor, id, column);
                    add_query_gradients(inputs.score, g, packs, dquery);
                    if constexpr (Score::kHasVector) add_vector_gradients(inputs.score, g, packs, dvector);
                    if (!arguments.dedge_key) return;
                    Pack<T, kWidth> dedge = key_gradients(inputs.score, g, packs);
                    if (arguments.joins_edge_values) {
                      add_scaled_to(dedge, gradient.weight, load_read_only<kWidth>(arguments.dy[span.node()] + column));
                    }
                    store_streamed<kWidth>(arguments.dedge_key[id] + column, dedge);
                  });
    if (active && arguments.dquery) arguments.dquery.store(span, column, dquery);
    if (active && arguments.dvector) arguments.dvector.store(span, column, dvector);
  }
#pragma unroll 1
  for (std::int64_t start = 0; arguments.dedge_value && start < inputs.values; start += kWarpSize * kWidth) {
    const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.values + c;
    Pack<T, kWidth> dy{};
    if (c < inputs.values) dy = load_read_only<kWidth>(arguments.dy[span.node()] + column);
    for_each_edge(arguments.edges, span, warp, gradients,
                  [&](std::uint32_t, std::uint32_t id, const AttentionGradient<T>& gradient) {
                    if (c >= inputs.values) return;
                    store_streamed<kWidth>(arguments.dedge_value[id] + column, scaled(gradient.weight, dy));
                  });
  }
}

template <class S, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    attention_backward_by_source_wide(AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  __shared__ T shared_dl[kChunkEdges / kWarpSize][kSpanThreads];
  __shared__ T shared_weight[kChunkEdges / kWarpSize][kSpanThreads];
  const SpanGradients<T> gradients{shared_dl, shared_weight};
  const AttentionInputs<S, Score>& inputs = arguments.inputs;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), arguments.tiles.heads, head);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const auto ends_of = [&](std::uint32_t neighbor) { return EdgeEnds{neighbor, span.node()}; };
  for (std::int64_t first = span.begin; first < span.end; first += kWarpSize) {
    const EdgeBatch batch = EdgeBatch::load(arguments.edges, span, first, warp);
    gradients.set((first - span.begin) / kWarpSize, batch_gradients<kWidth>(arguments, warp, head, batch, ends_of));
  }

#pragma unroll 1
  for (std::int64_t start = 0; arguments.dkey && start < inputs.channels; start += kWarpSize * kWidth) {
    const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.channels + c;
    const bool active = c < inputs.channels;
    Pack<T, kWidth> dkey{};
    for_each_edge(arguments.edges, span, warp, gradients,
                  [&](std::uint32_t neighbor, std::uint32_t id, const AttentionGradient<T>& gradient) {
                    if (!active) return;
                    const T g = inputs.score.chain(gradient.dl);
                    add_to(dkey, key_gradients(inputs.score, g,
                                               load_score_packs<kWidth>(inputs, neighbor, span.node(), id, column)));
                    if (!arguments.joins_values) return;
                    add_scaled_to(dkey, gradient.weight, load_read_only<kWidth>(arguments.dy[neighbor] + column));
                  });
    if (active) arguments.dkey.store(span, column, dkey);
  }
#pragma unroll 1
  for (std::int64_t start = 0; arguments.dvalue && start < inputs.values; start += kWarpSize * kWidth) {
    const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.values + c;
    const bool active = c < inputs.values;
    Pack<T, kWidth> dvalue{};
    for_each_edge(arguments.edges, span, warp, gradients,
                  [&](std::uint32_t neighbor, std::uint32_t, const AttentionGradient<T>& gradient) {
                    if (!active) return;
                    add_scaled_to(dvalue, gradient.weight, load_read_only<kWidth>(arguments.dy[neighbor] + column));
                  });
    if (active) arguments.dvalue.store(span, column, dvalue);
  }
}

}  // namespace warpgnn::kernels
