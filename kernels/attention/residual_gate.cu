// SPDX-License-Identifier: MIT
#include "kernels/attention/residual_gate.cuh"

namespace warpgnn::backend {

using namespace kernels;

namespace {

template <class T>
struct Scratch {
  T* dz = nullptr;
  T* partial = nullptr;
};

template <class T>
Scratch<T> carve(Carver& carver, const ResidualGateBackward& op) {
  Scratch<T> scratch;
  scratch.dz = carver.take<T>(op.x.shape[0]);
  scratch.partial = carver.take<T>(op.dweight.defined() ? column_partial_count(op.x.shape[0], op.x.shape[1], 3) : 0);
  return scratch;
}

LaunchShape shape_of(std::int64_t rows, int lanes) {
  return LaunchShape{dim3(blocks_for(rows, kSpanThreads / lanes)), dim3(kSpanThreads)};
}

template <class S>
void forward(const CudaExec& exec, const ResidualGateForward& op) {
  using T = Accumulator<S>;
  const std::int64_t rows = op.x.shape[0], columns = op.x.shape[1];
  with_pack_width<S>(pack_width<S>(columns, {op.x, op.residual, op.weight, op.y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    ResidualGateArguments<S> arguments{};
    arguments.rows = rows;
    arguments.columns = columns;
    arguments.lanes = lanes;
    arguments.x = rows_of<S>(op.x);
    arguments.residual = rows_of<S>(op.residual);
    arguments.weight = rows_of<T>(op.weight);
    arguments.y = rows_of<S>(op.y);
    arguments.gate = rows_of<T>(op.gate);
    launch(exec, "residual_gate_forward", residual_gate_rows<S, kWidth>, shape_of(rows, lanes), arguments);
  });
}

template <class S>
void backward(const CudaExec& exec, const ResidualGateBackward& op) {
  using T = Accumulator<S>;
  Carver carver(op.workspace.data);
  const Scratch<T> scratch = carve<T>(carver, op);
  const std::int64_t rows = op.x.shape[0], columns = op.x.shape[1];
  const int width = pack_width<S>(columns, {op.x, op.residual, op.weight, op.dy, op.dx, op.dresidual});
  with_pack_width<S>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const int lanes = lanes_for(columns / kWidth);
    ResidualGateArguments<S> arguments{};
    arguments.rows = rows;
    arguments.columns = columns;
    arguments.lanes = lanes;
    arguments.x = rows_of<S>(op.x);
    arguments.residual = rows_of<S>(op.residual);
    arguments.weight = rows_of<T>(op.weight);
    arguments.saved_gate = rows_of<T>(op.gate);
    arguments.dy = rows_of<S>(op.dy);
    arguments.dx = rows_of<S>(op.dx);
    arguments.dresidual = rows_of<S>(op.dresidual);
    arguments.dz = scratch.dz;
    launch(exec, "residual_gate_backward", residual_gate_gradient_rows<S, kWidth>, shape_of(rows, lanes), arguments);
    if (!op.dweight.defined()) return;
    reduce_columns<T, kWidth, 3>(exec, "residual_gate_backward", rows, columns,
                                 GateWeightTerm<S, kWidth>{arguments.x, arguments.residual, scratch.dz},
                                 StoreGateWeight<T>{rows_of<T>(op.dweight)}, scratch.partial);
  });
}

}  // namespace

void residual_gate_forward(const CudaExec& exec, const ResidualGateForward& op) {
  with_storage(op.x.dtype, [&](auto zero) { forward<decltype(zero)>(exec, op); });
}

std::size_t workspace_size(const CudaExec&, const ResidualGateBackward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&](auto zero) { carve<Accumulator<decltype(zero)>>(carver, op); });
  return carver.bytes();
}

void residual_gate_backward(const CudaExec& exec, const ResidualGateBackward& op) {
  with_storage(op.x.dtype, [&](auto zero) { backward<decltype(zero)>(exec, op); });
}

}  // namespace warpgnn::backend
