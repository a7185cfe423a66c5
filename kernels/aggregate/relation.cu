// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/aggregate/relation.cuh"
#include "kernels/base/reduce.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

// --- Weights ---------------------------------------------------------------------------------------------------------

template <class T>
void weights(const CudaExec& exec, const RelationWeightsArgs& op) {
  const Adjacency& edges = op.graph.in_edges();
  const RelationWeightArguments<T> arguments{.edges = edges,
                                             .relation = Relations::of(op.relation, op.relations),
                                             .norm = op.norm,
                                             .group = edge_lanes(edges, 1),
                                             .weight = rows_of<T>(op.weight)};
  launch(exec, "relation_weights", relation_weights_by_row<T>, span_shape(edges, arguments.group, 1), arguments);
  if (op.norm == RelationNorm::none || edges.long_rows.rows == 0) return;
  launch(exec, "relation_weights", relation_weights_long<T>,
         {dim3(static_cast<unsigned>(edges.long_rows.rows)), dim3(kCountThreads)}, arguments);
}

// --- Forward ---------------------------------------------------------------------------------------------------------

template <class T>
T* carve(Carver& carver, const RelationAggregateForward& op) {
  return carver.take<T>(op.graph.in_edges().long_rows.chunks * op.y.row_size());
}

template <class S>
void merge_sums(const CudaExec& exec, const char* name, const LongRows& long_rows, std::int64_t columns,
                const Accumulator<S>* partial, const Rows<S>& target) {
  if (long_rows.rows == 0) return;
  launch(exec, name, merge_chunk_sums<Accumulator<S>, StoreTotal<S>>, merge_shape(long_rows, columns), long_rows,
         columns, partial, StoreTotal<S>{target});
}

template <class S>
void forward(const CudaExec& exec, const RelationAggregateForward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  T* const partial = carve<T>(carver, op);
  const std::int64_t columns = op.x.row_size();
  const int bases = static_cast<int>(op.coefficient.shape[1]);
  with_pack_width<S>(pack_width<S>(columns, {op.x, op.y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const RelationSumArguments<S> arguments{.edges = op.graph.in_edges(),
                                            .tiles = ColumnTiles::of(columns, kWidth),
                                            .basis_tiles = (bases + kBasesAtOnce - 1) / kBasesAtOnce,
                                            .columns = columns,
                                            .bases = bases,
                                            .relation = Relations::of(op.relation, op.coefficient.shape[0]),
                                            .coefficient = rows_of<T>(op.coefficient),
                                            .weight = rows_of<T>(op.weight),
                                            .x = rows_of<S>(op.x),
                                            .y = rows_of<S>(op.y),
                                            .partial = partial};
    launch(exec, "relation_aggregate_forward", relation_sum_by_row<S, kWidth>,
           span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles * arguments.basis_tiles),
           arguments);
  });
  merge_sums<S>(exec, "relation_aggregate_forward", op.graph.in_edges().long_rows, bases * columns, partial,
                rows_of<S>(op.y));
}

// --- Backward --------------------------------------------------------------------------------------------------------

/// Tables of dcoefficient that are filled side by side: enough to fill a GPU, and few enough that they stay smaller
/// than one product per edge and basis. The shapes alone decide, so that results do not depend on the device.
std::int64_t table_count(const RelationAggregateBackward& op) {
  const std::int64_t most = op.graph.num_edges() / std::max<std::int64_t>(op.coefficient.shape[0], 1);
  const std::int64_t wanted = (span_count(op.graph.in_edges()) + 3) / 4;
  return std::clamp<std::int64_t>(std::min(most, wanted), 1, 4096);
}

template <class T>
struct BackwardScratch {
  T* partial = nullptr;      // [chunks of out-edges, F], dx
  double* tables = nullptr;  // [tables, R * B], dcoefficient
};

template <class T>
BackwardScratch<T> carve(Carver& carver, const RelationAggregateBackward& op) {
  BackwardScratch<T> scratch;
  if (op.dx.defined()) scratch.partial = carver.take<T>(op.graph.out_edges().long_rows.chunks * op.dx.row_size());
  if (op.dcoefficient.defined()) {
    scratch.tables = carver.take<double>(table_count(op) * op.coefficient.shape[0] * op.coefficient.shape[1]);
  }
  return scratch;
}

