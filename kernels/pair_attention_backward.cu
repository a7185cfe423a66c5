#include "kernels/pair_attention_backward_wide.cuh"
#include "kernels/reduce.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

constexpr const char* kName = "pair_attention_backward";

template <class T>
struct Scratch {
  T* terms = nullptr;
  T* vector_parts = nullptr;  // [destinations, H * D], where dvector is wanted
  double* vector_sums = nullptr;
  T* partial_dquery = nullptr;
  T* partial_dvector = nullptr;
  T* partial_dkey = nullptr;
  T* partial_dvalue = nullptr;
};

template <class T>
Scratch<T> carve(Carver& carver, const PairAttentionBackward& op) {
  const std::int64_t heads = op.query.shape[1], width = op.query.row_size(), rows = op.graph.num_destinations();
  const std::int64_t in_chunks = op.graph.in_edges().long_rows.chunks;
  const std::int64_t out_chunks = op.graph.out_edges().long_rows.chunks;
  Scratch<T> scratch;
  scratch.terms = carver.take<T>(rows * heads * kPairTerms);
  if (op.dvector.defined()) {
    scratch.vector_parts = carver.take<T>(rows * width);
    scratch.vector_sums = carver.take<double>(column_partial_count(rows, width, 1));
    scratch.partial_dvector = carver.take<T>(in_chunks * width);
  }
  if (op.dquery.defined()) scratch.partial_dquery = carver.take<T>(in_chunks * width);
  if (op.dkey.defined()) scratch.partial_dkey = carver.take<T>(out_chunks * width);
  if (op.dvalue.defined()) scratch.partial_dvalue = carver.take<T>(out_chunks * op.value.row_size());
  return scratch;
}

template <class T>
RowGradient<T> row_gradient(const TensorView& view, T* partial) {
  return view.defined() ? RowGradient<T>{rows_of<T>(view), partial, view.row_size()} : RowGradient<T>{};
}

template <class T, class Score>
PairBackwardArguments<T, Score> arguments_of(const PairAttentionBackward& op, const Score& score,
                                             const Scratch<T>& scratch, int width) {
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2], values = op.value.shape[2];
  const RowGradient<T> dvector{Rows<T>{scratch.vector_parts, heads * channels}, scratch.partial_dvector,
                               heads * channels};
  return PairBackwardArguments<T, Score>{.edges = {},
                                         .tiles = HeadTiles::of(heads, std::max(channels, values), width, 1),
                                         .inputs = PairInputs<T, Score>::of(op, score),
                                         .dropout = EdgeDropout::of(op.dropout),
                                         .dy = rows_of<T>(op.dy),
                                         .terms = scratch.terms,
                                         .dquery = row_gradient<T>(op.dquery, scratch.partial_dquery),
                                         .dvector = op.dvector.defined() ? dvector : RowGradient<T>{},
                                         .dedge_key = rows_of<T>(op.dedge_key),
                                         .dedge_value = rows_of<T>(op.dedge_value),
                                         .dedge_bias = rows_of<T>(op.dedge_bias),
                                         .joins_edge_values = op.joins_edge_values(),
                                         .dkey = row_gradient<T>(op.dkey, scratch.partial_dkey),
                                         .dvalue = row_gradient<T>(op.dvalue, scratch.partial_dvalue),
                                         .joins_values = op.joins_values()};
}

/// The chunks of long rows, brought to where whole rows are.
template <class T>
void merge(const CudaExec& exec, const LongRows& long_rows, const RowGradient<T>& gradient) {
  if (long_rows.rows == 0 || gradient.target.data == nullptr) return;
  launch(exec, kName, merge_chunk_sums<T, StoreTotal<T>>, merge_shape(long_rows, gradient.columns), long_rows,
         gradient.columns, static_cast<const T*>(gradient.partial), StoreTotal<T>{gradient.target});
}

