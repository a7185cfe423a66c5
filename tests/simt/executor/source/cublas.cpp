// SPDX-License-Identifier: MIT
// cuBLAS on the host's BLAS. Operands are checked to lie in device memory, column by column.

#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <Eigen/Core>
#include <limits>
#include <set>
#include <type_traits>

#include "region.hpp"
#include "report.hpp"
#include "runtime.hpp"
#include "simt/simt.hpp"
#include "work_log.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
  int math = CUBLAS_DEFAULT_MATH;
};

namespace simt {
namespace {

constexpr int kMathFlags = CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;

std::set<ProductKind>& products() {
  static std::set<ProductKind> kinds;
  return kinds;
}

template <class T>
constexpr const char* kTypeName = std::is_same_v<T, __half>          ? "float16"
                                  : std::is_same_v<T, __nv_bfloat16> ? "bfloat16"
                                  : std::is_same_v<T, float>         ? "float32"
                                                                     : "float64";

/// What cuBLAS may do with a product of factors S and result C, by the math mode's documentation.
template <class S, class C>
ProductKind kind_of(int math, bool pedantic_type) {
  const int mode = math & ~kMathFlags;
  const bool is_pedantic = mode == CUBLAS_PEDANTIC_MATH || pedantic_type;
  ProductKind kind{.factors = kTypeName<S>, .result = kTypeName<C>};
  kind.in_tf32 = std::is_same_v<S, float> && mode == CUBLAS_TF32_TENSOR_OP_MATH;
  kind.on_tensor_cores = kind.in_tf32 || (!std::is_same_v<S, float> && !is_pedantic);
  kind.partly_in_result =
      sizeof(C) == 2 && !is_pedantic && (math & CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION) == 0;
  return kind;
}

/// A column-major matrix.
struct Matrix {
  const char* name;
  const void* data;
  std::size_t element;
  std::int64_t rows, columns, leading;

  const char* column(std::int64_t number) const {
    return static_cast<const char*>(data) + static_cast<std::size_t>(number * leading) * element;
  }
  std::size_t column_bytes() const { return static_cast<std::size_t>(rows) * element; }

