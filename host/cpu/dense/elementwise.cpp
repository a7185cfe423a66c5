// SPDX-License-Identifier: MIT
#include <cstring>

#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/activations.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// y = function(x) for every element; x and y may be the same memory.
template <class S, class Function>
void map_elements(const CpuExec& exec, const ConstTensorView& x, const TensorView& y, Function&& function) {
  using T = Accumulator<S>;
  const std::int64_t width = x.row_size();
  const auto from = read_rows<S>(x);
  const auto to = write_rows<S>(y);
  parallel_for(exec, x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for_columns({from[r]}, width, [&](std::int64_t start, std::int64_t columns, const T* const* rows) {
        const T* const source = rows[0];
        write_columns(to[r] + start, columns, [&](T* target) {
#pragma omp simd
          for (std::int64_t c = 0; c < columns; ++c) target[c] = function(source[c]);
        });
      });
    }
  });
}

/// out = function(a, b) for every element; out may be a or b.
template <class S, class Function>
void map_pairs(const CpuExec& exec, const ConstTensorView& a, const ConstTensorView& b, const TensorView& out,
               Function&& function) {
  using T = Accumulator<S>;
  const std::int64_t width = a.row_size();
  const auto left = read_rows<S>(a), right = read_rows<S>(b);
  const auto to = write_rows<S>(out);
  parallel_for(exec, a.shape[0], 4 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      for_columns({left[r], right[r]}, width, [&](std::int64_t start, std::int64_t columns, const T* const* rows) {
        const T *const x = rows[0], *const y = rows[1];
        write_columns(to[r] + start, columns, [&](T* target) {
#pragma omp simd
          // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): views that were checked have memory
          for (std::int64_t c = 0; c < columns; ++c) target[c] = function(x[c], y[c]);
        });
      });
    }
  });
}

}  // namespace

void activation_forward(const CpuExec& exec, const ActivationForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    math::with_activation(op.kind, [&](auto kind) {
      map_elements<S>(exec, op.x, op.y, [slope = static_cast<T>(op.slope)](T x) {
        return math::activation<Math, decltype(kind)::value>(x, slope);
      });
    });
  });
}

void activation_backward(const CpuExec& exec, const ActivationBackward& op) {
  with_storage(op.dx.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    math::with_activation(op.kind, [&](auto kind) {
      map_pairs<S>(exec, op.y, op.dy, op.dx, [slope = static_cast<T>(op.slope)](T y, T dy) {
        return math::activation_gradient<decltype(kind)::value>(y, dy, slope);
      });
    });
  });
}

void dropout(const CpuExec& exec, const Dropout& op) {
  const std::int64_t width = op.x.row_size();
  const std::uint32_t threshold = dropout_threshold(op.probability);
  const std::uint64_t seed = op.counter.defined() ? dropout_seed(op.seed, *op.counter.as<std::int64_t>()) : op.seed;
  with_storage(op.y.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const T scale = static_cast<T>(1 / (1 - op.probability));
    const auto x = read_rows<S>(op.x);
    const auto y = write_rows<S>(op.y);
    parallel_for(exec, op.x.shape[0], 16 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; c += 4) {
          const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(c / 4));
          for (std::int64_t k = 0; k < std::min<std::int64_t>(4, width - c); ++k) {
            const T kept = words.word[k] >= threshold ? to_accumulator(x[r][c + k]) * scale : T(0);
            y[r][c + k] = to_storage<S>(kept);
          }
        }
      }
    });
  });
}

void gather_rows(const CpuExec& exec, const GatherRows& op) {
  const std::size_t element = size_of(op.x.dtype);
  const std::int64_t width = op.x.row_size() * static_cast<std::int64_t>(element);
  const auto pitch = [&](const Layout& layout) { return layout.row_stride() * static_cast<std::int64_t>(element); };
  const Rows<const char> x{op.x.as<char>(), pitch(op.x)};
  const Rows<char> y{op.y.as<char>(), pitch(op.y)};
  const auto index = read_rows<std::int32_t>(op.index);
  parallel_for(exec, op.y.shape[0], width / 4, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const std::int64_t source = *index[r];
      const bool in_range = source >= 0 && source < op.x.shape[0];
      if (in_range)
        std::memcpy(y[r], x[source], static_cast<std::size_t>(width));
      else
        std::memset(y[r], 0, static_cast<std::size_t>(width));
    }
  });
}

void convert(const CpuExec& exec, const Convert& op) {
  const std::int64_t width = op.x.row_size();
  with_storage(op.x.dtype, [&]<class From>(From) {
    with_storage(op.y.dtype, [&]<class To>(To) {
      if constexpr (std::is_same_v<Accumulator<From>, float> && std::is_same_v<Accumulator<To>, float>) {
        const auto x = read_rows<From>(op.x);
        const auto y = write_rows<To>(op.y);
        parallel_for(exec, op.x.shape[0], width, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t r = first; r < last; ++r) convert_row(x[r], width, y[r]);
        });
      }
    });
  });
}

void add_scaled(const CpuExec& exec, const AddScaled& op) {
  with_storage(op.target.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const T scale = static_cast<T>(op.scale);
    map_pairs<S>(exec, op.target, op.source, op.target, [=](T target, T source) { return target + scale * source; });
  });
}

void add_bias(const CpuExec& exec, const AddBias& op) {
  const std::int64_t width = op.y.shape[1];
  with_storage(op.y.dtype, [&]<class S>(S) {
    const auto* const bias = op.bias.as<Accumulator<S>>();
    const auto x = read_rows<S>(op.x);
    const auto y = write_rows<S>(op.y);
    parallel_for(exec, op.y.shape[0], width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for_each_tile<Accumulator<S>, kStreamVectors>(width, [&](auto tile, std::int64_t c) {
          auto sum = tile.load(x[r] + c);
          sum.add(bias + c);
          sum.store(y[r] + c);
        });
      }
    });
  });
}

void advance_counter(const CpuExec&, const AdvanceCounter& op) {
  ++*op.counter.as<std::int64_t>();
}

}  // namespace warpgnn::backend::WARPGNN_ISA
