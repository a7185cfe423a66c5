#pragma once

// Pair attention backward for heads too wide for a warp's registers: one warp per (span, head) finds the gradients of
// the scores of kWarpSize edges at a time, one per lane, and then adds what they pass on to sums that it keeps in
// memory between batches.

#include "kernels/pair_attention_backward.cuh"

namespace warpgnn::kernels {

/// The value dot of an edge, by a warp; every lane gets it.
template <int kWidth, class T, class Score>
__device__ T value_dot_of_edge(const PairInputs<T, Score>& inputs, const Rows<const T>& dy, const LaneGroup& warp,
                               int head, std::int64_t destination, std::int64_t source, std::int64_t edge_id) {
  T sum = 0;
#pragma unroll 2
  for (std::int64_t c = warp.lane * kWidth; c < inputs.values; c += warp.size * kWidth) {
    const std::int64_t column = head * inputs.values + c;
    sum += dot(load_read_only<kWidth>(dy[destination] + column), load_value<kWidth>(inputs, source, edge_id, column));
  }
  return warp.sum(sum);
}

/// The gradients of a batch, lane k holding those of edge k; zeros in lanes beyond the last edge. `ends_of(neighbor)`
/// tells which end of an edge is the row: it gives (destination, source).
struct EdgeEnds {
  std::int64_t destination;
  std::int64_t source;
};

template <int kWidth, class T, class Score, class EndsOf>
__device__ PairGradient<T> batch_gradients(const PairBackwardArguments<T, Score>& arguments, const LaneGroup& warp,
                                           int head, const EdgeBatch& batch, const EndsOf& ends_of) {
  T my_score = 0, my_dot = 0;
#pragma unroll 1
  for (int k = 0; k < batch.count; ++k) {
    const EdgeEnds ends = ends_of(warp.broadcast(batch.my_neighbor, k));
    const std::int64_t id = warp.broadcast(batch.my_id, k);
    const T l = score_of_edge<kWidth>(arguments.inputs, warp, head, ends.destination, ends.source, id);
    const T value_dot =
        value_dot_of_edge<kWidth>(arguments.inputs, arguments.dy, warp, head, ends.destination, ends.source, id);
    if (warp.lane == k) {
      my_score = l;
      my_dot = value_dot;
    }
  }
  if (warp.lane >= batch.count) return PairGradient<T>{T(0), T(0)};
  const std::int64_t destination = ends_of(batch.my_neighbor).destination;
  const PairTerms<T> terms = load_terms(arguments.terms + (destination * arguments.tiles.heads + head) * kPairTerms);
  const T kept_scale = (batch.my_kept & 1u) != 0 ? static_cast<T>(arguments.dropout.scale) : T(0);
  return pair_gradient(terms, my_score, my_dot, kept_scale);
}

/// What a sum in memory holds before a batch: nothing before the first.
template <int kWidth, class T>
__device__ Pack<T, kWidth> resume(const T* sum, bool started) {
  return started ? load<kWidth>(sum) : Pack<T, kWidth>{};
}

template <class T, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    pair_attention_backward_by_destination_wide(PairBackwardArguments<T, Score> arguments) {
  const PairInputs<T, Score>& inputs = arguments.inputs;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), arguments.tiles.heads, head);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const auto ends_of = [&](std::int64_t neighbor) { return EdgeEnds{span.row, neighbor}; };

  std::int64_t first = span.begin;
  do {  // once for an empty row too, which writes its zeros
    const EdgeBatch batch = EdgeBatch::load(arguments.edges, span, first, warp, arguments.dropout, head, 1);
    const PairGradient<T> mine = batch_gradients<kWidth>(arguments, warp, head, batch, ends_of);
    if (arguments.dedge_bias && warp.lane < batch.count) arguments.dedge_bias[batch.my_id][head] = mine.dl;
    const bool started = first > span.begin;
#pragma unroll 1
    for (std::int64_t start = 0; start < inputs.channels; start += kWarpSize * kWidth) {
      const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.channels + c;
      const bool active = c < inputs.channels;
      Pack<T, kWidth> dquery{}, dvector{};
      if (active && arguments.dquery) dquery = resume<kWidth>(arguments.dquery.row(span) + column, started);
      if (active && arguments.dvector) dvector = resume<kWidth>(arguments.dvector.row(span) + column, started);
#pragma unroll 1
      for (int k = 0; k < batch.count; ++k) {
        const std::int64_t neighbor = warp.broadcast(batch.my_neighbor, k);
        const std::int64_t id = warp.broadcast(batch.my_id, k);
        const T g = inputs.score.chain(warp.broadcast(mine.dl, k));
        const T weight = warp.broadcast(mine.weight, k);
        if (!active) continue;
        const ScorePacks<T, kWidth> packs = load_score_packs<kWidth>(inputs, span.row, neighbor, id, column);
        add_query_gradients(inputs.score, g, packs, dquery);
        if constexpr (Score::kHasVector) add_vector_gradients(inputs.score, g, packs, dvector);
        if (!arguments.dedge_key) continue;
        Pack<T, kWidth> dedge = key_gradients(inputs.score, g, packs);
        if (arguments.joins_edge_values) {
          add_scaled_to(dedge, weight, load_read_only<kWidth>(arguments.dy[span.row] + column));
        }
        store_streamed<kWidth>(arguments.dedge_key[id] + column, dedge);
      }
      if (active && arguments.dquery) store<kWidth>(arguments.dquery.row(span) + column, dquery);
      if (active && arguments.dvector) store<kWidth>(arguments.dvector.row(span) + column, dvector);
    }
    if (arguments.dedge_value) {
      for (int k = 0; k < batch.count; ++k) {
        const std::int64_t id = warp.broadcast(batch.my_id, k);
        const T weight = warp.broadcast(mine.weight, k);
#pragma unroll 1
        for (std::int64_t c = warp.lane * kWidth; c < inputs.values; c += kWarpSize * kWidth) {
          const std::int64_t column = head * inputs.values + c;
          const Pack<T, kWidth> dy = load_read_only<kWidth>(arguments.dy[span.row] + column);
          store_streamed<kWidth>(arguments.dedge_value[id] + column, scaled(weight, dy));
        }
      }
    }
    first += kWarpSize;
  } while (first < span.end);
}

