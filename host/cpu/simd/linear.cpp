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

/// c [m, n] = op(a) [m, k] op(b) [k, n] + beta c.
void gemm(bool transpose_a, bool transpose_b, blasint m, blasint n, blasint k, Matrix<const float> a,
          Matrix<const float> b, float beta, Matrix<float> c) {
  cblas_sgemm(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), m, n, k, 1.0f, a.data, a.leading, b.data,
              b.leading, beta, c.data, c.leading);
}
void gemm(bool transpose_a, bool transpose_b, blasint m, blasint n, blasint k, Matrix<const double> a,
          Matrix<const double> b, double beta, Matrix<double> c) {
  cblas_dgemm(CblasRowMajor, transposed(transpose_a), transposed(transpose_b), m, n, k, 1.0, a.data, a.leading, b.data,
              b.leading, beta, c.data, c.leading);
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
       Matrix<const T>(b), T(0), Matrix<T>(c));
}

// --- 16-bit matrices
// --------------------------------------------------------------------------------------------------- BLAS has none, so
// the weight and blocks of rows are multiplied as copies in float32.

inline constexpr std::int64_t kBlockRows = 512;

std::int64_t block_rows(std::int64_t rows) {
  return std::min(rows, kBlockRows);
}

/// Copies in the workspace, null where there is nothing to copy.
struct HalfScratch {
  float* weight = nullptr;
  float* input = nullptr;   // a block of x or dx
  float* output = nullptr;  // a block of y or dy

  static HalfScratch carve(Carver& carver, const Layout& x, const Layout& weight, const Layout& y) {
    if (!is_half(y.dtype)) return {};
    HalfScratch scratch;
    if (weight.ndim != 0) scratch.weight = carver.take<float>(weight.count());
    if (x.ndim != 0) scratch.input = carver.take<float>(block_rows(y.shape[0]) * x.shape[1]);
    scratch.output = carver.take<float>(block_rows(y.shape[0]) * y.shape[1]);
    return scratch;
  }
};

TensorView matrix_of(float* data, std::int64_t rows, std::int64_t columns) {
  return view(data, {rows, columns});
}

/// Rows [first, first + rows) of a 16-bit matrix, in float32 at `copy`.
template <class S>
TensorView widened(const CpuExec& exec, const ConstTensorView& from, std::int64_t first, std::int64_t rows,
                   float* copy) {
  const std::int64_t width = from.shape[1];
  const auto source = read_rows<S>(from);
  parallel_for(exec, rows, width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) convert_row(source[first + r], width, copy + r * width);
  });
  return matrix_of(copy, rows, width);
}

template <class S>
void narrow_rows(const CpuExec& exec, const TensorView& from, const TensorView& to, std::int64_t first) {
  const std::int64_t width = to.shape[1];
  const auto target = write_rows<S>(to);
  const auto source = read_rows<float>(from);
  parallel_for(exec, from.shape[0], width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) convert_row(source[r], width, target[first + r]);
  });
}

template <class S>
void half_forward(const CpuExec& exec, const LinearForward& op) {
  Carver carver(op.workspace.data);
  const HalfScratch scratch = HalfScratch::carve(carver, op.x, op.weight, op.y);
  const std::int64_t rows = op.y.shape[0], in = op.x.shape[1], out = op.y.shape[1];
  const TensorView weight = widened<S>(exec, op.weight, 0, out, scratch.weight);
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = block_rows(rows - first);
    const TensorView x = widened<S>(exec, op.x, first, count, scratch.input);
    const TensorView y = matrix_of(scratch.output, count, out);
    multiply<float>(y, x, false, weight, true, in);
    if (op.bias.defined()) WARPGNN_ISA::add_bias(exec, {.x = y, .bias = op.bias, .y = y});
    narrow_rows<S>(exec, y, op.y, first);
  }
}

