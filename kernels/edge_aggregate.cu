#include "kernels/edge_aggregate.cuh"
#include "kernels/reduce.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

bool is_extremum(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

/// Calls `function` with the message as a compile-time constant.
template <class Function>
void with_message(EdgeMessage message, Function&& function) {
  switch (message) {
    case EdgeMessage::add: return function(std::integral_constant<EdgeMessage, EdgeMessage::add>{});
    case EdgeMessage::multiply: return function(std::integral_constant<EdgeMessage, EdgeMessage::multiply>{});
    case EdgeMessage::relu_add: return function(std::integral_constant<EdgeMessage, EdgeMessage::relu_add>{});
    case EdgeMessage::edge: return function(std::integral_constant<EdgeMessage, EdgeMessage::edge>{});
  }
}

template <class T>
struct ForwardScratch {
  T* partial = nullptr;                  // [chunks, F]
  std::int32_t* partial_edge = nullptr;  // [chunks, F], max and min
};

template <class T>
ForwardScratch<T> carve(Carver& carver, const EdgeAggregateForward& op) {
  const std::int64_t count = op.graph.in_edges().long_rows.chunks * op.edge.row_size();
  ForwardScratch<T> scratch;
  scratch.partial = carver.take<T>(count);
  if (is_extremum(op.reduce)) scratch.partial_edge = carver.take<std::int32_t>(count);
  return scratch;
}

template <class T>
struct BackwardScratch {
  T* partial = nullptr;               // [chunks of out-edges, F], dx
  double* partial_epsilon = nullptr;  // [slabs], depsilon
};

template <class T>
BackwardScratch<T> carve(Carver& carver, const EdgeAggregateBackward& op) {
  BackwardScratch<T> scratch;
  if (op.dx.defined()) scratch.partial = carver.take<T>(op.graph.out_edges().long_rows.chunks * op.dx.row_size());
  if (op.depsilon.defined()) scratch.partial_epsilon = carver.take<double>(scalar_partial_count(op.dy.shape[0]));
  return scratch;
}

template <class T>
void merge_sums(const CudaExec& exec, const char* name, const SumArguments<T>& arguments) {
  const LongRows& long_rows = arguments.edges.long_rows;
  if (long_rows.rows == 0) return;
  launch(exec, name, merge_chunk_sums<T, FinishSum<T>>, merge_shape(long_rows, arguments.columns), long_rows,
         arguments.columns, static_cast<const T*>(arguments.partial), FinishSum<T>(arguments));
}

template <class T, int kWidth, EdgeMessage kMessage>
void forward_sum(const CudaExec& exec, const EdgeAggregateForward& op, T* partial) {
  const std::int64_t columns = op.edge.row_size();
  const EdgeSumArguments<T> arguments{.sum = {.edges = op.graph.in_edges(),
                                              .tiles = ColumnTiles::of(columns, kWidth),
                                              .columns = columns,
                                              .x = rows_of<T>(op.x),
                                              .weight = {},
                                              .neighbor_offset = nullptr,
                                              .arg = {},
                                              .mean = op.reduce == Reduce::mean,
                                              .self = rows_of<T>(op.x),
                                              .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                              .y = rows_of<T>(op.y),
                                              .partial = partial},
                                      .edge = rows_of<T>(op.edge)};
  const ColumnTiles& tiles = arguments.sum.tiles;
  launch(exec, "edge_aggregate_forward", edge_aggregate_sum_by_row<T, kWidth, kMessage>,
         span_shape(arguments.sum.edges, tiles.group, tiles.tiles), arguments);
  merge_sums(exec, "edge_aggregate_forward", arguments.sum);
}

template <class T, int kWidth, EdgeMessage kMessage>
void forward_extremum(const CudaExec& exec, const EdgeAggregateForward& op, const ForwardScratch<T>& scratch) {
  const std::int64_t columns = op.edge.row_size();
  const EdgeExtremumArguments<T> arguments{.extremum = {.edges = op.graph.in_edges(),
                                                        .tiles = ColumnTiles::of(columns, kWidth),
                                                        .columns = columns,
                                                        .largest = op.reduce == Reduce::max,
                                                        .x = rows_of<T>(op.x),
                                                        .self = rows_of<T>(op.x),
                                                        .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                                        .y = rows_of<T>(op.y),
                                                        .arg = rows_of<std::int32_t>(op.arg),
                                                        .partial = scratch.partial,
                                                        .partial_edge = scratch.partial_edge},
                                           .edge = rows_of<T>(op.edge)};
  const ExtremumArguments<T>& base = arguments.extremum;
  launch(exec, "edge_aggregate_forward", edge_aggregate_extremum_by_row<T, kWidth, kMessage>,
         span_shape(base.edges, base.tiles.group, base.tiles.tiles), arguments);
  if (base.edges.long_rows.rows == 0) return;
  launch(exec, "edge_aggregate_forward", aggregate_extremum_merge<T>, merge_shape(base.edges.long_rows, columns), base);
}

template <class T>
void forward(const CudaExec& exec, const EdgeAggregateForward& op) {
  Carver carver(op.workspace.data);
  const ForwardScratch<T> scratch = carve<T>(carver, op);
  const int width = pack_width<T>(op.edge.row_size(), {op.x, op.edge, op.y, op.arg});
  with_message(op.message, [&](auto message) {
    constexpr EdgeMessage kMessage = decltype(message)::value;
    with_pack_width<T>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      if (is_extremum(op.reduce)) {
        forward_extremum<T, kWidth, kMessage>(exec, op, scratch);
      } else {
        forward_sum<T, kWidth, kMessage>(exec, op, scratch.partial);
      }
    });
  });
}

