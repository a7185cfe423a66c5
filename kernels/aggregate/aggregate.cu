// SPDX-License-Identifier: MIT
#include "kernels/aggregate/aggregate.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class S, int kWidth, Message kMessage>
void launch_sum(const CudaExec& exec, const char* name, const SumArguments<S>& arguments) {
  launch(exec, name, aggregate_sum_by_row<S, kWidth, kMessage>,
         span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  merge_sums(exec, name, arguments);
}

bool is_scaled(const Aggregate& op) {
  return op.source_scale.defined() || op.destination_scale.defined();
}

template <class S>
void forward(const CudaExec& exec, const AggregateForward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const ForwardScratch<S> scratch(carver, op);
  const std::int64_t columns = op.x.row_size();
  const T* const epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr;
  const int width = pack_width<S>(columns, {op.x, op.y, op.arg});
  with_pack_width<S>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const ColumnTiles tiles = ColumnTiles::of(columns, kWidth);
    if (is_extremum(op.reduce)) {
      const ExtremumArguments<S> arguments{.edges = op.graph.in_edges(),
                                           .tiles = tiles,
                                           .columns = columns,
                                           .sign = sign_of(op.reduce),
                                           .self = rows_of<S>(op.x),
                                           .epsilon = epsilon,
                                           .y = rows_of<S>(op.y),
                                           .arg = rows_of<std::int32_t>(op.arg),
                                           .partial = scratch.partial,
                                           .partial_edge = scratch.partial_edge};
      launch_extremum<kWidth>(exec, "aggregate_forward", arguments, NeighborMessages<S, kWidth>{rows_of<S>(op.x)});
      return;
    }
    const SumArguments<S> arguments{.edges = op.graph.in_edges(),
                                    .tiles = tiles,
                                    .columns = columns,
                                    .x = rows_of<S>(op.x),
                                    .weight = rows_of<T>(op.weight),
                                    .neighbor_offset = nullptr,
                                    .arg = {},
                                    .mean = op.reduce == Reduce::mean,
                                    .self = rows_of<S>(op.x),
                                    .epsilon = epsilon,
                                    .y = rows_of<S>(op.y),
                                    .partial = scratch.partial,
                                    .neighbor_scale = rows_of<T>(op.source_scale),
                                    .row_scale = rows_of<T>(op.destination_scale)};
    if (is_scaled(op)) {
      launch_sum<S, kWidth, Message::node_scaled>(exec, "aggregate_forward", arguments);
    } else if (op.weight.defined()) {
      launch_sum<S, kWidth, Message::scaled>(exec, "aggregate_forward", arguments);
    } else {
      launch_sum<S, kWidth, Message::plain>(exec, "aggregate_forward", arguments);
    }
  });
}

template <class S>
void backward_x(const CudaExec& exec, const AggregateBackward& op, Accumulator<S>* partial) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.dy.row_size();
  const bool mean = op.reduce == Reduce::mean;
  const int width = pack_width<S>(columns, {op.dy, op.dx, op.arg});
  with_pack_width<S>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const SumArguments<S> arguments{.edges = op.graph.out_edges(),
                                    .tiles = ColumnTiles::of(columns, kWidth),
                                    .columns = columns,
                                    .x = rows_of<S>(op.dy),
                                    .weight = rows_of<T>(op.weight),
                                    .neighbor_offset = mean ? op.graph.in_edges().offset : nullptr,
                                    .arg = rows_of<std::int32_t>(op.arg),
                                    .mean = false,
                                    .self = rows_of<S>(op.dy),
                                    .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                    .y = rows_of<S>(op.dx),
                                    .partial = partial,
                                    .neighbor_scale = rows_of<T>(op.destination_scale),
                                    .row_scale = rows_of<T>(op.source_scale)};
    if (is_extremum(op.reduce)) {
      launch_sum<S, kWidth, Message::selected>(exec, "aggregate_backward", arguments);
    } else if (is_scaled(op)) {
      launch_sum<S, kWidth, Message::node_scaled>(exec, "aggregate_backward", arguments);
    } else if (mean || op.weight.defined()) {
      launch_sum<S, kWidth, Message::scaled>(exec, "aggregate_backward", arguments);
    } else {
      launch_sum<S, kWidth, Message::plain>(exec, "aggregate_backward", arguments);
    }
  });
}

template <class S>
void backward_weight(const CudaExec& exec, const AggregateBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.dy.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const WeightGradientArguments<S> arguments{.edges = op.graph.in_edges(),
                                               .group = lanes_for(columns / kWidth),
                                               .columns = columns,
                                               .mean = op.reduce == Reduce::mean,
                                               .x = rows_of<S>(op.x),
                                               .dy = rows_of<S>(op.dy),
                                               .dweight = rows_of<T>(op.dweight),
                                               .neighbor_scale = rows_of<T>(op.source_scale),
                                               .row_scale = rows_of<T>(op.destination_scale)};
    launch(exec, "aggregate_backward",
           is_scaled(op) ? aggregate_backward_weight<S, kWidth, true> : aggregate_backward_weight<S, kWidth, false>,
           span_shape(arguments.edges, arguments.group, 1), arguments);
  });
}

template <class S>
void backward(const CudaExec& exec, const AggregateBackward& op) {
  Carver carver(op.workspace.data);
  const BackwardScratch<S> scratch(carver, op);
  if (op.dx.defined()) backward_x<S>(exec, op, scratch.partial);
  if (op.dweight.defined()) backward_weight<S>(exec, op);
  if (op.depsilon.defined()) epsilon_gradient<S>(exec, "aggregate_backward", op, scratch.partial_epsilon);
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const AggregateForward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&](auto zero) { ForwardScratch<decltype(zero)>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const AggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&](auto zero) { BackwardScratch<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void aggregate_forward(const CudaExec& exec, const AggregateForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void aggregate_backward(const CudaExec& exec, const AggregateBackward& op) {
  with_storage(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