template <class T, int kWidth, class Score>
void by_destination(const CudaExec& exec, const PairAttentionBackward& op, const Scratch<T>& scratch,
                    PairBackwardArguments<T, Score> arguments) {
  arguments.edges = op.graph.in_edges();
  const HeadTiles& tiles = arguments.tiles;
  if (tiles.packs <= kWarpSize) {
    launch(exec, kName, pair_attention_backward_by_destination<T, kWidth, Score>,
           span_shape(arguments.edges, tiles.group, tiles.tiles), arguments);
  } else {
    launch(exec, kName, pair_attention_backward_by_destination_wide<T, kWidth, Score>,
           span_shape(arguments.edges, kWarpSize, tiles.heads), arguments);
  }
  merge(exec, arguments.edges.long_rows, arguments.dquery);
  if constexpr (Score::kHasVector) {
    if (!op.dvector.defined()) return;
    merge(exec, arguments.edges.long_rows, arguments.dvector);
    const std::int64_t columns = op.query.row_size();
    reduce_columns<double, kWidth, 1>(exec, kName, op.graph.num_destinations(), columns,
                                      VectorPart<T, kWidth>{scratch.vector_parts, columns},
                                      StoreVector<T>{op.dvector.as<T>()}, scratch.vector_sums);
  }
}

template <class T, int kWidth, class Score>
void by_source(const CudaExec& exec, const PairAttentionBackward& op, PairBackwardArguments<T, Score> arguments) {
  arguments.edges = op.graph.out_edges();
  const HeadTiles& tiles = arguments.tiles;
  if (tiles.packs <= kWarpSize) {
    launch(exec, kName, pair_attention_backward_by_source<T, kWidth, Score>,
           span_shape(arguments.edges, tiles.group, tiles.tiles), arguments);
  } else {
    launch(exec, kName, pair_attention_backward_by_source_wide<T, kWidth, Score>,
           span_shape(arguments.edges, kWarpSize, tiles.heads), arguments);
  }
  merge(exec, arguments.edges.long_rows, arguments.dkey);
  merge(exec, arguments.edges.long_rows, arguments.dvalue);
}

template <class T, int kWidth>
void write_terms(const CudaExec& exec, const PairAttentionBackward& op, const Scratch<T>& scratch) {
  const std::int64_t heads = op.value.shape[1], values = op.value.shape[2], rows = op.graph.num_destinations();
  const int lanes = lanes_for(values / kWidth);
  launch(exec, kName, pair_attention_terms<T, kWidth>,
         {dim3(blocks_for(rows * heads, kSpanThreads / lanes)), dim3(kSpanThreads)},
         PairTermsArguments<T>{rows, static_cast<int>(heads), values, lanes, rows_of<T>(op.y), rows_of<T>(op.dy),
                               rows_of<T>(op.maximum), rows_of<T>(op.sum), scratch.terms});
}

template <class T>
int width_of(const PairAttentionBackward& op) {
  return std::min(
      pack_width<T>(op.query.shape[2], {op.query, op.key, op.edge_key, op.vector, op.dquery, op.dkey, op.dedge_key}),
      pack_width<T>(op.value.shape[2], {op.value, op.edge_value, op.y, op.dy, op.dvalue, op.dedge_value}));
}

template <class T>
void backward(const CudaExec& exec, const PairAttentionBackward& op) {
  Carver carver(op.workspace.data);
  const Scratch<T> scratch = carve<T>(carver, op);
  const bool any_edges = op.dedge_key.defined() || op.dedge_value.defined() || op.dedge_bias.defined();
  with_pack_width<T>(width_of<T>(op), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    write_terms<T, kWidth>(exec, op, scratch);
    with_pair_score<T>(op, [&]<class Score>(const Score& score) {
      const auto arguments = arguments_of<T, Score>(op, score, scratch, kWidth);
      if (op.dquery.defined() || op.dvector.defined() || any_edges) {
        by_destination<T, kWidth, Score>(exec, op, scratch, arguments);
      }
      if (op.dkey.defined() || op.dvalue.defined()) by_source<T, kWidth, Score>(exec, op, arguments);
    });
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const PairAttentionBackward& op) {
  Carver carver;
  with_real(op.query.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void pair_attention_backward(const CudaExec& exec, const PairAttentionBackward& op) {
  with_real(op.query.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
