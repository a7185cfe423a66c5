// SPDX-License-Identifier: MIT
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

void head_dot_forward(const CpuExec& exec, const HeadDotForward& op) {
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2];
  with_storage(op.x.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const auto x = read_rows<S>(op.x);
    const auto vector = read_rows<T>(op.vector), second_vector = read_rows<T>(op.second_vector);
    const auto score = write_rows<T>(op.score), second_score = write_rows<T>(op.second_score);
    parallel_for(exec, op.x.shape[0], heads * channels, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        for (std::int64_t h = 0; h < heads; ++h) score[n][h] = dot(x[n] + h * channels, vector[h], channels);
        if (!second_vector) continue;
        for (std::int64_t h = 0; h < heads; ++h) {
          second_score[n][h] = dot(x[n] + h * channels, second_vector[h], channels);
        }
      }
    });
  });
}

namespace {

/// The gradients of vectors that are wanted: of each dvector_h = sum_n dscore_nh x_nh.
template <class T>
struct VectorGradients {
  struct Sum {
    Rows<const T> dscore;
    Rows<T> dvector;
  };
  Sum sum[2];
  std::int64_t count = 0;

  explicit VectorGradients(const HeadDotBackward& op) {
    const auto add = [&](const ConstTensorView& dscore, const TensorView& dvector) {
      if (dvector.defined()) sum[count++] = {read_rows<T>(dscore), write_rows<T>(dvector)};
    };
    add(op.dscore, op.dvector);
    add(op.dsecond_score, op.dsecond_vector);
  }
};

double* carve_sums(Carver& carver, const HeadDotBackward& op) {
  const std::int64_t wanted = std::int64_t{op.dvector.defined()} + std::int64_t{op.dsecond_vector.defined()};
  return carver.take<double>(wanted == 0 ? 0 : reduction_doubles(op.x.shape[0], wanted * op.x.row_size()));
}

template <class S>
void add_dx(const CpuExec& exec, const HeadDotBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2];
  const auto vector = read_rows<T>(op.vector), dscore = read_rows<T>(op.dscore),
             second_vector = read_rows<T>(op.second_vector), dsecond_score = read_rows<T>(op.dsecond_score);
  const auto dx = write_rows<S>(op.dx);
  parallel_for(exec, op.x.shape[0], heads * channels, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      for (std::int64_t h = 0; h < heads; ++h) {
        S* const to = dx[n] + h * channels;
        for_each_tile<T, kStreamVectors>(channels, [&](auto tile, std::int64_t c) {
          auto sum = tile.load(to + c);
          sum.add_scaled(vector[h] + c, dscore[n][h]);
          if (second_vector) sum.add_scaled(second_vector[h] + c, dsecond_score[n][h]);
          sum.store(to + c);
        });
      }
    }
  });
}

template <class S>
void write_vector_gradients(const CpuExec& exec, const HeadDotBackward& op, double* partials) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.x.shape[1], channels = op.x.shape[2], width = heads * channels;
  const auto x = read_rows<S>(op.x);
  const VectorGradients<T> gradients(op);
  const auto add_row = [&](std::int64_t n, double* partial) {
    for (std::int64_t k = 0; k < gradients.count; ++k) {
      for (std::int64_t h = 0; h < heads; ++h, partial += channels) {
        const T scale = gradients.sum[k].dscore[n][h];
        const S* const from = x[n] + h * channels;
        for (std::int64_t c = 0; c < channels; ++c) partial[c] += static_cast<double>(scale * to_accumulator(from[c]));
      }
    }
  };
  reduce_rows(exec, op.x.shape[0], gradients.count * width, partials, add_row, [&](std::int64_t index, double total) {
    const std::int64_t column = index % width;
    gradients.sum[index / width].dvector[column / channels][column % channels] = static_cast<T>(total);
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const HeadDotBackward& op) {
  Carver carver;
  carve_sums(carver, op);
  return carver.bytes();
}

void head_dot_backward(const CpuExec& exec, const HeadDotBackward& op) {
  Carver carver(op.workspace.data);
  double* const partials = carve_sums(carver, op);
  with_storage(op.x.dtype, [&]<class S>(S) {
    if (op.dx.defined()) add_dx<S>(exec, op);
    if (op.dvector.defined() || op.dsecond_vector.defined()) write_vector_gradients<S>(exec, op, partials);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
