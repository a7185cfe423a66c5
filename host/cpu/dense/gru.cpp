// SPDX-License-Identifier: MIT
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/cells.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// The gates of feature k from two rows of [3, width].
template <class T>
WARPGNN_INLINE math::GruGates<T> gates_at(const T* input, const T* hidden, std::int64_t width, std::int64_t k) {
  return math::GruGates<T>::template of<Math>(input[k] + hidden[k], input[width + k] + hidden[width + k],
                                              input[2 * width + k], hidden[2 * width + k]);
}

}  // namespace

void gru_cell_forward(const CpuExec& exec, const GruCellForward& op) {
  const std::int64_t width = op.h.shape[1];
  with_real(op.h.dtype, [&]<class T>(T) {
    const auto input = read_rows<T>(op.input), hidden = read_rows<T>(op.hidden),
               h_previous = read_rows<T>(op.h_previous);
    const auto h = write_rows<T>(op.h);
    parallel_for(exec, op.h.shape[0], 48 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const a = input[r], *const b = hidden[r], *const before = h_previous[r];
        T* const out = h[r];
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) out[k] = math::gru_cell(gates_at(a, b, width, k), before[k]);
      }
    });
  });
}

void gru_cell_backward(const CpuExec& exec, const GruCellBackward& op) {
  const std::int64_t width = op.dh.shape[1];
  with_real(op.dh.dtype, [&]<class T>(T) {
    const auto input = read_rows<T>(op.input), hidden = read_rows<T>(op.hidden),
               h_previous = read_rows<T>(op.h_previous), dh = read_rows<T>(op.dh);
    const auto dinput = write_rows<T>(op.dinput), dhidden = write_rows<T>(op.dhidden),
               dh_previous = write_rows<T>(op.dh_previous);
    parallel_for(exec, op.dh.shape[0], 48 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        const T *const a = input[r], *const b = hidden[r], *const before = h_previous[r], *const upstream = dh[r];
        T *const da = row_or_null(dinput, r), *const db = row_or_null(dhidden, r),
                 *const earlier = row_or_null(dh_previous, r);
#pragma omp simd
        for (std::int64_t k = 0; k < width; ++k) {
          const auto gradients =
              math::gru_gradients(gates_at(a, b, width, k), b[2 * width + k], before[k], upstream[k]);
          if (da != nullptr) {
            da[k] = gradients.reset;
            da[width + k] = gradients.update;
            da[2 * width + k] = gradients.input_candidate;
          }
          if (db != nullptr) {
            db[k] = gradients.reset;
            db[width + k] = gradients.update;
            db[2 * width + k] = gradients.hidden_candidate;
          }
          if (earlier != nullptr) earlier[k] = gradients.h_previous;
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
