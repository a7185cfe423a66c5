// SPDX-License-Identifier: MIT
// Linear layers: cuBLAS for the products, small kernels for bias and activation; those of very few outputs whole.

#include <algorithm>

#include "kernels/base/blas.cuh"
#include "kernels/base/reduce.cuh"
#include "kernels/dense/linear.cuh"
#include "kernels/dense/narrow_linear.cuh"

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

/// Zeros, in rows that may lie apart.
void clear(const CudaExec& exec, const TensorView& target) {
  const auto element = static_cast<std::int64_t>(size_of(target.dtype));
  const std::int64_t pitch = target.shape[0] > 1 ? target.row_stride() : target.row_size();
  check(cudaMemset2DAsync(target.data, static_cast<std::size_t>(pitch * element), 0,
                          static_cast<std::size_t>(target.row_size() * element),
                          static_cast<std::size_t>(target.shape[0]), stream_of(exec)),
        "cudaMemset2DAsync");
}

/// target [..] = left right, both of S, or += where `add` says so; `inner` is the length of the sums. The transposes
/// are those of the row-major matrices.
template <class S, class C>
void multiply(const CudaExec& exec, const char* name, const TensorView& target, const ConstTensorView& left,
              bool transpose_left, const ConstTensorView& right, bool transpose_right, std::int64_t inner,
              bool add = false) {
  const std::int64_t rows = target.shape[0], columns = target.row_size();
  if (rows == 0 || columns == 0) return;
  if (inner == 0) return add ? void() : clear(exec, target);
  const auto operation = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const Product product{operation(transpose_right), operation(transpose_left), columns, rows, inner};
  using T = Accumulator<S>;
  check(gemm(blas_of(exec), product, Matrix<S>(right), Matrix<S>(left), add ? T(1) : T(0), target.as<C>(),
             Matrix<C>(target).leading),
        name);
}

template <class S>
void finish(const CudaExec& exec, const LinearForward& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0 || (!op.bias.defined() && op.activation == Activation::identity)) return;
  using T = Accumulator<S>;
  math::with_activation(op.activation, [&](auto kind) {
    with_pack_width<S>(pack_width<S>(columns, {op.y}), [&](auto width) {
      constexpr int kWidth = decltype(width)::value;
      launch(exec, "linear_forward bias and activation", finish_rows<S, kWidth, decltype(kind)::value>,
             row_tiles(exec, rows, columns / kWidth, 8 * exec.multiprocessors), rows, columns, rows_of<T>(op.bias),
             static_cast<T>(op.slope), rows_of<S>(op.y));
    });
  });
}

// --- One or two outputs ------------------------------------------------------------------------------------------

bool is_narrow(std::int64_t inputs, std::int64_t outputs) {
  return inputs > 0 && outputs > 0 && outputs <= kNarrowOutputs;
}

bool is_narrow(const LinearBackward& op) {
  const bool any = op.dx.defined() || op.dweight.defined();
  return any && is_narrow(op.dx.defined() ? op.dx.row_size() : op.x.row_size(), op.dy.row_size());
}

/// Calls function(outputs, width) with constants; rows that are not of whole packs are read one by one.
template <class S, class Function>
void with_narrow_shape(std::int64_t outputs, int width, Function&& function) {
  const auto with_width = [&](auto count) {
    if (width == kMaxPackWidth<S>) return function(count, std::integral_constant<int, kMaxPackWidth<S>>{});
    function(count, std::integral_constant<int, 1>{});
  };
  if (outputs == 1) return with_width(std::integral_constant<int, 1>{});
  with_width(std::integral_constant<int, 2>{});
}

template <class S>
void narrow_linear_forward(const CudaExec& exec, const LinearForward& op) {
  using T = Accumulator<S>;
  const std::int64_t rows = op.x.shape[0], inputs = op.x.row_size();
  with_narrow_shape<S>(op.y.row_size(), pack_width<S>(inputs, {op.x, op.weight}), [&](auto outputs, auto width) {
    constexpr int kWidth = decltype(width)::value;
    const int lanes = lanes_for(inputs / kWidth);
    launch(exec, "linear_forward", narrow_forward<S, kWidth, decltype(outputs)::value>,
           {dim3(blocks_for(rows, kNarrowThreads / lanes)), dim3(kNarrowThreads)}, rows, inputs, lanes,
           rows_of<S>(op.x), rows_of<S>(op.weight), rows_of<T>(op.bias), op.activation, static_cast<T>(op.slope),
           rows_of<S>(op.y));
  });
}

std::int64_t narrow_partials(const LinearBackward& op) {
  const std::int64_t inputs = op.dx.defined() ? op.dx.row_size() : op.x.row_size();
  return column_partial_count(op.dy.shape[0], inputs, 2 * static_cast<int>(op.dy.row_size()));
}

