// Linear layers: cuBLAS for the products, two small kernels for the bias.

#include <algorithm>

#include "kernels/blas.cuh"
#include "kernels/linear.cuh"
#include "kernels/reduce.cuh"

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

cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                    std::int64_t n, std::int64_t k, const Matrix<float>& a, const Matrix<float>& b, float beta,
                    float* c, std::int64_t leading_c) {
  const float one = 1;
  return cublasSgemm_64(handle, of_a, of_b, m, n, k, &one, a.data, a.leading, b.data, b.leading, &beta, c, leading_c);
}
cublasStatus_t gemm(cublasHandle_t handle, cublasOperation_t of_a, cublasOperation_t of_b, std::int64_t m,
                    std::int64_t n, std::int64_t k, const Matrix<double>& a, const Matrix<double>& b, double beta,
                    double* c, std::int64_t leading_c) {
  const double one = 1;
  return cublasDgemm_64(handle, of_a, of_b, m, n, k, &one, a.data, a.leading, b.data, b.leading, &beta, c, leading_c);
}

template <class T>
void fill(const CudaExec& exec, const ConstTensorView& bias, const TensorView& y) {
  const std::int64_t rows = y.shape[0], columns = y.row_size();
  if (rows == 0 || columns == 0) return;
  with_pack_width<T>(pack_width<T>(columns, {y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, "fill_rows", fill_rows<T, kWidth>, row_tiles(rows, columns / kWidth, 8 * exec.multiprocessors), rows,
           columns, rows_of<T>(bias), rows_of<T>(y));
  });
}

/// target = left right, plus `initial` in every row where that is given; `inner` is the length of the sums. The
/// transposes are those of the row-major matrices.
template <class T>
void multiply(const CudaExec& exec, const char* name, const TensorView& target, const ConstTensorView& left,
              bool transpose_left, const ConstTensorView& right, bool transpose_right, std::int64_t inner,
              const ConstTensorView& initial) {
  const std::int64_t rows = target.shape[0], columns = target.row_size();
  if (rows == 0 || columns == 0) return;
  const bool accumulates = initial.defined();
  if (accumulates || inner == 0) fill<T>(exec, initial, target);
  if (inner == 0) return;
  const auto operation = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  check(gemm(blas_of(exec), operation(transpose_right), operation(transpose_left), columns, rows, inner,
             Matrix<T>(right), Matrix<T>(left), accumulates ? T(1) : T(0), target.as<T>(), Matrix<T>(target).leading),
        name);
}

template <class T>
void sum_rows(const CudaExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], columns = op.dy.row_size();
  with_pack_width<T>(pack_width<T>(columns, {op.dy}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    reduce_columns<T, kWidth, 1>(
        exec, "linear_backward dbias", rows, columns, ColumnSumTerm<T, kWidth>{rows_of<T>(op.dy)},
        StoreColumn<T>{rows_of<T>(op.dbias)},
        backend::Carver(op.workspace.data).template take<T>(column_partial_count(rows, columns, 1)));
  });
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void linear_forward(const CudaExec& exec, const LinearForward& op) {
  with_real(op.y.dtype, [&](auto zero) {
    multiply<decltype(zero)>(exec, "linear_forward", op.y, op.x, false, op.weight, true, op.x.row_size(), op.bias);
  });
}

void add_bias(const CudaExec& exec, const AddBias& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_real(op.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_pack_width<T>(pack_width<T>(columns, {op.x, op.y}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "add_bias", add_to_rows<T, kWidth>, row_tiles(rows, columns / kWidth, 8 * exec.multiprocessors),
             rows, columns, rows_of<T>(op.bias), rows_of<T>(op.x), rows_of<T>(op.y));
    });
  });
}

std::size_t workspace_size(const CudaExec&, const LinearBackward& op) {
  if (!op.dbias.defined()) return 0;
  const std::int64_t partials = column_partial_count(op.dy.shape[0], op.dy.row_size(), 1);
  return with_real(op.dy.dtype, [&](auto zero) {
    Carver carver;
    carver.take<decltype(zero)>(partials);
    return carver.bytes();
  });
}

void linear_backward(const CudaExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], outputs = op.dy.row_size();
  with_real(op.dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (op.dx.defined()) {
      multiply<T>(exec, "linear_backward dx", op.dx, op.dy, false, op.weight, false, outputs, {});
    }
    if (op.dweight.defined()) {
      multiply<T>(exec, "linear_backward dweight", op.dweight, op.dy, true, op.x, false, rows, {});
    }
    if (op.dbias.defined()) sum_rows<T>(exec, op);
  });
}

}  // namespace warpgnn::backend
