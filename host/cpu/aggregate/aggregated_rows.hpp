// SPDX-License-Identifier: MIT
#pragma once

// The memory that every aggregation asks for.

#include "host/cpu/aggregate/extremes.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// Where the rows of y are made: sums, or extremes.
template <class S>
struct ForwardRows {
  SummedRows<S> sums;
  ExtremeRows<S> extremes;

  template <class Op>
  ForwardRows(Carver& carver, const CpuExec& exec, const Op& op) {
    if (is_extreme(op.reduce)) {
      extremes = ExtremeRows<S>(carver, exec, op.y, op.arg, op.graph.in_edges().long_rows);
    } else {
      sums = SummedRows<S>(carver, exec, op.y, op.graph.in_edges().long_rows);
    }
  }
};

/// Where the rows of dx are made, and the partial sums of depsilon.
template <class S>
struct BackwardRows {
  SummedRows<S> dx;
  double* partials;

  template <class Op>
  BackwardRows(Carver& carver, const CpuExec& exec, const Op& op)
      : dx(carver, exec, op.dx, op.graph.out_edges().long_rows),
        partials(carver.take<double>(op.depsilon.defined() ? reduction_doubles(op.dy.shape[0], 1) : 0)) {}
};

}  // namespace warpgnn::backend::WARPGNN_ISA
