#include <limits>

#include "math.hpp"
#include "rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

template <class T>
constexpr T kLowest = -std::numeric_limits<T>::infinity();

/// a_n of a node with score s in a graph with log-sum-exp lse.
template <class T>
T gate_weight(PoolGate gate, T score, T lse) {
  switch (gate) {
    case PoolGate::none: return T(1);
    case PoolGate::softmax: return lse == kLowest<T> ? T(0) : vector_exp(score - lse);
    case PoolGate::sigmoid: return sigmoid(score);
    case PoolGate::raw: return score;
  }
  return T(0);
}

/// The softmax over a graph's scores: a_n = exp(s_n - max) / sum.
template <class T>
struct Softmax {
  T max = kLowest<T>;
  double sum = 0;

  Softmax(Rows<const T> score, std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) max = *score[n] > max ? *score[n] : max;
    for (std::int64_t n = begin; n < end; ++n) sum += static_cast<double>(numerator(*score[n]));
  }
  T numerator(T score) const { return vector_exp(score - (max == kLowest<T> ? T(0) : max)); }
  T log_sum_exp() const { return static_cast<T>(static_cast<double>(max) + std::log(sum)); }
};

template <class T>
class Forward {
 public:
  explicit Forward(const PoolForward& op)
      : op_(op),
        x_(read_rows<T>(op.x)),
        score_(read_rows<T>(op.score)),
        y_(write_rows<T>(op.y)),
        lse_(write_rows<T>(op.lse)),
        arg_(write_rows<std::int32_t>(op.arg)) {}

  void graph(std::int64_t g, double* scratch) const {
    const std::int64_t begin = op_.graph.graph_offsets()[g], end = op_.graph.graph_offsets()[g + 1];
    if (op_.reduce == PoolReduce::max) return keep_max(g, begin, end);
    if (op_.gate == PoolGate::none) {
      add_up(g, begin, end, scratch, [](std::int64_t) { return T(1); });
    } else if (op_.gate == PoolGate::softmax) {
      // Divided at the end: exp(s - lse) would carry the rounding of lse, which is large where scores are.
      const Softmax<T> softmax(score_, begin, end);
      *lse_[g] = softmax.log_sum_exp();
      add_up(g, begin, end, scratch, [&](std::int64_t n) { return softmax.numerator(*score_[n]); });
      divide(g, softmax.sum);
    } else {
      add_up(g, begin, end, scratch, [&](std::int64_t n) { return gate_weight(op_.gate, *score_[n], T(0)); });
    }
    if (op_.reduce == PoolReduce::mean) divide(g, static_cast<double>(end - begin));
  }

 private:
  template <class Weight>
  void add_up(std::int64_t g, std::int64_t begin, std::int64_t end, double* scratch, Weight&& weight) const {
    const std::int64_t width = op_.x.row_size();
    sum_in_chunks(begin, end, width, scratch, y_[g], [&](std::int64_t first, std::int64_t last, T* sum) {
      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
        auto total = tile.zero();
        for (std::int64_t n = first; n < last; ++n) total.add_scaled(x_[n] + column, weight(n));
        total.store(sum + column);
      });
    });
  }

  /// An empty sum stays 0.
  void divide(std::int64_t g, double by) const {
    const T divisor = by == 0 ? T(1) : static_cast<T>(by);
    for (std::int64_t c = 0; c < op_.x.row_size(); ++c) y_[g][c] /= divisor;
  }

  void keep_max(std::int64_t g, std::int64_t begin, std::int64_t end) const {
    const std::int64_t width = op_.x.row_size();
    T* const y = y_[g];
    std::int32_t* const arg = arg_ ? arg_[g] : nullptr;
    if (arg != nullptr) std::fill(arg, arg + width, begin < end ? static_cast<std::int32_t>(begin) : -1);
    if (begin == end) return static_cast<void>(std::fill(y, y + width, T(0)));
    std::copy(x_[begin], x_[begin] + width, y);
    for (std::int64_t n = begin + 1; n < end; ++n) {
      const T* const candidate = x_[n];
      const auto node = static_cast<std::int32_t>(n);
      if (arg == nullptr) {
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) y[c] = beats(candidate[c], y[c]) ? candidate[c] : y[c];
      } else {
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) {
          const bool wins = beats(candidate[c], y[c]);
          arg[c] = wins ? node : arg[c];
          y[c] = wins ? candidate[c] : y[c];
        }
      }
    }
  }

  const PoolForward& op_;
  Rows<const T> x_, score_;
  Rows<T> y_, lse_;
  Rows<std::int32_t> arg_;
};

