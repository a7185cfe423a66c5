// SPDX-License-Identifier: MIT
#pragma once

// One dense product on the calling thread: float by oneDNN, double by Eigen. Both ask the processor for what it can do,
// not for its model, so that one that is newer than they are gets its widest kernels too.

#include <omp.h>
#include <signal.h>

#if WARPGNN_ONEDNN
#include <dnnl.h>
#endif

#include "host/cpu/base/isa.hpp"

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // false alarms in AVX-512's own header (GCC bug 105593)
#endif

// Eigen is compiled for each level, so each level has one of its own: see tests/simd_symbols.sh.
#define WARPGNN_EIGEN_OF(level) warpgnn_eigen::level
#define WARPGNN_EIGEN_AT(level) WARPGNN_EIGEN_OF(level)
#define Eigen WARPGNN_EIGEN_AT(WARPGNN_ISA)
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <cstdint>
#include <new>

namespace warpgnn::backend::WARPGNN_ISA {

/// A row-major matrix [rows, columns] as one factor of a product or its result.
template <class T>
struct Matrix {
  T* data;
  std::int64_t rows, columns, leading;
};

/// The result is op(left) op(right), added to what is there or in its place.
struct ProductForm {
  bool transpose_left = false, transpose_right = false, add = false;
};

#if WARPGNN_ONEDNN
/// Multiply-adds up to which Eigen is done before oneDNN has chosen what to do.
inline constexpr std::int64_t kTinyProduct = 8192;

/// oneDNN takes as many threads as OpenMP would give it, and waits for them where they are not granted.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// As long as it lives, no handler of a signal runs on this thread. One that runs in the midst of a product of oneDNN
/// 2.6 destroys memory that is somebody else's, as if the kernel had the stack pointer for one more register.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

inline bool by_onednn(const ProductForm& form, const Matrix<const float>& left, const Matrix<const float>& right,
                      std::int64_t inner, const Matrix<float>& result) {
  const OneThread one;
  const SignalsHeld held;
  const auto letter = [](bool transpose) { return transpose ? 'T' : 'N'; };
  return dnnl_sgemm(letter(form.transpose_left), letter(form.transpose_right), result.rows, result.columns, inner, 1.0F,
                    left.data, left.leading, right.data, right.leading, form.add ? 1.0F : 0.0F, result.data,
                    result.leading) == dnnl_success;
}
#endif

template <class T>
using EigenRows = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
auto eigen_map(const Matrix<T>& matrix) {
  using Rows = EigenRows<std::remove_const_t<T>>;
  using Mapped = std::conditional_t<std::is_const_v<T>, const Rows, Rows>;
  return Eigen::Map<Mapped, 0, Eigen::OuterStride<>>(matrix.data, matrix.rows, matrix.columns,
                                                     Eigen::OuterStride<>(matrix.leading));
}

/// False if there is no memory for it. No size is 0.
template <class T>
[[nodiscard]] bool multiply(const ProductForm& form, const Matrix<const T>& left, const Matrix<const T>& right,
                            const Matrix<T>& result) noexcept {
#if WARPGNN_ONEDNN
  const std::int64_t inner = form.transpose_left ? left.rows : left.columns;
  if constexpr (std::is_same_v<T, float>) {
    if (result.rows * result.columns * inner > kTinyProduct) return by_onednn(form, left, right, inner, result);
  }
#endif
  const auto put = [&](const auto& product) {
    auto target = eigen_map(result);
    if (form.add) {
      target.noalias() += product;
    } else {
      target.noalias() = product;
    }
  };
  const auto a = eigen_map(left), b = eigen_map(right);
  try {
    if (form.transpose_left) {
      put(a.transpose() * b);  // no layer asks for both
    } else if (form.transpose_right) {
      put(a * b.transpose());
    } else {
      put(a * b);
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace warpgnn::backend::WARPGNN_ISA
