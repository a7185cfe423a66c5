// SPDX-License-Identifier: MIT
// Activations, dropout, row gathering and scaled sums: launchers.

#include <type_traits>

#include "kernels/base/advance.cuh"
#include "kernels/dense/elementwise.cuh"

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
template <class S, class Function>
void map(const CudaExec& exec, const char* name, const ConstTensorView& first, const ConstTensorView& second,
         const TensorView& out, const Function& function) {
  const std::int64_t count = out.count();
  if (count == 0) return;
  const bool folded = is_contiguous(first) && is_contiguous(out) && (!second.defined() || is_contiguous(second));
  const int width = folded ? pack_width<S>(kMaxPackWidth<S>, {as_one_row(first), as_one_row(out),
                                                              second.defined() ? as_one_row(second) : second})
                           : pack_width<S>(out.row_size(), {first, second, out});
  const std::int64_t columns = folded ? std::int64_t{kWarpSize} * width : out.row_size();
  const Extent extent{.rows = (count + columns - 1) / columns, .columns = columns, .count = count};
  const auto rows = [&](auto view_rows) {
    if (folded) view_rows.stride = columns;
    return view_rows;
  };
  with_pack_width<S>(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, name, map_elements<S, kWidth, Function>, row_tiles(exec, extent.rows, columns / kWidth), extent,
           rows(rows_of<S>(first)), rows(rows_of<S>(second)), rows(rows_of<S>(out)), function);
  });
}

template <class From, class To>
void convert_all(const CudaExec& exec, const Convert& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  const auto launch_with = [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch(exec, "convert", convert_rows<From, To, kWidth>, row_tiles(exec, rows, columns / kWidth), rows, columns,
           rows_of<From>(op.x), rows_of<To>(op.y));
  };
  if (pack_width<float>(columns, {op.x, op.y}) == kMaxPackWidth<float>) {
    launch_with(std::integral_constant<int, kMaxPackWidth<float>>{});
  } else {
    launch_with(std::integral_constant<int, 1>{});
  }
}

template <class Word, int kWidth>
void gather_words(const CudaExec& exec, const GatherRows& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  launch(exec, "gather_rows", gather_rows_kernel<Word, kWidth>, row_tiles(exec, rows, columns / kWidth), rows, columns,
         op.x.shape[0], rows_of<std::int32_t>(op.index), rows_of<Word>(op.x), rows_of<Word>(op.y));
}

/// Moves rows as words of the element's size; what the bits mean does not matter.
template <class Word>
void gather(const CudaExec& exec, const GatherRows& op) {
  with_pack_width<Word>(pack_width<Word>(op.y.row_size(), {op.x, op.y}),
                        [&](auto constant) { gather_words<Word, decltype(constant)::value>(exec, op); });
}

/// The same matrix in elements of twice the size.
template <class View>
View as_pairs(View view) {
  view.dtype = Dtype::int32;
  view.shape[1] /= 2;
  view.stride[0] /= 2;
  return view;
}

/// Moves 16-bit elements in pairs where all rows can be cut into aligned pairs, and singly elsewhere.
void gather_halves(const CudaExec& exec, const GatherRows& op) {
  if (pack_width<float>(op.y.row_size(), {op.x, op.y}) == 1) return gather_words<std::uint16_t, 1>(exec, op);
  GatherRows pairs = op;
  pairs.x = as_pairs(op.x);
  pairs.y = as_pairs(op.y);
  gather<std::int32_t>(exec, pairs);
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

void activation_forward(const CudaExec& exec, const ActivationForward& op) {
  with_storage(op.y.dtype, [&](auto zero) {
    using S = decltype(zero);
    using T = Accumulator<S>;
    math::with_activation(op.kind, [&](auto kind) {
      const ActivationFunction<T, decltype(kind)::value> function{static_cast<T>(op.slope)};
      map<S>(exec, "activation_forward", op.x, {}, op.y, function);
    });
  });
}

void activation_backward(const CudaExec& exec, const ActivationBackward& op) {
  with_storage(op.dx.dtype, [&](auto zero) {
    using S = decltype(zero);
    using T = Accumulator<S>;
    math::with_activation(op.kind, [&](auto kind) {
      const ActivationGradient<T, decltype(kind)::value> function{static_cast<T>(op.slope)};
      map<S>(exec, "activation_backward", op.y, op.dy, op.dx, function);
    });
  });
}

void add_scaled(const CudaExec& exec, const AddScaled& op) {
  with_storage(op.target.dtype, [&](auto zero) {
    using S = decltype(zero);
    using T = Accumulator<S>;
    map<S>(exec, "add_scaled", op.source, op.target, op.target, ScaledSum<T>{static_cast<T>(op.scale)});
  });
}

void add_bias(const CudaExec& exec, const AddBias& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_storage(op.y.dtype, [&](auto zero) {
    using S = decltype(zero);
    with_pack_width<S>(pack_width<S>(columns, {op.x, op.y}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch(exec, "add_bias", add_to_rows<S, kWidth>,
             row_tiles(exec, rows, columns / kWidth, 8 * exec.multiprocessors), rows, columns,
             rows_of<Accumulator<S>>(op.bias), rows_of<S>(op.x), rows_of<S>(op.y));
    });
  });
}

void dropout(const CudaExec& exec, const Dropout& op) {
  const std::int64_t rows = op.y.shape[0], columns = op.y.row_size();
  if (rows == 0 || columns == 0) return;
  with_storage(op.y.dtype, [&](auto zero) {
    using S = decltype(zero);
    using T = Accumulator<S>;
    with_pack_width<S>(pack_width<S>(columns, {op.x, op.y}), [&](auto constant) {
      launch(exec, "dropout", dropout_rows<S, decltype(constant)::value>,
             row_tiles(exec, rows, (columns + kDropoutColumns - 1) / kDropoutColumns), rows, columns,
             DropoutSeed::of(op.seed, op.counter), dropout_threshold(op.probability),
             static_cast<T>(1 / (1 - op.probability)), rows_of<S>(op.x), rows_of<S>(op.y));
    });
  });
}

void convert(const CudaExec& exec, const Convert& op) {
  with_storage(op.x.dtype, [&](auto from) {
    with_storage(op.y.dtype, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (std::is_same_v<Accumulator<From>, float> && std::is_same_v<Accumulator<To>, float>) {
        convert_all<From, To>(exec, op);
      }
    });
  });
}

void advance_counter(const CudaExec& exec, const AdvanceCounter& op) {
  launch(exec, "advance_counter", advance<std::int64_t>, {dim3(1), dim3(1)}, op.counter.as<std::int64_t>());
}

void gather_rows(const CudaExec& exec, const GatherRows& op) {
  if (op.y.count() == 0) return;
  switch (size_of(op.y.dtype)) {
    case 2: return gather_halves(exec, op);
    case 4: return gather<std::int32_t>(exec, op);
    default: return gather<double>(exec, op);
  }
}

}  // namespace warpgnn::backend