template <class S>
void narrow_linear_backward(const CudaExec& exec, const LinearBackward& op) {
  using T = Accumulator<S>;
  const ConstTensorView x = op.dweight.defined() ? op.x : ConstTensorView{};
  const ConstTensorView weight = op.dx.defined() ? op.weight : ConstTensorView{};
  const ConstTensorView y = op.activation == Activation::identity ? ConstTensorView{} : op.y;
  const std::int64_t inputs = op.dx.defined() ? op.dx.row_size() : x.row_size();
  T* const partial = backend::Carver(op.workspace.data).template take<T>(narrow_partials(op));
  with_narrow_shape<S>(op.dy.row_size(), pack_width<S>(inputs, {x, weight, op.dx}), [&](auto outputs, auto width) {
    constexpr int kWidth = decltype(width)::value, kOutputs = decltype(outputs)::value;
    reduce_columns<T, kWidth, 2 * kOutputs>(
        exec, "linear_backward", op.dy.shape[0], inputs,
        NarrowGradientTerm<S, kWidth, kOutputs>{rows_of<S>(x), rows_of<S>(weight), rows_of<S>(y), rows_of<S>(op.dy),
                                                rows_of<S>(op.dx), op.add_to_dx, op.activation,
                                                static_cast<T>(op.slope)},
        StoreNarrowGradients<T, kOutputs>{rows_of<T>(op.dweight), rows_of<T>(op.dbias)}, partial);
  });
}

// --- More outputs ------------------------------------------------------------------------------------------------

/// Where the parts of backward keep what lies between them.
template <class S>
struct BackwardScratch {
  using T = Accumulator<S>;
  TensorView dz;  // undefined where it is dy
  T* partial;
  std::size_t bytes;

  BackwardScratch(const LinearBackward& op, void* base) {
    backend::Carver carver(base);
    if (op.activation != Activation::identity) {
      dz = {contiguous_layout(op.dy.dtype, {op.dy.shape.data(), 2}, op.dy.device), carver.take<S>(op.dy.count())};
    }
    const bool sums = op.dbias.defined() || dz.ndim > 0;
    partial = carver.take<T>(sums ? column_partial_count(op.dy.shape[0], op.dy.row_size(), 1) : 0);
    bytes = carver.bytes();
  }
};

template <class S, class Term>
void sum_rows(const CudaExec& exec, const LinearBackward& op, const Term& term, Accumulator<S>* partial) {
  using T = Accumulator<S>;
  reduce_columns<T, Term::kColumns, 1>(exec, "linear_backward dbias", op.dy.shape[0], op.dy.row_size(), term,
                                       StoreColumn<T>{rows_of<T>(op.dbias)}, partial);
}

/// dz where it is not dy, and dbias where that is asked for.
template <class S>
void to_preactivation(const CudaExec& exec, const LinearBackward& op, const BackwardScratch<S>& scratch) {
  const std::int64_t columns = op.dy.row_size();
  if (scratch.dz.ndim == 0) {
    if (!op.dbias.defined()) return;
    return with_pack_width<S>(pack_width<S>(columns, {op.dy}), [&](auto width) {
      sum_rows<S>(exec, op, ColumnSumTerm<S, decltype(width)::value>{rows_of<S>(op.dy)}, scratch.partial);
    });
  }
  math::with_activation(op.activation, [&](auto kind) {
    with_pack_width<S>(pack_width<S>(columns, {op.dy, op.y, scratch.dz}), [&](auto width) {
      const PreactivationTerm<S, decltype(width)::value, decltype(kind)::value> term{
          rows_of<S>(op.y), rows_of<S>(op.dy), rows_of<S>(scratch.dz), static_cast<Accumulator<S>>(op.slope)};
      sum_rows<S>(exec, op, term, scratch.partial);
    });
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
    if (is_narrow(op.x.row_size(), op.y.row_size())) return narrow_linear_forward<S>(exec, op);
    multiply<S, S>(exec, "linear_forward", op.y, op.x, false, op.weight, true, op.x.row_size());
    finish<S>(exec, op);
  });
}

std::size_t workspace_size(const CudaExec&, const LinearBackward& op) {
  return with_storage(op.dy.dtype, [&](auto zero) {
    using S = decltype(zero);
    if (!is_narrow(op)) return BackwardScratch<S>(op, nullptr).bytes;
    Carver carver;
    carver.take<Accumulator<S>>(narrow_partials(op));
    return carver.bytes();
  });
}

void linear_backward(const CudaExec& exec, const LinearBackward& op) {
  const std::int64_t rows = op.dy.shape[0], outputs = op.dy.row_size();
  with_storage(op.dy.dtype, [&](auto zero) {
    using S = decltype(zero);
    if (is_narrow(op)) return narrow_linear_backward<S>(exec, op);
    const BackwardScratch<S> scratch(op, op.workspace.data);
    to_preactivation(exec, op, scratch);
    const ConstTensorView dz = scratch.dz.ndim > 0 ? ConstTensorView(scratch.dz) : op.dy;
    if (op.dx.defined()) {
      multiply<S, S>(exec, "linear_backward dx", op.dx, dz, false, op.weight, false, outputs, op.add_to_dx);
    }
    if (op.dweight.defined()) {
      multiply<S, Accumulator<S>>(exec, "linear_backward dweight", op.dweight, dz, true, op.x, false, rows);
    }
  });
}

}  // namespace warpgnn::backend
