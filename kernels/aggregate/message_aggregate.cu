// SPDX-License-Identifier: MIT
#include "kernels/aggregate/message_aggregate.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class S, int kWidth, EdgeMessage kMessage>
void forward_sum(const CudaExec& exec, const MessageAggregateForward& op, Accumulator<S>* partial) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.edge.row_size();
  const SumArguments<S> arguments{.edges = op.graph.in_edges(),
                                  .tiles = ColumnTiles::of(columns, kWidth),
                                  .columns = columns,
                                  .x = {},
                                  .weight = {},
                                  .neighbor_offset = nullptr,
                                  .arg = {},
                                  .mean = op.reduce == Reduce::mean,
                                  .self = rows_of<S>(op.x),
                                  .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                  .y = rows_of<S>(op.y),
                                  .partial = partial};
  launch(exec, "message_aggregate_forward", message_aggregate_sum_by_row<S, kWidth, kMessage>,
         span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments,
         EdgeMessages<kMessage, S, kWidth>{rows_of<S>(op.x), rows_of<S>(op.edge)});
  merge_sums(exec, "message_aggregate_forward", arguments);
}

template <class S, int kWidth, EdgeMessage kMessage>
void forward_extremum(const CudaExec& exec, const MessageAggregateForward& op, const ForwardScratch<S>& scratch) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.edge.row_size();
  const ExtremumArguments<S> arguments{.edges = op.graph.in_edges(),
                                       .tiles = ColumnTiles::of(columns, kWidth),
                                       .columns = columns,
                                       .sign = sign_of(op.reduce),
                                       .self = rows_of<S>(op.x),
                                       .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
                                       .y = rows_of<S>(op.y),
                                       .arg = rows_of<std::int32_t>(op.arg),
                                       .partial = scratch.partial,
                                       .partial_edge = scratch.partial_edge};
  launch_extremum<kWidth>(exec, "message_aggregate_forward", arguments,
                          EdgeMessages<kMessage, S, kWidth>{rows_of<S>(op.x), rows_of<S>(op.edge)});
}

template <class S>
void forward(const CudaExec& exec, const MessageAggregateForward& op) {
  Carver carver(op.workspace.data);
  const ForwardScratch<S> scratch(carver, op);
  const int width = pack_width<S>(op.edge.row_size(), {op.x, op.edge, op.y, op.arg});
  math::with_message(op.message, [&](auto message) {
    constexpr EdgeMessage kMessage = decltype(message)::value;
    with_pack_width<S>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      if (is_extremum(op.reduce)) {
        forward_extremum<S, kWidth, kMessage>(exec, op, scratch);
      } else {
        forward_sum<S, kWidth, kMessage>(exec, op, scratch.partial);
      }
    });
  });
}

template <class S, int kWidth, EdgeMessage kMessage>
void backward_messages(const CudaExec& exec, const MessageAggregateBackward& op, Accumulator<S>* partial) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.dy.row_size();
  const EdgeGradientArguments<S> arguments{
      .sum = {.edges = op.graph.out_edges(),
              .tiles = ColumnTiles::of(columns, kWidth),
              .columns = columns,
              .x = rows_of<S>(op.dy),
              .weight = {},
              .neighbor_offset = op.reduce == Reduce::mean ? op.graph.in_edges().offset : nullptr,
              .arg = rows_of<std::int32_t>(op.arg),
              .mean = false,
              .self = rows_of<S>(op.dy),
              .epsilon = op.epsilon.defined() ? op.epsilon.as<T>() : nullptr,
              .y = rows_of<S>(op.dx),
              .partial = partial},
      .source = rows_of<S>(op.x),
      .edge = rows_of<S>(op.edge),
      .dedge = rows_of<S>(op.dedge)};
  const ColumnTiles& tiles = arguments.sum.tiles;
  launch(exec, "message_aggregate_backward", message_aggregate_backward_by_source<S, kWidth, kMessage>,
         span_shape(arguments.sum.edges, tiles.group, tiles.tiles), arguments);
  if (op.dx.defined()) merge_sums(exec, "message_aggregate_backward", arguments.sum);
}

template <class S>
void backward(const CudaExec& exec, const MessageAggregateBackward& op) {
  Carver carver(op.workspace.data);
  const BackwardScratch<S> scratch(carver, op);
  if (op.depsilon.defined()) epsilon_gradient<S>(exec, "message_aggregate_backward", op, scratch.partial_epsilon);
  if (!op.dx.defined() && !op.dedge.defined()) return;
  const int width = pack_width<S>(op.dy.row_size(), {op.dy, op.arg, op.x, op.edge, op.dx, op.dedge});
  math::with_message(op.message, [&](auto message) {
    constexpr EdgeMessage kMessage = decltype(message)::value;
    with_pack_width<S>(width, [&](auto constant) {
      backward_messages<S, decltype(constant)::value, kMessage>(exec, op, scratch.partial);
    });
  });
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const MessageAggregateForward& op) {
  Carver carver;
  with_storage(op.edge.dtype, [&](auto zero) { ForwardScratch<decltype(zero)>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const MessageAggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&](auto zero) { BackwardScratch<decltype(zero)>(carver, op); });
  return carver.bytes();
}

void message_aggregate_forward(const CudaExec& exec, const MessageAggregateForward& op) {
  with_storage(op.edge.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void message_aggregate_backward(const CudaExec& exec, const MessageAggregateBackward& op) {
  with_storage(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