template <class T>
class Backward {
 public:
  explicit Backward(const PoolBackward& op)
      : op_(op),
        x_(read_rows<T>(op.x)),
        score_(read_rows<T>(op.score)),
        y_(read_rows<T>(op.y)),
        lse_(read_rows<T>(op.lse)),
        dy_(read_rows<T>(op.dy)),
        arg_(read_rows<std::int32_t>(op.arg)),
        dx_(write_rows<T>(op.dx)),
        dscore_(write_rows<T>(op.dscore)) {}

  void graph(std::int64_t g) const {
    const std::int64_t begin = op_.graph.graph_offsets()[g], end = op_.graph.graph_offsets()[g + 1];
    const std::int64_t width = op_.dy.row_size();
    const T share =
        op_.reduce == PoolReduce::mean ? T(1) / static_cast<T>(std::max<std::int64_t>(end - begin, 1)) : T(1);
    const T lse = lse_ ? *lse_[g] : T(0);
    const T row_dot = op_.gate == PoolGate::softmax && dscore_ ? dot(dy_[g], y_[g], width) : T(0);
    for (std::int64_t n = begin; n < end; ++n) {
      const T weight = op_.gate == PoolGate::none ? T(1) : gate_weight(op_.gate, *score_[n], lse);
      if (dx_) write_dx(g, n, share * weight, width);
      if (dscore_) *dscore_[n] = score_gradient(weight, share * dot(dy_[g], x_[n], width), row_dot);
    }
  }

 private:
  void write_dx(std::int64_t g, std::int64_t n, T scale, std::int64_t width) const {
    T* const dx = dx_[n];
    if (op_.reduce == PoolReduce::max) {
      for (std::int64_t c = 0; c < width; ++c) dx[c] = arg_[g][c] == n ? dy_[g][c] : T(0);
    } else {
      for (std::int64_t c = 0; c < width; ++c) dx[c] = scale * dy_[g][c];
    }
  }

  T score_gradient(T weight, T product, T row_dot) const {
    switch (op_.gate) {
      case PoolGate::none: return T(0);
      case PoolGate::softmax: return weight * (product - row_dot);
      case PoolGate::sigmoid: return weight * (1 - weight) * product;
      case PoolGate::raw: return product;
    }
    return T(0);
  }

  const PoolBackward& op_;
  Rows<const T> x_, score_, y_, lse_, dy_;
  Rows<const std::int32_t> arg_;
  Rows<T> dx_, dscore_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const PoolForward& op) {
  Carver carver;
  carver.take<double>(exec.threads * op.x.row_size());
  return carver.bytes();
}

void pool_forward(const CpuExec& exec, const PoolForward& op) {
  with_real(op.y.dtype, [&]<class T>(T) {
    const Forward<T> forward(op);
    parallel_rows(exec, op.graph.graph_offsets(), op.graph.num_graphs(), op.x.row_size(),
                  [&](std::int64_t first, std::int64_t last, int thread) {
                    double* const scratch = static_cast<double*>(op.workspace.data) + thread * op.x.row_size();
                    for (std::int64_t g = first; g < last; ++g) forward.graph(g, scratch);
                  });
  });
}

std::size_t workspace_size(const CpuExec&, const PoolBackward&) {
  return 0;
}

void pool_backward(const CpuExec& exec, const PoolBackward& op) {
  with_real(op.dy.dtype, [&]<class T>(T) {
    const Backward<T> backward(op);
    parallel_rows(exec, op.graph.graph_offsets(), op.graph.num_graphs(), 2 * op.dy.row_size(),
                  [&](std::int64_t first, std::int64_t last, int) {
                    for (std::int64_t g = first; g < last; ++g) backward.graph(g);
                  });
  });
}

void pool_weights(const CpuExec& exec, const PoolWeights& op) {
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto score = read_rows<T>(op.score), lse = read_rows<T>(op.lse);
    const auto weight = write_rows<T>(op.weight);
    const std::int64_t* const offset = op.graph.graph_offsets();
    parallel_rows(exec, offset, op.graph.num_graphs(), 16, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t g = first; g < last; ++g) {
        for (std::int64_t n = offset[g]; n < offset[g + 1]; ++n) {
          *weight[n] = gate_weight(op.gate, *score[n], lse ? *lse[g] : T(0));
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
