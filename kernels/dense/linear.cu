// SPDX-License-Identifier: MIT
// Linear layers: cuBLAS for the products, two small kernels for the bias.

#include <algorithm>

#include "kernels/base/blas.cuh"
#include "kernels/base/reduce.cuh"
#include "kernels/dense/linear.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

/// A row-major matrix, which is its own transpose to cuBLAS' column-major eye. A leading dimension is never 0, whatever
/// the stride of a single row or of none.
template <class T>
struct Matrix {
  const T* data;
  std::int64_t leading;

  explicit Matrix(const ConstTensorView& view)
      : data(view.as<T>()),
        leading(std::max<std::int64_t>({view.shape[0] > 1 ? view.row_stride() : 0, view.row_size(), 1})) {}
};

/// What a product is made of, in cuBLAS' terms.
struct Product {
  cublasOperation_t of_a, of_b;
  std::int64_t m, n, k;
};

cublasStatus_t gemm(cublasHandle_t handle, const Product& p, const Matrix<float>& a, const Matrix<float>& b, float beta,
                    float* c, std::int64_t leading_c) {
  const float one = 1;
  return cublasSgemm_64(handle, p.of_a, p.of_b, p.m, p.n, p.k, &one, a.data, a.leading, b.data, b.leading, &beta, c,
                        leading_c);
}
cublasStatus_t gemm(cublasHandle_t handle, const Product& p, const Matrix<double>& a, const Matrix<double>& b,
                    double beta, double* c, std::int64_t leading_c) {
  const double one = 1;
  return cublasDgemm_64(handle, p.of_a, p.of_b, p.m, p.n, p.k, &one, a.data, a.leading, b.data, b.leading, &beta, c,
                        leading_c);
}

template <class S>
constexpr cudaDataType_t kBlasType = std::is_same_v<S, Float16>    ? CUDA_R_16F
                                     : std::is_same_v<S, BFloat16> ? CUDA_R_16BF
                                                                   : CUDA_R_32F;

/// 16-bit factors: float32 sums, rounded into C where that is 16-bit too.
template <class S, class C>
cublasStatus_t gemm(cublasHandle_t handle, const Product& p, const Matrix<S>& a, const Matrix<S>& b, float beta, C* c,
                    std::int64_t leading_c) {
  const float one = 1;
  return cublasGemmEx_64(handle, p.of_a, p.of_b, p.m, p.n, p.k, &one, a.data, kBlasType<S>, a.leading, b.data,
                         kBlasType<S>, b.leading, &beta, c, kBlasType<C>, leading_c, CUBLAS_COMPUTE_32F,
                         CUBLAS_GEMM_DEFAULT);
}

template <class S>
void fill(const CudaExec& exec, const ConstTensorView& bias, const TensorView& y) {
  const std::int64_t rows = y.shape[0], columns = y.row_size();
  if (rows == 0 || columns == 0) return;
  with_pack_width<S>(pack_width<S>(columns, {y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, "fill_rows", fill_rows<S, kWidth>, row_tiles(exec, rows, columns / kWidth, 8 * exec.multiprocessors),
           rows, columns, rows_of<Accumulator<S>>(bias), rows_of<S>(y));
  });
}

/// target [..] of C = left right, both of S, plus `initial` in every row where that is given; `inner` is the length of
/// the sums. The transposes are those of the row-major matrices.
template <class S, class C>
void multiply(const CudaExec& exec, const char* name, const TensorView& target, const ConstTensorView& left,
              bool transpose_left, const ConstTensorView& right, bool transpose_right, std::int64_t inner,
              const ConstTensorView& initial) {
  const std::int64_t rows = target.shape[0], columns = target.row_size();
  if (rows == 0 || columns == 0) return;
  const bool accumulates = initial.defined();
  if (accumulates || inner == 0) fill<C>(exec, initial, target);
  if (inner == 0) return;
  const auto operation = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const Product product{operation(transpose_right), operation(transpose_left), columns, rows, inner};
  using T = Accumulator<S>;
  check(gemm(blas_of(exec), product, Matrix<S>(right), Matrix<S>(left), accumulates ? T(1) : T(0), target.as<C>(),
             Matrix<C>(target).leading),
        name);
}

template <class S>
void sum_rows(const CudaExec& exec, const LinearBackward& op) {
  using T = Accumulator<S>;
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  with_pack_width<S>(pack_width<S>(columns, {op.dy}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_columns<T, kWidth, 1>(
        exec, "linear_backward dbias", rows, columns, ColumnSumTerm<S, kWidth>{rows_of<S>(op.dy)},
        StoreColumn<T>{rows_of<T>(op.dbias)},
        backend::Carver(op.workspace.data).template take<T>(column_partial_count(rows, columns, 1)));
  });
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

std::size_t workspace_size(const CudaExec&, const LinearForward&) {
  return 0;
}

void linear_forward(const CudaExec& exec, const LinearForward& op) {
  with_storage(op.y.dtype, [&](auto zero) {
    using S = decltype(zero);
    multiply<S, S>(exec, "linear_forward", op.y, op.x, false, op.weight, true, op.x.row_size(), op.bias);
  });
}

std::size_t workspace_size(const CudaExec&, const LinearBackward& op) {
  if (!op.dbias.defined()) return 0;
  const std::int64_t partials = column_partial_count(op.dy.shape[0], op.dy.row_size(), 1);
  return with_storage(op.dy.dtype, [&](auto zero) {
    Carver carver;
    carver.take<Accumulator<decltype(zero)>>(partials);
    return carver.bytes();
  });
}

void linear_backward(const CudaExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], outputs = op.dy.row_size();
  with_storage(op.dy.dtype, [&](auto zero) {
    using S = decltype(zero);
    if (op.dx.defined()) {
      multiply<S, S>(exec, "linear_backward dx", op.dx, op.dy, false, op.weight, false, outputs, {});
    }
    if (op.dweight.defined()) {
      multiply<S, Accumulator<S>>(exec, "linear_backward dweight", op.dweight, op.dy, true, op.x, false, rows, {});
    }
    if (op.dbias.defined()) sum_rows<S>(exec, op);
  });
}

}  // namespace warpgnn::backend
