#include <cstring>

#include "math.hpp"
#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// y = function(x) for every element; x and y may be the same memory.
template <class T, class Function>
void map_elements(const CpuExec& exec, const ConstTensorView& x, const TensorView& y, Function&& function) {
  const std::int64_t width = x.row_size();
  const auto from = read_rows<T>(x);
  const auto to = write_rows<T>(y);
  parallel_for(exec, x.shape[0], 8 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const T* const source = from[r];
      T* const target = to[r];
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) target[c] = function(source[c]);
    }
  });
}

/// dx = dy * derivative(y); dx and dy may be the same memory.
template <class T, class Derivative>
void map_gradients(const CpuExec& exec, const ActivationBackward& op, Derivative&& derivative) {
  const std::int64_t width = op.y.row_size();
  const auto y = read_rows<T>(op.y), dy = read_rows<T>(op.dy);
  const auto dx = write_rows<T>(op.dx);
  parallel_for(exec, op.y.shape[0], 4 * width, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const T *const value = y[r], *const upstream = dy[r];
      T* const target = dx[r];
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) target[c] = upstream[c] * derivative(value[c]);
    }
  });
}

}  // namespace

void activation_forward(const CpuExec& exec, const ActivationForward& op) {
  with_real(op.y.dtype, [&]<class T>(T) {
    const T slope = static_cast<T>(op.slope);
    switch (op.kind) {
      case Activation::relu: return map_elements<T>(exec, op.x, op.y, [](T x) { return x < 0 ? T(0) : x; });
      case Activation::leaky_relu: return map_elements<T>(exec, op.x, op.y, [=](T x) { return leaky_relu(x, slope); });
      case Activation::elu:
        if constexpr (sizeof(T) == 4) {
          return map_elements<T>(exec, op.x, op.y, [=](T x) {
            // exp(x) - 1 loses digits near 0, where a short series has them all.
            T series = T(1) / 5040;
            for (const int factorial : {720, 120, 24, 6, 2, 1}) series = series * x + T(1) / static_cast<T>(factorial);
            series *= x;
            const T negative = x > T(-0.25) ? series : vector_exp(x > 0 ? T(0) : x) - T(1);
            return x > 0 ? x : slope * negative;
          });
        } else {
          return map_elements<T>(exec, op.x, op.y, [=](T x) { return x > 0 ? x : slope * std::expm1(x); });
        }
      case Activation::tanh: return map_elements<T>(exec, op.x, op.y, [](T x) { return vector_tanh(x); });
      case Activation::sigmoid: return map_elements<T>(exec, op.x, op.y, [](T x) { return sigmoid(x); });
    }
  });
}

void activation_backward(const CpuExec& exec, const ActivationBackward& op) {
  with_real(op.dx.dtype, [&]<class T>(T) {
    const T slope = static_cast<T>(op.slope);
    switch (op.kind) {
      case Activation::relu: return map_gradients<T>(exec, op, [](T y) { return y <= 0 ? T(0) : T(1); });
      case Activation::leaky_relu: return map_gradients<T>(exec, op, [=](T y) { return y > 0 ? T(1) : slope; });
      case Activation::elu: return map_gradients<T>(exec, op, [=](T y) { return y > 0 ? T(1) : y + slope; });
      case Activation::tanh: return map_gradients<T>(exec, op, [](T y) { return T(1) - y * y; });
      case Activation::sigmoid: return map_gradients<T>(exec, op, [](T y) { return y * (T(1) - y); });
    }
  });
}

void dropout(const CpuExec& exec, const Dropout& op) {
  const std::int64_t width = op.x.row_size();
  const std::uint32_t threshold = dropout_threshold(op.probability);
  const std::uint64_t seed = op.counter.defined() ? dropout_seed(op.seed, *op.counter.as<std::int64_t>()) : op.seed;
  with_real(op.y.dtype, [&]<class T>(T) {
    const T scale = static_cast<T>(1 / (1 - op.probability));
    const auto x = read_rows<T>(op.x);
    const auto y = write_rows<T>(op.y);
    parallel_for(exec, op.x.shape[0], 16 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; c += 4) {
          const PhiloxWords words = philox(seed, static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(c / 4));
          for (std::int64_t k = 0; k < std::min<std::int64_t>(4, width - c); ++k) {
            y[r][c + k] = words.word[k] >= threshold ? x[r][c + k] * scale : T(0);
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

void add_scaled(const CpuExec& exec, const AddScaled& op) {
  const std::int64_t width = op.source.row_size();
  with_real(op.target.dtype, [&]<class T>(T) {
    const T scale = static_cast<T>(op.scale);
    const auto source = read_rows<T>(op.source);
    const auto target = write_rows<T>(op.target);
    parallel_for(exec, op.source.shape[0], width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; ++c) target[r][c] += scale * source[r][c];
      }
    });
  });
}

void add_bias(const CpuExec& exec, const AddBias& op) {
  const std::int64_t width = op.y.shape[1];
  with_real(op.y.dtype, [&]<class T>(T) {
    const T* const bias = op.bias.as<T>();
    const auto x = read_rows<T>(op.x);
    const auto y = write_rows<T>(op.y);
    parallel_for(exec, op.y.shape[0], width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) {
        for (std::int64_t c = 0; c < width; ++c) y[r][c] = x[r][c] + bias[c];
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