template <class T, int kWidth, EdgeMessage kMessage>
void backward_messages(const CudaExec& exec, const EdgeAggregateBackward& op, T* partial) {
  const std::int64_t columns = op.dy.row_size();
  const EdgeGradientArguments<T> arguments{
      .sum = {.edges = op.graph.out_edges(),
              .tiles = ColumnTiles::of(columns, kWidth),
              .columns = columns,
              .x = rows_of<T>(op.dy),
              .weight = {},
              .neighbor_offset = op.reduce == Reduce::mean ? op.graph.in_edges().offset : nullptr,
              .arg = rows_of<std::int32_t>(op.arg),
              .mean = false,
              .self = rows_of<T>(op.dy),
              .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
              .y = rows_of<T>(op.dx),
              .partial = partial},
      .source = rows_of<T>(op.x),
      .edge = rows_of<T>(op.edge),
      .dedge = rows_of<T>(op.dedge)};
  const ColumnTiles& tiles = arguments.sum.tiles;
  launch(exec, "edge_aggregate_backward", edge_aggregate_backward_by_source<T, kWidth, kMessage>,
         span_shape(arguments.sum.edges, tiles.group, tiles.tiles), arguments);
  if (op.dx.defined()) merge_sums(exec, "edge_aggregate_backward", arguments.sum);
}

template <class T>
void backward_epsilon(const CudaExec& exec, const EdgeAggregateBackward& op, double* partial) {
  const std::int64_t columns = op.dy.row_size();
  with_pack_width<T>(pack_width<T>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_all<kWidth>(exec, "edge_aggregate_backward", op.dy.shape[0], columns,
                       RowDot<T, kWidth>{rows_of<T>(op.dy), rows_of<T>(op.x)}, StoreScalar<T>{op.depsilon.as<T>()},
                       partial);
  });
}

template <class T>
void backward(const CudaExec& exec, const EdgeAggregateBackward& op) {
  Carver carver(op.workspace.data);
  const BackwardScratch<T> scratch = carve<T>(carver, op);
  if (op.depsilon.defined()) backward_epsilon<T>(exec, op, scratch.partial_epsilon);
  if (!op.dx.defined() && !op.dedge.defined()) return;
  const int width = pack_width<T>(op.dy.row_size(), {op.dy, op.arg, op.x, op.edge, op.dx, op.dedge});
  with_message(op.message, [&](auto message) {
    constexpr EdgeMessage kMessage = decltype(message)::value;
    with_pack_width<T>(width, [&](auto constant) {
      backward_messages<T, decltype(constant)::value, kMessage>(exec, op, scratch.partial);
    });
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const EdgeAggregateForward& op) {
  Carver carver;
  with_real(op.edge.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const EdgeAggregateBackward& op) {
  Carver carver;
  with_real(op.dy.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void edge_aggregate_forward(const CudaExec& exec, const EdgeAggregateForward& op) {
  with_real(op.edge.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void edge_aggregate_backward(const CudaExec& exec, const EdgeAggregateBackward& op) {
  with_real(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
