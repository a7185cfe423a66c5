// Activations, dropout, row gathering and scaled sums: launchers.

#include <type_traits>

#include "kernels/elementwise.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

bool is_contiguous(const Layout& layout) {
  return layout.shape[0] <= 1 || layout.row_stride() == layout.row_size();
}

/// The same elements as one row, to which alignment of rows means nothing.
ConstTensorView as_one_row(ConstTensorView view) {
  const std::int64_t count = view.count();
  view.ndim = 2;
  view.shape = {1, count, 0};
  view.stride = {count, 1, 0};
  return view;
}

/// out = function(first, second) for views of one shape; `second` may be undefined. Contiguous views are folded into
/// rows of one warp's packs, so that their shape costs nothing.
template <class T, class Function>
void map(const CudaExec& exec, const char* name, const ConstTensorView& first, const ConstTensorView& second,
         const TensorView& out, const Function& function) {
  const std::int64_t count = out.count();
  if (count == 0) return;
  const bool folded = is_contiguous(first) && is_contiguous(out) && (!second.defined() || is_contiguous(second));
  const int width = folded ? pack_width<T>(kMaxPackWidth<T>, {as_one_row(first), as_one_row(out),
                                                              second.defined() ? as_one_row(second) : second})
                           : pack_width<T>(out.row_size(), {first, second, out});
  const std::int64_t columns = folded ? std::int64_t{kWarpSize} * width : out.row_size();
  const Extent extent{.rows = (count + columns - 1) / columns, .columns = columns, .count = count};
  const auto rows = [&](auto view_rows) {
    if (folded) view_rows.stride = columns;
    return view_rows;
  };
  with_pack_width<T>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, name, map_elements<T, kWidth, Function>, row_tiles(extent.rows, columns / kWidth), extent,
           rows(rows_of<T>(first)), rows(rows_of<T>(second)), rows(rows_of<T>(out)), function);
  });
}

/// Calls `function` with the activation as a compile-time constant.
template <class Function>
void with_activation(Activation kind, const Function& function) {
  switch (kind) {
    case Activation::relu: return function(std::integral_constant<Activation, Activation::relu>{});
    case Activation::leaky_relu: return function(std::integral_constant<Activation, Activation::leaky_relu>{});
    case Activation::elu: return function(std::integral_constant<Activation, Activation::elu>{});
    case Activation::tanh: return function(std::integral_constant<Activation, Activation::tanh>{});
    case Activation::sigmoid: return function(std::integral_constant<Activation, Activation::sigmoid>{});
  }
}

/// Moves rows as words of the element's size; what the bits mean does not matter.
template <class Word>
void gather(const CudaExec& exec, const GatherRows& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_pack_width<Word>(pack_width<Word>(columns, {op.x, op.y}), [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, "gather_rows", gather_rows_kernel<Word, kWidth>, row_tiles(rows, columns / kWidth), rows, columns,
           op.x.shape[0], rows_of<std::int32_t>(op.index), rows_of<Word>(op.x), rows_of<Word>(op.y));
  });
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void activation_forward(const CudaExec& exec, const ActivationForward& op) {
  with_real(op.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_activation(op.kind, [&](auto kind) {
      const ActivationFunction<T, decltype(kind)::value> function{static_cast<T>(op.slope)};
      map<T>(exec, "activation_forward", op.x, {}, op.y, function);
    });
  });
}

void activation_backward(const CudaExec& exec, const ActivationBackward& op) {
  with_real(op.dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_activation(op.kind, [&](auto kind) {
      const ActivationGradient<T, decltype(kind)::value> function{static_cast<T>(op.slope)};
      map<T>(exec, "activation_backward", op.y, op.dy, op.dx, function);
    });
  });
}

void add_scaled(const CudaExec& exec, const AddScaled& op) {
  with_real(op.target.dtype, [&](auto zero) {
    using T = decltype(zero);
    map<T>(exec, "add_scaled", op.source, op.target, op.target, ScaledSum<T>{static_cast<T>(op.scale)});
  });
}

void dropout(const CudaExec& exec, const Dropout& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_real(op.y.dtype, [&](auto zero) {
    using T = decltype(zero);
    with_pack_width<T>(pack_width<T>(columns, {op.x, op.y}), [&](auto constant) {
      launch(exec, "dropout", dropout_rows<T, decltype(constant)::value>,
             row_tiles(rows, (columns + kDropoutColumns - 1) / kDropoutColumns), rows, columns,
             DropoutSeed::of(op.seed, op.counter), dropout_threshold(op.probability),
             static_cast<T>(1 / (1 - op.probability)), rows_of<T>(op.x), rows_of<T>(op.y));
    });
  });
}

void gather_rows(const CudaExec& exec, const GatherRows& op) {
  if (size_of(op.y.dtype) == 4) {
    gather<std::int32_t>(exec, op);
  } else {
    gather<double>(exec, op);
  }
}

}  // namespace warpgnn::backend
