#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

void lstm_cell_forward(const CpuExec& exec, const LstmCellForward& op) {
  const std::int64_t width = op.c.shape[1];
  with_real(op.c.dtype, [&]<class T>(T) {
    const auto gates = read_rows<T>(op.gates), c_previous = read_rows<T>(op.c_previous);
    const auto c = write_rows<T>(op.c), h = write_rows<T>(op.h);
    parallel_for(exec, op.c.shape[0], 64 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const a = gates[r], *const before = c_previous ? c_previous[r] : nullptr;
        T *const cell = c[r], *const out = h[r];
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) {
          const T kept = before == nullptr ? T(0) : sigmoid(a[width + k]) * before[k];
          cell[k] = kept + sigmoid(a[k]) * vector_tanh(a[2 * width + k]);
          out[k] = sigmoid(a[3 * width + k]) * vector_tanh(cell[k]);
        }
      }
    });
  });
}

void lstm_cell_backward(const CpuExec& exec, const LstmCellBackward& op) {
  const std::int64_t width = op.c.shape[1];
  with_real(op.c.dtype, [&]<class T>(T) {
    const auto gates = read_rows<T>(op.gates), c_previous = read_rows<T>(op.c_previous), c = read_rows<T>(op.c),
               dh = read_rows<T>(op.dh), dc = read_rows<T>(op.dc);
    const auto dgates = write_rows<T>(op.dgates), dc_previous = write_rows<T>(op.dc_previous);
    parallel_for(exec, op.c.shape[0], 64 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const a = gates[r], *const before = c_previous ? c_previous[r] : nullptr, *const cell = c[r],
                       *const upstream = dh[r], *const later = dc ? dc[r] : nullptr;
        T *const da = dgates[r], *const earlier = dc_previous ? dc_previous[r] : nullptr;
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) {
          const T i = sigmoid(a[k]), f = sigmoid(a[width + k]), g = vector_tanh(a[2 * width + k]),
                  o = sigmoid(a[3 * width + k]), squashed = vector_tanh(cell[k]);
          const T total = (later == nullptr ? T(0) : later[k]) + upstream[k] * o * (1 - squashed * squashed);
          da[k] = total * g * i * (1 - i);
          da[width + k] = before == nullptr ? T(0) : total * before[k] * f * (1 - f);
          da[2 * width + k] = total * i * (1 - g * g);
          da[3 * width + k] = upstream[k] * squashed * o * (1 - o);
          if (earlier != nullptr) earlier[k] = total * f;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
