// SPDX-License-Identifier: MIT
#include "kernels/attention/gat_attention_backward.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
struct Scratch {
  T* terms = nullptr;
  T* partial_dvalue = nullptr;
  T* partial_dsource_score = nullptr;
};

template <class T>
Scratch<T> carve(Carver& carver, const GatAttentionBackward& op) {
  const std::int64_t heads = op.value.shape[1];
  const std::int64_t chunks = op.graph.out_edges().long_rows.chunks;
  Scratch<T> scratch;
  scratch.terms = carver.take<T>(op.graph.num_destinations() * heads * kSoftmaxTerms);
  scratch.partial_dvalue = carver.take<T>(op.dvalue.defined() ? chunks * op.value.row_size() : 0);
  scratch.partial_dsource_score = carver.take<T>(op.dsource_score.defined() ? chunks * heads : 0);
  return scratch;
}

template <class S, class Score>
void launch_merges(const CudaExec& exec, const GatAttentionBackwardArguments<S, Score>& arguments) {
  using T = Accumulator<S>;
  const LongRows& long_rows = arguments.edges.long_rows;
  if (long_rows.rows == 0) return;
  const auto merge = [&]<class Finish>(std::int64_t columns, const T* partial, const Finish& finish) {
    launch(exec, "gat_attention_backward", merge_chunk_sums<T, Finish>, merge_shape(long_rows, columns), long_rows,
           columns, partial, finish);
  };
  const int heads = arguments.tiles.heads;
  if (arguments.dsource_score) {
    merge(heads, arguments.partial_dsource_score, StoreTotal<T>{arguments.dsource_score});
  }
  if (arguments.dvalue) {
    merge(heads * arguments.channels, arguments.partial_dvalue,
          StoreValueGradient<S>{arguments.channels, arguments.dvalue, arguments.dsource_score,
                                arguments.ddestination_score, arguments.vectors});
  }
}

template <class S, int kWidth, int kPacks, class Score>
void launch_by_source(const CudaExec& exec, const GatAttentionBackwardArguments<S, Score>& arguments) {
  with_flag(!arguments.dropout.active && !arguments.score.edge && !arguments.dedge_score, [&](auto plain) {
    launch(exec, "gat_attention_backward",
           gat_attention_backward_by_source<S, kWidth, kPacks, decltype(plain)::value, Score>,
           span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  });
}

template <class S, int kWidth, class Score>
void launch_backward(const CudaExec& exec, GatAttentionBackwardArguments<S, Score> arguments) {
  const int heads = arguments.tiles.heads;
  const int lanes = arguments.tiles.lanes_per_head;
  launch(exec, "gat_attention_backward", gat_attention_backward_by_destination<S, kWidth, Score>,
         {dim3(blocks_for(arguments.destinations * heads, kSpanThreads / lanes)), dim3(kSpanThreads)}, arguments);
  if (!arguments.dvalue && !arguments.dsource_score && !arguments.dedge_score) return;
  if (arguments.tiles.packs <= kWarpSize) {
    launch_by_source<S, kWidth, 1>(exec, arguments);
  } else if (arguments.tiles.packs <= 2 * kWarpSize) {
    arguments.tiles = HeadTiles::of(heads, arguments.channels, kWidth, 2);
    launch_by_source<S, kWidth, 2>(exec, arguments);
  } else {
    launch(exec, "gat_attention_backward", gat_attention_backward_by_source_wide<S, kWidth, Score>,
           span_shape(arguments.edges, kWarpSize, heads), arguments);
  }
  launch_merges(exec, arguments);
}

template <class S>
void backward(const CudaExec& exec, const GatAttentionBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const Scratch<T> scratch = carve<T>(carver, op);
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  const int width = pack_width<S>(
      channels, {op.value, op.y, op.positive_y, op.dy, op.dvalue, op.source_vector, op.destination_vector},
      kWidestPack<S>);
  with_pack_width<S, kWidestPack<S>>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch_backward<S, kWidth, GatScore<T>>(
        exec, {.edges = op.graph.out_edges(),
               .tiles = HeadTiles::of(heads, channels, kWidth, 1),
               .channels = channels,
               .destinations = op.graph.num_destinations(),
               .score = GatScore<T>::of(op),
               .dropout = EdgeDropout::of(op.dropout),
               .value = rows_of<S>(op.value),
               .y = rows_of<S>(op.y),
               .maximum = rows_of<T>(op.maximum),
               .sum = rows_of<T>(op.sum),
               .positive_y = rows_of<S>(op.positive_y),
               .positive_weight = rows_of<T>(op.positive_weight),
               .dy = rows_of<S>(op.dy),
               .dvalue = rows_of<S>(op.dvalue),
               .dsource_score = rows_of<T>(op.dsource_score),
               .ddestination_score = rows_of<T>(op.ddestination_score),
               .dedge_score = rows_of<T>(op.dedge_score),
               .vectors = {rows_of<T>(op.source_vector), rows_of<T>(op.destination_vector)},
               .terms = rows_of_terms(scratch.terms, heads),
               .partial_dvalue = scratch.partial_dvalue,
               .partial_dsource_score = scratch.partial_dsource_score});
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const GatAttentionBackward& op) {
  Carver carver;
  with_storage(op.value.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void gat_attention_backward(const CudaExec& exec, const GatAttentionBackward& op) {
  with_storage(op.value.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