template <class S>
void backward_x(const CudaExec& exec, const RelationAggregateBackward& op, Accumulator<S>* partial) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.dx.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.dy, op.dx}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const RelationInputGradientArguments<S> arguments{.edges = op.graph.out_edges(),
                                                      .tiles = ColumnTiles::of(columns, kWidth),
                                                      .columns = columns,
                                                      .bases = static_cast<int>(op.coefficient.shape[1]),
                                                      .relation = Relations::of(op.relation, op.coefficient.shape[0]),
                                                      .coefficient = rows_of<T>(op.coefficient),
                                                      .weight = rows_of<T>(op.weight),
                                                      .dy = rows_of<S>(op.dy),
                                                      .dx = rows_of<S>(op.dx),
                                                      .partial = partial};
    launch(exec, "relation_aggregate_backward", relation_backward_x_by_source<S, kWidth>,
           span_shape(arguments.edges, arguments.tiles.group, arguments.tiles.tiles), arguments);
  });
  merge_sums<S>(exec, "relation_aggregate_backward", op.graph.out_edges().long_rows, columns, partial,
                rows_of<S>(op.dx));
}

template <class S>
RelationDotArguments<S> dot_arguments(const RelationAggregateBackward& op, int lanes) {
  using T = Accumulator<S>;
  return {.edges = op.graph.in_edges(),
          .group = lanes,
          .columns = op.x.row_size(),
          .bases = static_cast<int>(op.coefficient.shape[1]),
          .relation = Relations::of(op.relation, op.coefficient.shape[0]),
          .coefficient = rows_of<T>(op.coefficient),
          .weight = rows_of<T>(op.weight),
          .x = rows_of<S>(op.x),
          .dy = rows_of<S>(op.dy)};
}

template <class S>
void backward_coefficient(const CudaExec& exec, const RelationAggregateBackward& op, double* tables) {
  using T = Accumulator<S>;
  const std::int64_t columns = op.x.row_size();
  const int bases = static_cast<int>(op.coefficient.shape[1]);
  const std::int64_t count = table_count(op), cells = op.coefficient.shape[0] * bases;
  with_pack_width<S>(pack_width<S>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    RelationDotArguments<S> arguments = dot_arguments<S>(op, lanes_for(columns / kWidth));
    arguments.tables = count;
    arguments.table = tables;
    launch(exec, "relation_aggregate_backward", relation_backward_coefficient<S, kWidth>,
           {dim3(blocks_for(count, kSpanThreads / arguments.group)), dim3(kSpanThreads)}, arguments);
  });
  launch(exec, "relation_aggregate_backward", column_totals<double, 1, StoreCoefficient<T>>,
         {dim3(blocks_for(cells, kWarpSize)), dim3(kWarpSize, kReduceThreads / kWarpSize)}, count, cells,
         static_cast<const double*>(tables), StoreCoefficient<T>{bases, rows_of<T>(op.dcoefficient)});
}

template <class S>
void backward_weight(const CudaExec& exec, const RelationAggregateBackward& op) {
  const std::int64_t columns = op.x.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.dy, op.x}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    RelationDotArguments<S> arguments = dot_arguments<S>(op, lanes_for(columns / kWidth));
    arguments.weight = {};  // it is not a factor of its own gradient
    arguments.dweight = rows_of<Accumulator<S>>(op.dweight);
    launch(exec, "relation_aggregate_backward", relation_backward_weight<S, kWidth>,
           span_shape(arguments.edges, arguments.group, 1), arguments);
  });
}

template <class S>
void backward(const CudaExec& exec, const RelationAggregateBackward& op) {
  Carver carver(op.workspace.data);
  const BackwardScratch<Accumulator<S>> scratch = carve<Accumulator<S>>(carver, op);
  if (op.dx.defined()) backward_x<S>(exec, op, scratch.partial);
  if (op.dcoefficient.defined()) backward_coefficient<S>(exec, op, scratch.tables);
  if (op.dweight.defined()) backward_weight<S>(exec, op);
}

}  // namespace

std::size_t workspace_size(const CudaExec&, const RelationWeightsArgs&) {
  return 0;
}

std::size_t workspace_size(const CudaExec&, const RelationAggregateForward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

std::size_t workspace_size(const CudaExec&, const RelationAggregateBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void relation_weights(const CudaExec& exec, const RelationWeightsArgs& op) {
  with_real(op.weight.dtype, [&](auto zero) { weights<decltype(zero)>(exec, op); });
}

void relation_aggregate_forward(const CudaExec& exec, const RelationAggregateForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

void relation_aggregate_backward(const CudaExec& exec, const RelationAggregateBackward& op) {
  with_storage(op.dy.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
