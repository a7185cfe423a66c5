// cuBLAS on the host's BLAS. Operands are checked to lie in device memory, column by column.

#include <cblas.h>
#include <cublas_v2.h>

#include <limits>

#include "region.hpp"
#include "report.hpp"
#include "runtime.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

namespace simt {
namespace {

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

CBLAS_TRANSPOSE transpose_of(cublasOperation_t operation) {
  return operation == CUBLAS_OP_T ? CblasTrans : CblasNoTrans;
}

bool fits_int(std::int64_t value) {
  return value >= 0 && value <= std::numeric_limits<int>::max();
}

template <class T>
cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                    std::int64_t n, std::int64_t k, T alpha, const T* a, std::int64_t lda, const T* b, std::int64_t ldb,
                    T beta, T* c, std::int64_t ldc) {
  const Matrix left{"A", a, sizeof(T), of_a == CUBLAS_OP_N ? m : k, of_a == CUBLAS_OP_N ? k : m, lda};
  const Matrix right{"B", b, sizeof(T), of_b == CUBLAS_OP_N ? k : n, of_b == CUBLAS_OP_N ? n : k, ldb};
  const Matrix target{"C", c, sizeof(T), m, n, ldc};
  for (const Matrix& matrix : {left, right, target}) {
    const bool valid = fits_int(matrix.rows) && fits_int(matrix.columns) && fits_int(matrix.leading) &&
                       matrix.leading >= std::max<std::int64_t>(1, matrix.rows);
    if (!valid) return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto work = [=] {
    if (!left.is_on_device() || !right.is_on_device() || !target.is_on_device()) {
      return set_last_error(cudaErrorLaunchFailure);
    }
    const auto multiply = [&](auto function) {
      function(CblasColMajor, transpose_of(of_a), transpose_of(of_b), static_cast<int>(m), static_cast<int>(n),
               static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta, c,
               static_cast<int>(ldc));
    };
    if constexpr (sizeof(T) == sizeof(float)) {
      multiply(cblas_sgemm);
    } else {
      multiply(cblas_dgemm);
    }
    target.mark_written();
    return cudaSuccess;
  };
  return enqueue(handle->stream, work) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace
}  // namespace simt

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
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

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const float* alpha, const float* a, std::int64_t lda,
                              const float* b, std::int64_t ldb, const float* beta, float* c, std::int64_t ldc) {
  return simt::gemm(handle, of_a, of_b, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc);
}

cublasStatus_t cublasDgemm_64(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                              std::int64_t n, std::int64_t k, const double* alpha, const double* a, std::int64_t lda,
                              const double* b, std::int64_t ldb, const double* beta, double* c, std::int64_t ldc) {
  return simt::gemm(handle, of_a, of_b, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc);
}
