#include "math.hpp"
#include "parallel.hpp"
#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// dz [N], then the partial sums of dweight.
template <class T>
struct Memory {
  T* dz;
  double* partials;

  Memory(const ResidualGateBackward& op, Carver& carver) {
    dz = carver.take<T>(op.x.shape[0]);
    partials = carver.take<double>(reduction_doubles(op.x.shape[0], 3 * op.x.shape[1]));
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

// Rows are functions of their own, so that one compiled loop serves any number of threads.

/// Writes y of one row and returns its gate.
template <class T>
__attribute__((noinline)) T gate_row(const GateWeight<T>& weight, const T* x, const T* residual, std::int64_t width,
                                     T* y) {
  T z = 0;
#pragma omp simd reduction(+ : z)
  for (std::int64_t c = 0; c < width; ++c) {
    z += weight.of_x[c] * x[c] + weight.of_residual[c] * residual[c] + weight.of_difference[c] * (x[c] - residual[c]);
  }
  const T gate = sigmoid(z);
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) y[c] = gate * residual[c] + (1 - gate) * x[c];
  return gate;
}

template <class T>
void forward(const CpuExec& exec, const ResidualGateForward& op) {
  const std::int64_t width = op.x.shape[1];
  const GateWeight<T> weight(op.weight);
  const auto x = read_rows<T>(op.x), residual = read_rows<T>(op.residual);
  const auto y = write_rows<T>(op.y), gate = write_rows<T>(op.gate);
  parallel_for(exec, op.x.shape[0], 6 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) gate[n][0] = gate_row(weight, x[n], residual[n], width, y[n]);
  });
}

/// Writes dx and dresidual of one row and returns its dz.
template <class T>
__attribute__((noinline)) T gradient_row(const GateWeight<T>& weight, T gate, const T* x, const T* residual,
                                         const T* dy, std::int64_t width, T* dx, T* dresidual) {
  T dgate = 0;
#pragma omp simd reduction(+ : dgate)
  for (std::int64_t c = 0; c < width; ++c) dgate += dy[c] * (residual[c] - x[c]);
  const T dz = gate * (1 - gate) * dgate;
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) {
    dx[c] = (1 - gate) * dy[c] + dz * (weight.of_x[c] + weight.of_difference[c]);
    dresidual[c] = gate * dy[c] + dz * (weight.of_residual[c] - weight.of_difference[c]);
  }
  return dz;
}

template <class T>
void write_row_gradients(const CpuExec& exec, const ResidualGateBackward& op, T* dz) {
  const std::int64_t width = op.x.shape[1];
  const GateWeight<T> weight(op.weight);
  const auto x = read_rows<T>(op.x), residual = read_rows<T>(op.residual), dy = read_rows<T>(op.dy),
             gate = read_rows<T>(op.gate);
  const auto dx = write_rows<T>(op.dx), dresidual = write_rows<T>(op.dresidual);
  parallel_for(exec, op.x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      dz[n] = gradient_row(weight, gate[n][0], x[n], residual[n], dy[n], width, dx[n], dresidual[n]);
    }
  });
}

template <class T>
void write_weight_gradient(const CpuExec& exec, const ResidualGateBackward& op, const Memory<T>& memory) {
  const std::int64_t width = op.x.shape[1];
  const auto all_x = read_rows<T>(op.x), all_residual = read_rows<T>(op.residual);
  const auto dweight = write_rows<T>(op.dweight);
  reduce_rows(
      exec, op.x.shape[0], 3 * width, memory.partials,
      [&](std::int64_t n, double* partial) {
        const T *const x = all_x[n], *const residual = all_residual[n];
        const double dz = static_cast<double>(memory.dz[n]);
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) {
          partial[c] += dz * static_cast<double>(x[c]);
          partial[width + c] += dz * static_cast<double>(residual[c]);
          partial[2 * width + c] += dz * (static_cast<double>(x[c]) - static_cast<double>(residual[c]));
        }
      },
      [&](std::int64_t c, double total) { dweight[c / width][c % width] = static_cast<T>(total); });
}

}  // namespace

void residual_gate_forward(const CpuExec& exec, const ResidualGateForward& op) {
  with_real(op.x.dtype, [&]<class T>(T) { forward<T>(exec, op); });
}

std::size_t workspace_size(const CpuExec&, const ResidualGateBackward& op) {
  Carver carver;
  with_real(op.x.dtype, [&]<class T>(T) { Memory<T>(op, carver); });
  return carver.bytes();
}

void residual_gate_backward(const CpuExec& exec, const ResidualGateBackward& op) {
  with_real(op.x.dtype, [&]<class T>(T) {
    Carver carver(op.workspace.data);
    const Memory<T> memory(op, carver);
    write_row_gradients<T>(exec, op, memory.dz);
    write_weight_gradient<T>(exec, op, memory);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
