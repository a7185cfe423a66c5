// SPDX-License-Identifier: MIT
#include <cmath>

#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// An edge's number leads to a place of its own in memory: what that costs, in multiply-adds.
constexpr std::int64_t kScatterWork = 8;

template <class T>
T weight_of(Rows<const T> weight, std::int64_t edge) {
  return weight ? *weight[edge] : T(1);
}

}  // namespace

void gcn_norm_forward(const CpuExec& exec, const GcnNormForward& op) {
  const Adjacency& in = op.graph.in_edges();
  with_real(op.inv_sqrt_degree.dtype, [&]<class T>(T) {
    const auto weight = read_rows<T>(op.weight);
    const auto norm = write_rows<T>(op.norm), root = write_rows<T>(op.inv_sqrt_degree);
    parallel_rows(exec, in.offset, in.rows, kScatterWork, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        double sum = 0;
        for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
          sum += static_cast<double>(weight_of(weight, edge_of(in, s)));
        }
        *root[i] = sum <= 0 ? T(0) : static_cast<T>(1 / std::sqrt(sum));
      }
    });
    if (!norm) return;
    parallel_rows(exec, in.offset, in.rows, kScatterWork, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
          const std::int64_t e = edge_of(in, s);
          *norm[e] = *root[in.neighbor[s]] * weight_of(weight, e) * *root[i];
        }
      }
    });
  });
}

std::size_t workspace_size(const CpuExec&, const GcnNormBackward& op) {
  Carver carver;
  carver.take<double>(op.inv_sqrt_degree.shape[0]);
  return carver.bytes();
}

void gcn_norm_backward(const CpuExec& exec, const GcnNormBackward& op) {
  const Adjacency &in = op.graph.in_edges(), &out = op.graph.out_edges();
  auto* const ddegree = static_cast<double*>(op.workspace.data);
  with_real(op.dweight.dtype, [&]<class T>(T) {
    const auto weight = read_rows<T>(op.weight), root = read_rows<T>(op.inv_sqrt_degree),
               dnorm = read_rows<T>(op.dnorm);
    const auto dweight = write_rows<T>(op.dweight);
    parallel_rows(exec, in.offset, in.rows, 2 * kScatterWork, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t k = first; k < last; ++k) {
        double droot = 0;
        for (const Adjacency* side : {&in, &out}) {
          for (std::int64_t s = side->offset[k]; s < side->offset[k + 1]; ++s) {
            const std::int64_t e = edge_of(*side, s);
            droot += static_cast<double>(*dnorm[e] * weight_of(weight, e) * *root[side->neighbor[s]]);
          }
        }
        const auto r = static_cast<double>(*root[k]);
        ddegree[k] = -0.5 * r * r * r * droot;
      }
    });
    parallel_rows(exec, in.offset, in.rows, 2 * kScatterWork, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t i = first; i < last; ++i) {
        for (std::int64_t s = in.offset[i]; s < in.offset[i + 1]; ++s) {
          const std::int64_t e = edge_of(in, s);
          *dweight[e] = *dnorm[e] * *root[in.neighbor[s]] * *root[i] + static_cast<T>(ddegree[i]);
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
