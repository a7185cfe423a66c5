// SPDX-License-Identifier: MIT
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

void head_dot_forward(const CpuExec& exec, const HeadDotForward& op) {
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2];
  with_storage(op.x.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const auto x = read_rows<S>(op.x);
    const auto vector = read_rows<T>(op.vector);
    const auto score = write_rows<T>(op.score);
    parallel_for(exec, op.x.shape[0], heads * channels, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        for (std::int64_t h = 0; h < heads; ++h) score[n][h] = dot(x[n] + h * channels, vector[h], channels);
      }
    });
  });
}

std::size_t workspace_size(const CpuExec&, const HeadDotBackward& op) {
  Carver carver;
  if (op.dvector.defined()) carver.take<double>(reduction_doubles(op.x.shape[0], op.x.row_size()));
  return carver.bytes();
}

namespace {

template <class S>
void add_dx(const CpuExec& exec, const HeadDotBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2];
  const auto vector = read_rows<T>(op.vector), dscore = read_rows<T>(op.dscore);
  const auto dx = write_rows<S>(op.dx);
  parallel_for(exec, op.x.shape[0], heads * channels, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      for (std::int64_t h = 0; h < heads; ++h) {
        S* const to = dx[n] + h * channels;
        const T scale = dscore[n][h];
        const T* const direction = vector[h];
        for_each_tile<T, kStreamVectors>(channels, [&](auto tile, std::int64_t c) {
          auto sum = tile.load(to + c);
          sum.add_scaled(direction + c, scale);
          sum.store(to + c);
        });
      }
    }
  });
}

template <class S>
void write_dvector(const CpuExec& exec, const HeadDotBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2];
  const auto x = read_rows<S>(op.x);
  const auto dscore = read_rows<T>(op.dscore);
  const auto dvector = write_rows<T>(op.dvector);
  const auto add_row = [&](std::int64_t n, double* partial) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const T scale = dscore[n][h];
      const S* const from = x[n] + h * channels;
      for (std::int64_t c = 0; c < channels; ++c) {
        partial[h * channels + c] += static_cast<double>(scale * to_accumulator(from[c]));
      }
    }
  };
  reduce_rows(exec, op.x.shape[0], heads * channels, static_cast<double*>(op.workspace.data), add_row,
              [&](std::int64_t column, double total) {
                dvector[column / channels][column % channels] = static_cast<T>(total);
              });
}

}  // namespace

void head_dot_backward(const CpuExec& exec, const HeadDotBackward& op) {
  with_storage(op.x.dtype, [&]<class S>(S) {
    if (op.dx.defined()) add_dx<S>(exec, op);
    if (op.dvector.defined()) write_dvector<S>(exec, op);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
