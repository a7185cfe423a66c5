#include <cblas.h>
#include <omp.h>

#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

void add_bias(const CpuExec&, const AddBias&);  // elementwise.cpp

namespace {

/// OpenBLAS built on OpenMP takes its thread count from here. Small products stay on the calling thread.
class BlasThreads {
 public:
  BlasThreads(const CpuExec& exec, std::int64_t multiply_adds) : before_(omp_get_max_threads()) {
    omp_set_num_threads(multiply_adds <= 4 * kSerialWork ? 1 : exec.threads);
  }
  ~BlasThreads() { omp_set_num_threads(before_); }
  BlasThreads(const BlasThreads&) = delete;
  BlasThreads& operator=(const BlasThreads&) = delete;

 private:
  int before_;
};

blasint as_blasint(std::int64_t value) {
  return static_cast<blasint>(value);  // host/dense.cpp has refused what does not fit
}

/// A row-major matrix for BLAS, whose leading dimension is never too small, whatever the stride of a single row.
template <class T>
struct Matrix {
  T* data;
  blasint leading;

  template <class View>
  explicit Matrix(const View& view)
      : data(view.template as<T>()),
        leading(as_blasint(std::max({view.shape[0] > 1 ? view.row_stride() : 0, view.row_size(), std::int64_t{1}}))) {}
};

CBLAS_TRANSPOSE transposed(bool transpose) {
  return transpose ? CblasTrans : CblasNoTrans;
}

/// c [m, n] = op(a) [m, k] op(b) [k, n].
void gemm(bool transpose_a, bool transpose_b, blasint m, blasint n, blasint k, Matrix<const float> a,
          Matrix<const float> b, Matrix<float> c) {
  cblas_sgemm(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), m, n, k, 1.0f, a.data, a.leading, b.data,
              b.leading, 0.0f, c.data, c.leading);
}
void gemm(bool transpose_a, bool transpose_b, blasint m, blasint n, blasint k, Matrix<const double> a,
          Matrix<const double> b, Matrix<double> c) {
  cblas_dgemm(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), m, n, k, 1.0, a.data, a.leading, b.data,
              b.leading, 0.0, c.data, c.leading);
}

/// c = op(a) op(b), with sums over `inner` terms. Without terms c is zero; without elements nothing is done.
template <class T>
void multiply(const TensorView& c, const ConstTensorView& a, bool transpose_a, const ConstTensorView& b,
              bool transpose_b, std::int64_t inner) {
  const std::int64_t rows = c.shape[0], columns = c.shape[1];
  if (rows == 0 || columns == 0) return;
  if (inner == 0) {
    const auto target = write_rows<T>(c);
    for (std::int64_t r = 0; r < rows; ++r) std::fill(target[r], target[r] + columns, T(0));
    return;
  }
  gemm(transpose_a, transpose_b, as_blasint(rows), as_blasint(columns), as_blasint(inner), Matrix<const T>(a),
       Matrix<const T>(b), Matrix<T>(c));
}

}  // namespace

void linear_forward(const CpuExec& exec, const LinearForward& op) {
  const BlasThreads threads(exec, op.x.count() * op.y.shape[1]);
  with_real(op.y.dtype, [&]<class T>(T) { multiply<T>(op.y, op.x, false, op.weight, true, op.x.shape[1]); });
  if (op.bias.defined()) WARPGNN_ISA::add_bias(exec, {.x = op.y, .bias = op.bias, .y = op.y});
}

std::size_t workspace_size(const CpuExec&, const LinearBackward& op) {
  Carver carver;
  if (op.dbias.defined()) carver.take<double>(reduction_doubles(op.dy.shape[0], op.dy.shape[1]));
  return carver.bytes();
}

void linear_backward(const CpuExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], out = op.dy.shape[1];
  const std::int64_t in = op.dx.defined() ? op.dx.shape[1] : op.dweight.defined() ? op.dweight.shape[1] : 0;
  const BlasThreads threads(exec, rows * out * in);
  with_real(op.dy.dtype, [&]<class T>(T) {
    const auto dy = read_rows<T>(op.dy);
    if (op.dx.defined()) multiply<T>(op.dx, op.dy, false, op.weight, false, out);
    if (op.dweight.defined()) multiply<T>(op.dweight, op.dy, true, op.x, false, rows);
    if (!op.dbias.defined()) return;
    T* const dbias = op.dbias.as<T>();
    reduce_rows(
        exec, rows, out, static_cast<double*>(op.workspace.data),
        [&](std::int64_t n, double* partial) {
          for (std::int64_t c = 0; c < out; ++c) partial[c] += static_cast<double>(dy[n][c]);
        },
        [&](std::int64_t c, double total) { dbias[c] = static_cast<T>(total); });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
