// SPDX-License-Identifier: MIT
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/parallel.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/activations.hpp"
#include "host/math/gates.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// dz [N], then the partial sums of dweight.
template <class T>
struct Memory {
  T* dz;
  double* partials;

  Memory(const ResidualGateBackward& op, Carver& carver) {
    dz = carver.take<T>(op.x.shape[0]);
    partials = carver.take<double>(op.dweight.defined() ? reduction_doubles(op.x.shape[0], 3 * op.x.shape[1]) : 0);
  }
};

/// The three rows of the gate's weight.
template <class T>
struct GateWeight {
  const T *of_x, *of_residual, *of_difference;

  explicit GateWeight(const ConstTensorView& weight) {
    const auto rows = read_rows<T>(weight);
    of_x = rows[0];
    of_residual = rows[1];
    of_difference = rows[2];
  }
};

/// Writes y of one row and returns its gate.
template <class S, class T = Accumulator<S>>
T gate_row(const GateWeight<T>& weight, const S* whole_x, const S* whole_residual, std::int64_t width, S* y) {
  T z = 0;
  const auto add = [&](std::int64_t first, std::int64_t count, const T* const* rows) {
    const T *const x = rows[0], *const residual = rows[1];
    const T *const of_x = weight.of_x + first, *const of_residual = weight.of_residual + first,
                   *const of_difference = weight.of_difference + first;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < count; ++c) {
      sum += math::logit_term({of_x[c], of_residual[c], of_difference[c]}, x[c], residual[c]);
    }
    z += sum;
  };
  for_columns({whole_x, whole_residual}, width, add);
  const T gate = math::sigmoid<Math>(z);
  const auto mix = [&](std::int64_t first, std::int64_t count, const T* const* rows) {
    const T *const x = rows[0], *const residual = rows[1];
    write_columns(y + first, count, [&](T* to) {
#pragma omp simd
      for (std::int64_t c = 0; c < count; ++c) to[c] = math::mixed(gate, x[c], residual[c]);
    });
  };
  for_columns({whole_x, whole_residual}, width, mix);
  return gate;
}

template <class S>
void forward(const CpuExec& exec, const ResidualGateForward& op) {
  using T = Accumulator<S>;
  const std::int64_t width = op.x.shape[1];
  const GateWeight<T> weight(op.weight);
  const auto x = read_rows<S>(op.x), residual = read_rows<S>(op.residual);
  const auto y = write_rows<S>(op.y);
  const auto gate = write_rows<T>(op.gate);
  parallel_for(exec, op.x.shape[0], 6 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) gate[n][0] = gate_row(weight, x[n], residual[n], width, y[n]);
  });
}

/// Writes dx and dresidual (null: not wanted) of one row and returns its dz.
template <class S, class T = Accumulator<S>>
T gradient_row(const GateWeight<T>& weight, T gate, const S* whole_x, const S* whole_residual, const S* whole_dy,
               std::int64_t width, S* dx, S* dresidual) {
  T dgate = 0;
  const auto add = [&](std::int64_t, std::int64_t count, const T* const* rows) {
    const T *const x = rows[0], *const residual = rows[1], *const dy = rows[2];
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < count; ++c) sum += math::gate_gradient_term(x[c], residual[c], dy[c]);
    dgate += sum;
  };
  for_columns({whole_x, whole_residual, whole_dy}, width, add);
  const T dz = math::logit_gradient(gate, dgate);
  const auto write = [&](S* target, auto gradient) {
    if (target == nullptr) return;
    for_columns({whole_dy}, width, [&](std::int64_t first, std::int64_t count, const T* const* rows) {
      const T* const dy = rows[0];
      const T *const of_x = weight.of_x + first, *const of_residual = weight.of_residual + first,
                     *const of_difference = weight.of_difference + first;
      write_columns(target + first, count, [&](T* to) {
#pragma omp simd
        for (std::int64_t c = 0; c < count; ++c) {
          to[c] = gradient(math::GateWeights<T>{of_x[c], of_residual[c], of_difference[c]}, gate, dz, dy[c]);
        }
      });
    });
  };
  write(dx, [](const auto&... terms) { return math::mixed_gradient(terms...); });
  write(dresidual, [](const auto&... terms) { return math::mixed_residual_gradient(terms...); });
  return dz;
}

template <class S>
void write_row_gradients(const CpuExec& exec, const ResidualGateBackward& op, Accumulator<S>* dz) {
  using T = Accumulator<S>;
  const std::int64_t width = op.x.shape[1];
  const GateWeight<T> weight(op.weight);
  const auto x = read_rows<S>(op.x), residual = read_rows<S>(op.residual), dy = read_rows<S>(op.dy);
  const auto gate = read_rows<T>(op.gate);
  const auto dx = write_rows<S>(op.dx), dresidual = write_rows<S>(op.dresidual);
  parallel_for(exec, op.x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      dz[n] = gradient_row(weight, gate[n][0], x[n], residual[n], dy[n], width, row_or_null(dx, n),
                           row_or_null(dresidual, n));
    }
  });
}

template <class S, class T = Accumulator<S>>
void write_weight_gradient(const CpuExec& exec, const ResidualGateBackward& op, const Memory<T>& memory) {
  const std::int64_t width = op.x.shape[1];
  const auto all_x = read_rows<S>(op.x), all_residual = read_rows<S>(op.residual);
  const auto dweight = write_rows<T>(op.dweight);
  const auto add_row = [&](std::int64_t n, double* all_partial) {
    const double dz = static_cast<double>(memory.dz[n]);
    const auto add = [&](std::int64_t first, std::int64_t count, const T* const* rows) {
      const T *const x = rows[0], *const residual = rows[1];
      double* const partial = all_partial + first;
#pragma omp simd
      for (std::int64_t c = 0; c < count; ++c) {
        partial[c] += dz * static_cast<double>(x[c]);
        partial[width + c] += dz * static_cast<double>(residual[c]);
        partial[2 * width + c] += dz * (static_cast<double>(x[c]) - static_cast<double>(residual[c]));
      }
    };
    for_columns({all_x[n], all_residual[n]}, width, add);
  };
  reduce_rows(exec, op.x.shape[0], 3 * width, memory.partials, add_row,
              [&](std::int64_t c, double total) { dweight[c / width][c % width] = static_cast<T>(total); });
}

}  // namespace

void residual_gate_forward(const CpuExec& exec, const ResidualGateForward& op) {
  with_storage(op.x.dtype, [&]<class S>(S) { forward<S>(exec, op); });
}

std::size_t workspace_size(const CpuExec&, const ResidualGateBackward& op) {
  Carver carver;
  with_storage(op.x.dtype, [&]<class S>(S) { Memory<Accumulator<S>>(op, carver); });
  return carver.bytes();
}

void residual_gate_backward(const CpuExec& exec, const ResidualGateBackward& op) {
  with_storage(op.x.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const Memory<Accumulator<S>> memory(op, carver);
    write_row_gradients<S>(exec, op, memory.dz);
    if (op.dweight.defined()) write_weight_gradient<S>(exec, op, memory);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
