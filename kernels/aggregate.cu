#include "kernels/aggregate.cuh"
#include "kernels/reduce.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

bool is_extremum(Reduce reduce) {
  return reduce == Reduce::max || reduce == Reduce::min;
}

template <class T>
struct ForwardScratch {
  T* partial = nullptr;                  // [chunks, F]
  std::int32_t* partial_edge = nullptr;  // [chunks, F], max and min
};

template <class T>
ForwardScratch<T> carve(Carver& carver, const AggregateForward& op) {
  const std::int64_t count = op.graph.in_edges().long_rows.chunks * op.x.row_size();
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
BackwardScratch<T> carve(Carver& carver, const AggregateBackward& op) {
  BackwardScratch<T> scratch;
  if (op.dx.defined()) scratch.partial = carver.take<T>(op.graph.out_edges().long_rows.chunks * op.dx.row_size());
  if (op.depsilon.defined()) scratch.partial_epsilon = carver.take<double>(scalar_partial_count(op.dy.shape[0]));
  return scratch;
}

template <class T, int kWidth, Message kMessage>
void launch_sum(const CudaExec& exec, const char* name, const SumArguments<T>& arguments) {
  const LongRows& long_rows = arguments.edges.long_rows;
  launch(exec, name, aggregate_sum_by_row<T, kWidth, kMessage>,
         span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  if (long_rows.rows == 0) return;
  launch(exec, name, merge_chunk_sums<T, FinishSum<T>>, merge_shape(long_rows, arguments.columns), long_rows,
         arguments.columns, static_cast<const T*>(arguments.partial), FinishSum<T>(arguments));
}

template <class T, int kWidth>
void launch_extremum(const CudaExec& exec, const ExtremumArguments<T>& arguments) {
  const LongRows& long_rows = arguments.edges.long_rows;
  launch(exec, "aggregate_forward", aggregate_extremum_by_row<T, kWidth>,
         span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  if (long_rows.rows == 0) return;
  launch(exec, "aggregate_forward", aggregate_extremum_merge<T>, merge_shape(long_rows, arguments.columns), arguments);
}

template <class T>
void forward(const CudaExec& exec, const AggregateForward& op) {
  Carver carver(op.workspace.data);
  const ForwardScratch<T> scratch = carve<T>(carver, op);
  const std::int64_t columns = op.x.row_size();
  const T* const epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr;
  const int width = pack_width<T>(columns, {op.x, op.y, op.arg});
  with_pack_width<T>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const ColumnTiles tiles = ColumnTiles::of(columns, kWidth);
    if (is_extremum(op.reduce)) {
      launch_extremum<T, kWidth>(exec, {.edges = op.graph.in_edges(),
                                        .tiles = tiles,
                                        .columns = columns,
                                        .largest = op.reduce == Reduce::max,
                                        .x = rows_of<T>(op.x),
                                        .self = rows_of<T>(op.x),
                                        .epsilon = epsilon,
                                        .y = rows_of<T>(op.y),
                                        .arg = rows_of<std::int32_t>(op.arg),
                                        .partial = scratch.partial,
                                        .partial_edge = scratch.partial_edge});
      return;
    }
    const SumArguments<T> arguments{.edges = op.graph.in_edges(),
                                    .tiles = tiles,
                                    .columns = columns,
                                    .x = rows_of<T>(op.x),
                                    .weight = rows_of<T>(op.weight),
                                    .neighbor_offset = nullptr,
                                    .arg = {},
                                    .mean = op.reduce == Reduce::mean,
                                    .self = rows_of<T>(op.x),
                                    .epsilon = epsilon,
                                    .y = rows_of<T>(op.y),
                                    .partial = scratch.partial};
    if (op.weight.defined()) {
      launch_sum<T, kWidth, Message::scaled>(exec, "aggregate_forward", arguments);
    } else {
      launch_sum<T, kWidth, Message::plain>(exec, "aggregate_forward", arguments);
    }
  });
}

template <class T>
void backward_x(const CudaExec& exec, const AggregateBackward& op, T* partial) {
  const std::int64_t columns = op.dy.row_size();
  const bool mean = op.reduce == Reduce::mean;
  const int width = pack_width<T>(columns, {op.dy, op.dx, op.arg});
  with_pack_width<T>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const SumArguments<T> arguments{.edges = op.graph.out_edges(),
                                    .tiles = ColumnTiles::of(columns, kWidth),
                                    .columns = columns,
                                    .x = rows_of<T>(op.dy),
                                    .weight = rows_of<T>(op.weight),
                                    .neighbor_offset = mean ? op.graph.in_edges().offset : nullptr,
                                    .arg = rows_of<std::int32_t>(op.arg),
                                    .mean = false,
                                    .self = rows_of<T>(op.dy),
                                    .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                    .y = rows_of<T>(op.dx),
                                    .partial = partial};
    if (is_extremum(op.reduce)) {
      launch_sum<T, kWidth, Message::selected>(exec, "aggregate_backward", arguments);
    } else if (mean || op.weight.defined()) {
      launch_sum<T, kWidth, Message::scaled>(exec, "aggregate_backward", arguments);
    } else {
      launch_sum<T, kWidth, Message::plain>(exec, "aggregate_backward", arguments);
    }
  });
}

template <class T>
void backward_weight(const CudaExec& exec, const AggregateBackward& op) {
  const std::int64_t columns = op.dy.row_size();
  with_pack_width<T>(pack_width<T>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const WeightGradientArguments<T> arguments{.edges = op.graph.in_edges(),
                                               .group = lanes_for(columns / kWidth),
                                               .columns = columns,
                                               .mean = op.reduce == Reduce::mean,
                                               .x = rows_of<T>(op.x),
                                               .dy = rows_of<T>(op.dy),
                                               .dweight = rows_of<T>(op.dweight)};
    launch(exec, "aggregate_backward", aggregate_backward_weight<T, kWidth>,
           span_shape(arguments.edges, arguments.group, 1), arguments);
  });
}

template <class T>
void backward_epsilon(const CudaExec& exec, const AggregateBackward& op, double* partial) {
  const std::int64_t columns = op.dy.row_size();
  with_pack_width<T>(pack_width<T>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_all<kWidth>(exec, "aggregate_backward", op.dy.shape[0], columns,
                       RowDot<T, kWidth>{rows_of<T>(op.dy), rows_of<T>(op.x)}, StoreScalar<T>{op.depsilon.as<T>()},
                       partial);
  });
}

template <class T>
void backward(const CudaExec& exec, const AggregateBackward& op) {
  Carver carver(op.workspace.data);
  const BackwardScratch<T> scratch = carve<T>(carver, op);
  if (op.dx.defined()) backward_x<T>(exec, op, scratch.partial);
  if (op.dweight.defined()) backward_weight<T>(exec, op);
  if (op.depsilon.defined()) backward_epsilon<T>(exec, op, scratch.partial_epsilon);
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const AggregateForward& op) {
  Carver carver;
  with_real(op.x.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const AggregateBackward& op) {
  Carver carver;
  with_real(op.dy.dtype, [&](auto zero) { carve<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void aggregate_forward(const CudaExec& exec, const AggregateForward& op) {
  with_real(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void aggregate_backward(const CudaExec& exec, const AggregateBackward& op) {
  with_real(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