  bool is_on_device() const {
    for (std::int64_t k = 0; rows > 0 && k < columns; ++k) {
      const auto first = reinterpret_cast<std::uintptr_t>(column(k));
      const Region* const region = device_memory().find(first);
      if (region != nullptr && region->contains(first + column_bytes() - 1)) continue;
      report("bounds", text("gemm: column ", k, " of ", name, " is not within a device allocation"));
      return false;
    }
    return true;
  }
  void mark_written() const {
    for (std::int64_t k = 0; k < columns; ++k) mark_initialised(column(k), column_bytes());
  }
};

float number(float value) {
  return value;
}
float number(__half value) {
  return __half2float(value);
}
float number(__nv_bfloat16 value) {
  return __bfloat162float(value);
}

template <class C>
C stored(float value) {
  if constexpr (std::is_same_v<C, __half>) return __float2half(value);
  if constexpr (std::is_same_v<C, __nv_bfloat16>) return __float2bfloat16(value);
  if constexpr (std::is_same_v<C, float>) return value;
}

bool fits_int(std::int64_t value) {
  return value >= 0 && value <= std::numeric_limits<int>::max();
}

/// A product in cuBLAS' terms: C [m, n] = alpha op(A) op(B) + beta C, column by column, sums over k.
template <class S, class C, class T>
struct Product {
  bool transpose_a, transpose_b;
  std::int64_t m, n, k;
  T alpha;
  const S* a;
  std::int64_t lda;
  const S* b;
  std::int64_t ldb;
  T beta;
  C* c;
  std::int64_t ldc;
};

template <class T>
using EigenColumns = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;

/// op(x) [rows, columns], column by column.
template <class T>
EigenColumns<T> factor(bool transpose, const T* x, std::int64_t leading, std::int64_t rows, std::int64_t columns) {
  using Map = Eigen::Map<const EigenColumns<T>, 0, Eigen::OuterStride<>>;
  if (transpose) return Map(x, columns, rows, Eigen::OuterStride<>(leading)).transpose();
  return Map(x, rows, columns, Eigen::OuterStride<>(leading));
}

template <class T>
void multiply(const Product<T, T, T>& p) {
  const EigenColumns<T> product =
      p.alpha * (factor(p.transpose_a, p.a, p.lda, p.m, p.k) * factor(p.transpose_b, p.b, p.ldb, p.k, p.n));
  Eigen::Map<EigenColumns<T>, 0, Eigen::OuterStride<>> target(p.c, p.m, p.n, Eigen::OuterStride<>(p.ldc));
  if (p.beta == 0) {
    target = product;
  } else {
    target = product + p.beta * target;
  }
}

/// 16-bit factors: Eigen's own types for them are others.
template <class S, class C>
requires(sizeof(S) == 2) void multiply(const Product<S, C, float>& p) {
  for (std::int64_t column = 0; column < p.n; ++column) {
    for (std::int64_t row = 0; row < p.m; ++row) {
      float sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k) {
        const S left = p.transpose_a ? p.a[row * p.lda + k] : p.a[k * p.lda + row];
        const S right = p.transpose_b ? p.b[k * p.ldb + column] : p.b[column * p.ldb + k];
        sum += number(left) * number(right);
      }
      C& target = p.c[column * p.ldc + row];
      target = stored<C>(p.alpha * sum + (p.beta == 0 ? 0.0f : p.beta * number(target)));
    }
  }
}

template <class S, class C, class T>
cublasStatus_t gemm(cublasHandle_t handle, const Product<S, C, T>& p, bool pedantic_type = false) {
  const Matrix left{"A", p.a, sizeof(S), p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, p.lda};
  const Matrix right{"B", p.b, sizeof(S), p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, p.ldb};
  const Matrix target{"C", p.c, sizeof(C), p.m, p.n, p.ldc};
  for (const Matrix& matrix : {left, right, target}) {
    const bool valid = fits_int(matrix.rows) && fits_int(matrix.columns) && fits_int(matrix.leading) &&
                       matrix.leading >= std::max<std::int64_t>(1, matrix.rows);
    if (!valid) return CUBLAS_STATUS_INVALID_VALUE;
  }
  const ProductKind kind = kind_of<S, C>(handle->math, pedantic_type);
  const auto work = [=] {
    if (!left.is_on_device() || !right.is_on_device() || !target.is_on_device()) {
      return set_last_error(cudaErrorLaunchFailure);
    }
    log_work("product");
    multiply(p);
    target.mark_written();
    products().insert(kind);
    return cudaSuccess;
  };
  return enqueue(handle->stream, work) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace

std::vector<ProductKind> take_products() {
  const Api api;
  std::vector<ProductKind> taken(products().begin(), products().end());
  products().clear();
  return taken;
}

}  // namespace simt

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown status";
}

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void*, std::size_t) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  switch (mode & ~simt::kMathFlags) {
    case CUBLAS_DEFAULT_MATH:
    case CUBLAS_PEDANTIC_MATH:
    case CUBLAS_TF32_TENSOR_OP_MATH: handle->math = mode; return CUBLAS_STATUS_SUCCESS;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t* mode) {
  *mode = static_cast<cublasMath_t>(handle->math);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const float* alpha, const float* a, std::int64_t lda,
                              const float* b, std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) {
  return simt::gemm<float, float, float>(
      handle, {of_a == CUBLAS_OP_T, of_b == CUBLAS_OP_T, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc});
}

cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const double* alpha, const double* a, std::int64_t lda,
                              const double* b, std::int64_t ldb, const double* beta, double* c, std::int64_t ldc) {
  return simt::gemm<double, double, double>(
      handle, {of_a == CUBLAS_OP_T, of_b == CUBLAS_OP_T, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc});
}

cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                               std::int64_t n, std::int64_t k, const void* alpha, const void* a, cudaDataType_t type_a,
                               std::int64_t lda, const void* b, cudaDataType_t type_b, std::int64_t ldb,
                               const void* beta, void* c, cudaDataType_t type_c, std::int64_t ldc,
                               cublasComputeType_t compute, cublasGemmAlgo_t) {
  if (type_a != type_b || type_a == CUDA_R_32F || (type_c != type_a && type_c != CUDA_R_32F)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto call = [&]<class S, class C>(S, C) {
    return simt::gemm<S, C, float>(
        handle,
        {of_a == CUBLAS_OP_T, of_b == CUBLAS_OP_T, m, n, k, *static_cast<const float*>(alpha), static_cast<const S*>(a),
         lda, static_cast<const S*>(b), ldb, *static_cast<const float*>(beta), static_cast<C*>(c), ldc},
        compute == CUBLAS_COMPUTE_32F_PEDANTIC);
  };
  const auto call_for = [&]<class S>(S factor) {
    return type_c == CUDA_R_32F ? call(factor, 0.0f) : call(factor, S{});
  };
  return type_a == CUDA_R_16F ? call_for(__half{}) : call_for(__nv_bfloat16{});
}