template <class T, int kWidth, class Score>
__global__ void __launch_bounds__(kSpanThreads, 4)
    pair_attention_backward_by_source_wide(PairBackwardArguments<T, Score> arguments) {
  const PairInputs<T, Score>& inputs = arguments.inputs;
  const LaneGroup warp = LaneGroup::of_size(kWarpSize);
  int head;
  const std::int64_t item = split_tile(group_number(kWarpSize), arguments.tiles.heads, head);
  EdgeSpan span;
  if (!find_span(arguments.edges, item, span)) return;
  const auto ends_of = [&](std::int64_t neighbor) { return EdgeEnds{neighbor, span.row}; };

  std::int64_t first = span.begin;
  do {  // once for an empty row too, which writes its zeros
    const EdgeBatch batch = EdgeBatch::load(arguments.edges, span, first, warp, arguments.dropout, head, 1);
    const PairGradient<T> mine = batch_gradients<kWidth>(arguments, warp, head, batch, ends_of);
    const bool started = first > span.begin;
#pragma unroll 1
    for (std::int64_t start = 0; arguments.dkey && start < inputs.channels; start += kWarpSize * kWidth) {
      const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.channels + c;
      const bool active = c < inputs.channels;
      Pack<T, kWidth> dkey{};
      if (active) dkey = resume<kWidth>(arguments.dkey.row(span) + column, started);
#pragma unroll 1
      for (int k = 0; k < batch.count; ++k) {
        const std::int64_t neighbor = warp.broadcast(batch.my_neighbor, k);
        const std::int64_t id = warp.broadcast(batch.my_id, k);
        const T g = inputs.score.chain(warp.broadcast(mine.dl, k));
        const T weight = warp.broadcast(mine.weight, k);
        if (!active) continue;
        add_to(dkey, key_gradients(inputs.score, g, load_score_packs<kWidth>(inputs, neighbor, span.row, id, column)));
        if (!arguments.joins_values) continue;
        add_scaled_to(dkey, weight, load_read_only<kWidth>(arguments.dy[neighbor] + column));
      }
      if (active) store<kWidth>(arguments.dkey.row(span) + column, dkey);
    }
#pragma unroll 1
    for (std::int64_t start = 0; arguments.dvalue && start < inputs.values; start += kWarpSize * kWidth) {
      const std::int64_t c = start + warp.lane * kWidth, column = head * inputs.values + c;
      const bool active = c < inputs.values;
      Pack<T, kWidth> dvalue{};
      if (active) dvalue = resume<kWidth>(arguments.dvalue.row(span) + column, started);
#pragma unroll 1
      for (int k = 0; k < batch.count; ++k) {
        const std::int64_t neighbor = warp.broadcast(batch.my_neighbor, k);
        const T weight = warp.broadcast(mine.weight, k);
        if (active) add_scaled_to(dvalue, weight, load_read_only<kWidth>(arguments.dy[neighbor] + column));
      }
      if (active) store<kWidth>(arguments.dvalue.row(span) + column, dvalue);
    }
    first += kWarpSize;
  } while (first < span.end);
}

}  // namespace warpgnn::kernels
