// SPDX-License-Identifier: MIT
#include <cmath>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

template <class T>
void use_running_statistics(const CpuExec& exec, const BatchNormForward& op) {
  const std::int64_t width = op.x.shape[1];
  const auto x = read_rows<T>(op.x);
  const auto y = write_rows<T>(op.y);
  const T *const gamma = op.gamma.as<T>(), *const beta = op.beta.as<T>();
  const T *const mean = op.running_mean.as<T>(), *const var = op.running_var.as<T>();
  parallel_for(exec, op.x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for (std::int64_t c = 0; c < width; ++c) {
        const T inv_std = T(1) / std::sqrt(var[c] + static_cast<T>(op.epsilon));
        y[r][c] = gamma[c] * (x[r][c] - mean[c]) * inv_std + beta[c];
      }
    }
  });
}

/// Squares of fp64 may be infinite where their root is not: they are summed in a unit of their own. Numbers up to
/// 10^230 and down to 10^-77 have their place in it.
template <class T>
inline constexpr double kDown = sizeof(T) == 8 ? 0x1p-256 : 1.0;

template <class T>
void use_batch_statistics(const CpuExec& exec, const BatchNormForward& op) {
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  const auto x = read_rows<T>(op.x);
  const auto y = write_rows<T>(op.y);
  auto* const partials = static_cast<double*>(op.workspace.data);
  T *const mean = op.saved_mean.as<T>(), *const inv_std = op.saved_inv_std.as<T>();
  T *const running_mean = op.running_mean.as<T>(), *const running_var = op.running_var.as<T>();
  const auto count = static_cast<double>(rows);
  const auto blend = [&](T& running, double batch) {
    running = static_cast<T>((1 - op.momentum) * static_cast<double>(running) + op.momentum * batch);
  };
  reduce_rows(
      exec, rows, width, partials,
      [&](std::int64_t r, double* partial) {
        for (std::int64_t c = 0; c < width; ++c) partial[c] += static_cast<double>(x[r][c]);
      },
      [&](std::int64_t c, double total) {
        mean[c] = static_cast<T>(total / count);
        blend(running_mean[c], total / count);
      });
  reduce_rows(
      exec, rows, width, partials,
      [&](std::int64_t r, double* partial) {
        for (std::int64_t c = 0; c < width; ++c) {
          const double deviation = (static_cast<double>(x[r][c]) - static_cast<double>(mean[c])) * kDown<T>;
          partial[c] += deviation * deviation;
        }
      },
      [&](std::int64_t c, double total) {
        inv_std[c] = static_cast<T>(kDown<T> / std::sqrt(total / count + op.epsilon * kDown<T> * kDown<T>));
        if (rows > 1) blend(running_var[c], total / (count - 1) / (kDown<T> * kDown<T>));
      });
  const T *const gamma = op.gamma.as<T>(), *const beta = op.beta.as<T>();
  parallel_for(exec, rows, 4 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for (std::int64_t c = 0; c < width; ++c) y[r][c] = gamma[c] * ((x[r][c] - mean[c]) * inv_std[c]) + beta[c];
    }
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const BatchNormForward& op) {
  Carver carver;
  if (op.training) carver.take<double>(reduction_doubles(op.x.shape[0], op.x.shape[1]));
  return carver.bytes();
}

void batch_norm_forward(const CpuExec& exec, const BatchNormForward& op) {
  with_real(op.y.dtype, [&]<class T>(T) {
    if (op.training)
      use_batch_statistics<T>(exec, op);
    else
      use_running_statistics<T>(exec, op);
  });
}

namespace {

/// The sums over rows that gradients are made of: the caller's, or in the workspace where only dx is wanted.
template <class T>
struct GradientSums {
  T *dbeta, *dgamma;
  double* partials;

  GradientSums(const BatchNormBackward& op, Carver& carver) {
    const std::int64_t width = op.x.shape[1];
    T* const own_beta = carver.take<T>(op.dbeta.defined() ? 0 : width);
    T* const own_gamma = carver.take<T>(op.dgamma.defined() ? 0 : width);
    dbeta = op.dbeta.defined() ? op.dbeta.as<T>() : own_beta;
    dgamma = op.dgamma.defined() ? op.dgamma.as<T>() : own_gamma;
    partials = carver.take<double>(reduction_doubles(op.x.shape[0], 2 * width));
  }
};

template <class T>
void write_dx(const CpuExec& exec, const BatchNormBackward& op, const GradientSums<T>& sums) {
  const std::int64_t rows = op.x.shape[0], width = op.x.shape[1];
  const auto x = read_rows<T>(op.x), dy = read_rows<T>(op.dy);
  const auto dx = write_rows<T>(op.dx);
  const T *const gamma = op.gamma.as<T>(), *const mean = op.saved_mean.as<T>(),
                 *const inv_std = op.saved_inv_std.as<T>();
  const T share = T(1) / static_cast<T>(std::max<std::int64_t>(rows, 1));
  parallel_for(exec, rows, 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for (std::int64_t c = 0; c < width; ++c) {
        const T z = (x[r][c] - mean[c]) * inv_std[c];
        dx[r][c] = gamma[c] * inv_std[c] * (dy[r][c] - sums.dbeta[c] * share - z * sums.dgamma[c] * share);
      }
    }
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const BatchNormBackward& op) {
  Carver carver;
  with_real(op.x.dtype, [&]<class T>(T) { GradientSums<T>(op, carver); });
  return carver.bytes();
}

void batch_norm_backward(const CpuExec& exec, const BatchNormBackward& op) {
  const std::int64_t width = op.x.shape[1];
  with_real(op.x.dtype, [&]<class T>(T) {
    Carver carver(op.workspace.data);
    const GradientSums<T> sums(op, carver);
    const auto x = read_rows<T>(op.x), dy = read_rows<T>(op.dy);
    const T *const mean = op.saved_mean.as<T>(), *const inv_std = op.saved_inv_std.as<T>();
    reduce_rows(
        exec, op.x.shape[0], 2 * width, sums.partials,
        [&](std::int64_t r, double* partial) {
          for (std::int64_t c = 0; c < width; ++c) {
            partial[c] += static_cast<double>(dy[r][c]);
            partial[width + c] += static_cast<double>(dy[r][c] * ((x[r][c] - mean[c]) * inv_std[c]));
          }
        },
        [&](std::int64_t c, double total) {
          (c < width ? sums.dbeta[c] : sums.dgamma[c - width]) = static_cast<T>(total);
        });
    if (op.dx.defined()) write_dx(exec, op, sums);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