template <class S>
void half_backward(const CpuExec& exec, const LinearBackward& op, const HalfScratch& scratch) {
  const std::int64_t rows = op.dy.shape[0], out = op.dy.shape[1];
  TensorView weight;
  if (op.dx.defined()) weight = widened<S>(exec, op.weight, 0, out, scratch.weight);
  if (op.dweight.defined()) multiply<float>(op.dweight, op.dy, true, op.x, false, 0);
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = block_rows(rows - first);
    const TensorView dy = widened<S>(exec, op.dy, first, count, scratch.output);
    if (op.dweight.defined() && op.dweight.count() > 0) {
      const TensorView x = widened<S>(exec, op.x, first, count, scratch.input);
      gemm(true, false, as_blasint(out), as_blasint(op.x.shape[1]), as_blasint(count), Matrix<const float>(dy),
           Matrix<const float>(x), 1.0f, Matrix<float>(op.dweight));
    }
    if (op.dx.defined()) {
      const TensorView dx = matrix_of(scratch.input, count, op.dx.shape[1]);
      multiply<float>(dx, dy, false, weight, false, out);
      narrow_rows<S>(exec, dx, op.dx, first);
    }
  }
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const LinearForward& op) {
  Carver carver;
  HalfScratch::carve(carver, op.x, op.weight, op.y);
  return carver.bytes();
}

void linear_forward(const CpuExec& exec, const LinearForward& op) {
  const BlasThreads threads(exec, op.x.count() * op.y.shape[1]);
  with_storage(op.y.dtype, [&]<class S>(S) {
    if constexpr (is_half_type<S>) {
      half_forward<S>(exec, op);
    } else {
      multiply<S>(op.y, op.x, false, op.weight, true, op.x.shape[1]);
      if (op.bias.defined()) WARPGNN_ISA::add_bias(exec, {.x = op.y, .bias = op.bias, .y = op.y});
    }
  });
}

namespace {

struct BackwardScratch {
  HalfScratch half;
  double* partials = nullptr;
};

BackwardScratch carve(Carver& carver, const LinearBackward& op) {
  const ConstTensorView input = op.dweight.defined() ? op.x : op.dx;
  BackwardScratch scratch;
  scratch.half = HalfScratch::carve(carver, input, op.dx.defined() ? op.weight : ConstTensorView{}, op.dy);
  if (op.dbias.defined()) scratch.partials = carver.take<double>(reduction_doubles(op.dy.shape[0], op.dy.shape[1]));
  return scratch;
}

template <class S>
void sum_columns(const CpuExec& exec, const LinearBackward& op, double* partials) {
  const std::int64_t columns = op.dy.shape[1];
  const auto dy = read_rows<S>(op.dy);
  auto* const dbias = op.dbias.as<Accumulator<S>>();
  reduce_rows(
      exec, op.dy.shape[0], columns, partials,
      [&](std::int64_t n, double* partial) {
        for (std::int64_t c = 0; c < columns; ++c) partial[c] += static_cast<double>(to_accumulator(dy[n][c]));
      },
      [&](std::int64_t c, double total) { dbias[c] = static_cast<Accumulator<S>>(total); });
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const LinearBackward& op) {
  Carver carver;
  carve(carver, op);
  return carver.bytes();
}

void linear_backward(const CpuExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], out = op.dy.shape[1];
  const std::int64_t in = op.dx.defined() ? op.dx.shape[1] : op.dweight.defined() ? op.dweight.shape[1] : 0;
  const BlasThreads threads(exec, rows * out * in);
  Carver carver(op.workspace.data);
  const BackwardScratch scratch = carve(carver, op);
  with_storage(op.dy.dtype, [&]<class S>(S) {
    if constexpr (is_half_type<S>) {
      half_backward<S>(exec, op, scratch.half);
    } else {
      if (op.dx.defined()) multiply<S>(op.dx, op.dy, false, op.weight, false, out);
      if (op.dweight.defined()) multiply<S>(op.dweight, op.dy, true, op.x, false, rows);
    }
    if (op.dbias.defined()) sum_columns<S>(exec, op, scratch.partials);
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
