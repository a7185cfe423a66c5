// SPDX-License-Identifier: MIT
#pragma once

// The term (1 + epsilon) x_i that an aggregation may add, and the gradient of epsilon.

#include "host/cpu/base/walker.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// One copy: inlined, it would be a third of each aggregation.
template <class S, class T>
WARPGNN_ONE_COPY void add_self(const ConstTensorView& epsilon, const S* x, std::int64_t width, T* y) {
  const T scale = T(1) + *epsilon.as<T>();
  for_each_tile<T, kStreamVectors>(width, [&](auto tile, std::int64_t c) {
    auto sum = tile.load(y + c);
    sum.add_scaled(x + c, scale);
    sum.store(y + c);
  });
}

/// depsilon = sum <dy_i, x_i>. `partials` holds reduction_doubles(rows of dy, 1).
template <class S, class Op>
void epsilon_gradient(const CpuExec& exec, const Op& op, double* partials) {
  const auto x = read_rows<S>(op.x), dy = read_rows<S>(op.dy);
  const std::int64_t width = op.dy.row_size();
  reduce_rows(
      exec, op.dy.shape[0], 1, partials,
      [&](std::int64_t row, double* partial) { *partial += static_cast<double>(dot(dy[row], x[row], width)); },
      [&](std::int64_t, double total) {
        using T = Accumulator<S>;
        *op.depsilon.template as<T>() = static_cast<T>(total);
      });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
