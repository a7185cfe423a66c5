// SPDX-License-Identifier: MIT
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/cells.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// The gates of feature k from a row of [4, width].
template <class T>
WARPGNN_INLINE math::LstmGates<T> gates_at(const T* row, std::int64_t width, std::int64_t k) {
  return math::LstmGates<T>::template of<Math>(row[k], row[width + k], row[2 * width + k], row[3 * width + k]);
}

}  // namespace

void lstm_cell_forward(const CpuExec& exec, const LstmCellForward& op) {
  const std::int64_t width = op.c.shape[1];
  with_real(op.c.dtype, [&]<class T>(T) {
    const auto gates = read_rows<T>(op.gates), c_previous = read_rows<T>(op.c_previous);
    const auto c = write_rows<T>(op.c), h = write_rows<T>(op.h);
    parallel_for(exec, op.c.shape[0], 64 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const given = gates[r], *const before = row_or_null(c_previous, r);
        T *const cell = c[r], *const out = h[r];
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) {
          const auto state = math::lstm_cell<Math>(gates_at(given, width, k), before == nullptr ? T(0) : before[k]);
          cell[k] = state.c;
          out[k] = state.h;
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
        const T *const given = gates[r], *const before = row_or_null(c_previous, r), *const cell = c[r],
                       *const upstream = dh[r], *const later = row_or_null(dc, r);
        T *const target = row_or_null(dgates, r), *const earlier = row_or_null(dc_previous, r);
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) {
          const auto gradients =
              math::lstm_gradients<Math>(gates_at(given, width, k), before == nullptr ? T(0) : before[k], cell[k],
                                         upstream[k], later == nullptr ? T(0) : later[k]);
          if (target != nullptr) {
            target[k] = gradients.input;
            target[width + k] = gradients.forget;
            target[2 * width + k] = gradients.candidate;
            target[3 * width + k] = gradients.output;
          }
          if (earlier != nullptr) earlier[k] = gradients.c_previous;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
