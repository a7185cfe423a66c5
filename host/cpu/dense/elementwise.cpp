// SPDX-License-Identifier: MIT
#include <cstring>

#include "host/cpu/base/random.hpp"
#include "host/cpu/dense/map_rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

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
    activation_gradient<S>(exec, op.kind, static_cast<T>(op.slope), op.y, op.dy, op.dx);
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
      // Copies of its own: the compiler cannot know that no store changes what it reads through a reference.
      const T factor = scale;
      const std::uint32_t least = threshold;
      std::uint32_t words[kDropoutColumns];
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; c += kDropoutColumns) {
          const std::int64_t count = std::min(kDropoutColumns, width - c);
          dropout_words(seed, r, c, count, words);
          const S* const from = x[r] + c;
          S* const to = y[r] + c;
#pragma omp simd
          for (std::int64_t k = 0; k < count; ++k) {
            const T scaled = to_accumulator(from[k]) * factor;
            to[k] = to_storage<S>(words[k] >= least ? scaled : T(0));
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

void gather_tables(const CpuExec& exec, const GatherTables& op) {
  for (const GatherRows& table : op.tables) WARPGNN_ISA::gather_rows(exec, table);
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
