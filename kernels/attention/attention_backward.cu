// SPDX-License-Identifier: MIT
#include "host/ops/joined_gradients.hpp"
#include "kernels/attention/attention_backward_wide.cuh"
#include "kernels/base/reduce.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

constexpr const char* kName = "attention_backward";

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
Scratch<T> carve(Carver& carver, const AttentionBackward& op) {
  const std::int64_t heads = op.query.shape[1], width = op.query.row_size(), rows = op.graph.num_destinations();
  const std::int64_t in_chunks = op.graph.in_edges().long_rows.chunks;
  const std::int64_t out_chunks = op.graph.out_edges().long_rows.chunks;
  Scratch<T> scratch;
  scratch.terms = carver.take<T>(rows * heads * kSoftmaxTerms);
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

template <class S>
RowGradient<S> row_gradient(const TensorView& view, Accumulator<S>* partial) {
  return view.defined() ? RowGradient<S>{rows_of<S>(view), partial, view.row_size()} : RowGradient<S>{};
}

template <class S, class Score, class T = Accumulator<S>>
AttentionBackwardArguments<S, Score> arguments_of(const AttentionBackward& op, const Score& score,
                                                  const Scratch<T>& scratch, int width) {
  const std::int64_t heads = op.query.shape[1], channels = op.query.shape[2], values = op.value.shape[2];
  const RowGradient<T> dvector{Rows<T>{scratch.vector_parts, heads * channels}, scratch.partial_dvector,
                               heads * channels};
  return AttentionBackwardArguments<S, Score>{.edges = {},
                                              .tiles = HeadTiles::of(heads, std::max(channels, values), width, 1),
                                              .inputs = AttentionInputs<S, Score>::of(op, score),
                                              .dropout = EdgeDropout::of(op.dropout),
                                              .dy = rows_of<S>(op.dy),
                                              .terms = rows_of_terms<const T>(scratch.terms, heads),
                                              .dquery = row_gradient<S>(op.dquery, scratch.partial_dquery),
                                              .dvector = op.dvector.defined() ? dvector : RowGradient<T>{},
                                              .dedge_key = rows_of<S>(op.dedge_key),
                                              .dedge_value = rows_of<S>(op.dedge_value),
                                              .dedge_bias = rows_of<T>(op.dedge_bias),
                                              .joins_edge_values = joins_edge_values(op),
                                              .dkey = row_gradient<S>(op.dkey, scratch.partial_dkey),
                                              .dvalue = row_gradient<S>(op.dvalue, scratch.partial_dvalue),
                                              .joins_values = joins_values(op)};
}

/// The chunks of long rows, brought to where whole rows are.
template <class S>
void merge(const CudaExec& exec, const LongRows& long_rows, const RowGradient<S>& gradient) {
  using T = Accumulator<S>;
  if (long_rows.rows == 0 || gradient.target.data == nullptr) return;
  launch(exec, kName, merge_chunk_sums<T, StoreTotal<S>>, merge_shape(long_rows, gradient.columns), long_rows,
         gradient.columns, static_cast<const T*>(gradient.partial), StoreTotal<S>{gradient.target});
}

bool wants_edges(const AttentionBackward& op) {
  return op.dedge_key.defined() || op.dedge_value.defined() || op.dedge_bias.defined();
}

template <class S, class Score>
bool is_plain(const AttentionBackward& op, const AttentionBackwardArguments<S, Score>& arguments) {
  return !arguments.dropout.active && arguments.inputs.is_plain() && !wants_edges(op);
}

template <class S, int kWidth, class Score>
void by_destination(const CudaExec& exec, const AttentionBackward& op, const Scratch<Accumulator<S>>& scratch,
                    AttentionBackwardArguments<S, Score> arguments) {
  using T = Accumulator<S>;
  arguments.edges = op.graph.in_edges();
  const HeadTiles& tiles = arguments.tiles;
  if (tiles.packs <= kWarpSize) {
    with_flag(is_plain(op, arguments), [&](auto plain) {
      launch(exec, kName, attention_backward_by_destination<S, kWidth, decltype(plain)::value, Score>,
             span_shape(arguments.edges, tiles.group, tiles.tiles), arguments);
    });
  } else {
    launch(exec, kName, attention_backward_by_destination_wide<S, kWidth, Score>,
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

template <class S, int kWidth, class Score>
void by_source(const CudaExec& exec, const AttentionBackward& op, AttentionBackwardArguments<S, Score> arguments) {
  arguments.edges = op.graph.out_edges();
  const HeadTiles& tiles = arguments.tiles;
  if (tiles.packs <= kWarpSize) {
    with_flag(is_plain(op, arguments), [&](auto plain) {
      launch(exec, kName, attention_backward_by_source<S, kWidth, decltype(plain)::value, Score>,
             span_shape(arguments.edges, tiles.group, tiles.tiles), arguments);
    });
  } else {
    launch(exec, kName, attention_backward_by_source_wide<S, kWidth, Score>,
           span_shape(arguments.edges, kWarpSize, tiles.heads), arguments);
  }
  merge(exec, arguments.edges.long_rows, arguments.dkey);
  merge(exec, arguments.edges.long_rows, arguments.dvalue);
}

template <class S, int kWidth>
void write_terms(const CudaExec& exec, const AttentionBackward& op, const Scratch<Accumulator<S>>& scratch) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.value.shape[1], values = op.value.shape[2], rows = op.graph.num_destinations();
  const int lanes = lanes_for(values / kWidth);
  launch(exec, kName, attention_terms<S, kWidth>,
         {dim3(blocks_for(rows * heads, kSpanThreads / lanes)), dim3(kSpanThreads)},
         AttentionTermsArguments<S>{rows, static_cast<int>(heads), values, lanes, rows_of<S>(op.y), rows_of<S>(op.dy),
                                    rows_of<T>(op.maximum), rows_of<T>(op.sum), scratch.terms});
}

template <class S>
int width_of(const AttentionBackward& op) {
  return std::min(
      pack_width<S>(op.query.shape[2], {op.query, op.key, op.edge_key, op.vector, op.dquery, op.dkey, op.dedge_key}),
      pack_width<S>(op.value.shape[2], {op.value, op.edge_value, op.y, op.dy, op.dvalue, op.dedge_value}));
}

template <class S>
void backward(const CudaExec& exec, const AttentionBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const Scratch<T> scratch = carve<T>(carver, op);
  with_pack_width<S>(width_of<S>(op), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    write_terms<S, kWidth>(exec, op, scratch);
    math::with_attention_score<Math, T>(op, [&]<class Score>(const Score& score) {
      const auto arguments = arguments_of<S, Score>(op, score, scratch, kWidth);
      if (op.dquery.defined() || op.dvector.defined() || wants_edges(op)) {
        by_destination<S, kWidth, Score>(exec, op, scratch, arguments);
      }
      if (op.dkey.defined() || op.dvalue.defined()) by_source<S, kWidth, Score>(exec, op, arguments);
    });
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const AttentionBackward& op) {
  Carver carver;
  with_storage(op.query.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void attention_backward(const CudaExec& exec, const AttentionBackward& op) {
  with_storage(op.query.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
