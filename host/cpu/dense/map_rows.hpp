// SPDX-License-Identifier: MIT
#pragma once

/// Element by element over the rows of matrices.

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/activations.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// y = function(x) for every element; x and y may be the same memory.
template <class S, class Function>
void map_elements(const CpuExec& exec, const ConstTensorView& x, const TensorView& y, Function&& function) {
  using T = Accumulator<S>;
  const std::int64_t width = x.row_size();
  const auto from = read_rows<S>(x);
  const auto to = write_rows<S>(y);
  parallel_for(exec, x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for_columns({from[r]}, width, [&](std::int64_t start, std::int64_t columns, const T* const* rows) {
        const T* const source = rows[0];
        write_columns(to[r] + start, columns, [&](T* target) {
#pragma omp simd
          for (std::int64_t c = 0; c < columns; ++c) target[c] = function(source[c]);
        });
      });
    }
  });
}

/// out = function(a, b) for every element; out may be a or b.
template <class S, class Function>
void map_pairs(const CpuExec& exec, const ConstTensorView& a, const ConstTensorView& b, const TensorView& out,
               Function&& function) {
  using T = Accumulator<S>;
  const std::int64_t width = a.row_size();
  const auto left = read_rows<S>(a), right = read_rows<S>(b);
  const auto to = write_rows<S>(out);
  parallel_for(exec, a.shape[0], 4 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for_columns({left[r], right[r]}, width, [&](std::int64_t start, std::int64_t columns, const T* const* rows) {
        const T *const x = rows[0], *const y = rows[1];
        write_columns(to[r] + start, columns, [&](T* target) {
#pragma omp simd
          // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): views that were checked have memory
          for (std::int64_t c = 0; c < columns; ++c) target[c] = function(x[c], y[c]);
        });
      });
    }
  });
}

/// dx from y = activation(x) and dy.
template <class S>
void activation_gradient(const CpuExec& exec, Activation kind, Accumulator<S> slope, const ConstTensorView& y,
                         const ConstTensorView& dy, const TensorView& dx) {
  using T = Accumulator<S>;
  math::with_activation(kind, [&](auto constant) {
    map_pairs<S>(exec, y, dy, dx, [slope](T result, T gradient) {
      return math::activation_gradient<decltype(constant)::value>(result, gradient, slope);
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
