// SPDX-License-Identifier: MIT
#include "host/cpu/base/math.hpp"
#include "host/cpu/base/rows.hpp"
#include "host/math/activations.hpp"
#include "host/math/softmax.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Heads of a pool's rows, and the features of each.
struct Heads {
  std::int64_t count, channels;

  explicit Heads(const Layout& rows)
      : count(rows.ndim == 3 ? rows.shape[1] : 1), channels(rows.row_size() / std::max<std::int64_t>(count, 1)) {}
  /// Every feature has a score of its own.
  bool are_features() const { return channels == 1 && count > 1; }
};

/// The softmax over a graph's scores of one head: a_n = exp((s_n - maximum) sharpness) / sum, the temperature being
/// 1 / sharpness.
template <class T>
struct Softmax {
  T sharpness;
  T maximum = -math::kInfinity<T>;
  T sum = 0;
  T inverse = 0;  // of the sum: what a graph's nodes would each divide by

  static Softmax over(Rows<const T> score, std::int64_t head, std::int64_t begin, std::int64_t end, T sharpness) {
    Softmax softmax{sharpness};
    for (std::int64_t n = begin; n < end; ++n) {
      softmax.maximum = score[n][head] > softmax.maximum ? score[n][head] : softmax.maximum;
    }
    double sum = 0;
    for (std::int64_t n = begin; n < end; ++n) sum += static_cast<double>(softmax.numerator(score[n][head]));
    softmax.sum = static_cast<T>(sum);
    softmax.inverse = math::inverse_sum(softmax.sum);
    return softmax;
  }
  T numerator(T score) const { return math::softmax_weight<Math>(score, maximum, T(1), sharpness); }
  T weight(T score) const { return numerator(score) * inverse; }
};

/// The softmaxes that a forward has saved, of each graph and head.
template <class T>
struct SavedSoftmax {
  Rows<const T> maximum, sum;
  T sharpness;

  template <class Op>
  explicit SavedSoftmax(const Op& op)
      : maximum(read_rows<T>(op.maximum)), sum(read_rows<T>(op.sum)), sharpness(static_cast<T>(1 / op.temperature)) {}
  Softmax<T> of(std::int64_t graph, std::int64_t head) const {
    if (!maximum) return {sharpness};
    const T total = sum[graph][head];
    return {sharpness, maximum[graph][head], total, math::inverse_sum(total)};
  }
};

/// a_n of a node with score s.
template <class T>
T gate_weight(PoolGate gate, T score, const Softmax<T>& softmax) {
  switch (gate) {
    case PoolGate::none: return T(1);
    case PoolGate::softmax: return softmax.weight(score);
    case PoolGate::sigmoid: return math::sigmoid<Math>(score);
    case PoolGate::raw: return score;
  }
  return T(0);
}

/// What each thread needs beside the rows of the op.
template <class S>
struct Scratch {
  using T = Accumulator<S>;
  ComputedRows<S> rows;         // of y or dx
  T* widened[2] = {};           // of x, and of dy
  double* long_rows = nullptr;  // sum_in_chunks

  T* widened_row(int which, int thread, std::int64_t width) const {
    return is_half_type<S> ? widened[which] + thread * width : nullptr;
  }
};

template <class S>
class Forward {
 public:
  Forward(const PoolForward& op, const Scratch<S>& scratch)
      : op_(op),
        heads_(op.x),
        sharpness_(static_cast<T>(1 / op.temperature)),
        scratch_(scratch),
        x_(read_rows<S>(op.x)),
        score_(read_rows<T>(op.score)),
        y_(scratch.rows),
        maximum_(write_rows<T>(op.maximum)),
        sum_(write_rows<T>(op.sum)),
        arg_(write_rows<std::int32_t>(op.arg)) {}

  void graph(std::int64_t g, int thread) const {
    const std::int64_t begin = op_.graph.graph_offsets()[g], end = op_.graph.graph_offsets()[g + 1];
    T* const y = y_.row(g, thread);
    if (op_.reduce == PoolReduce::max)
      keep_max(g, begin, end, thread, y);
    else
      add_up(g, begin, end, thread, y);
    if (op_.reduce == PoolReduce::mean) divide(y, op_.x.row_size(), static_cast<double>(end - begin));
    y_.finish(g, thread);
  }

 private:
  using T = Accumulator<S>;

  void add_up(std::int64_t g, std::int64_t begin, std::int64_t end, int thread, T* y) const {
    const std::int64_t width = op_.x.row_size();
    double* const long_rows = scratch_.long_rows + thread * width;
    if (op_.gate == PoolGate::none) {
      weighted_sum(begin, end, 0, width, long_rows, y, [](std::int64_t) { return T(1); });
    } else if (op_.gate == PoolGate::softmax) {
      for (std::int64_t head = 0; head < heads_.count; ++head) pool_softmax(g, begin, end, head, long_rows, y);
    } else if (heads_.are_features()) {
      T* const x = scratch_.widened_row(0, thread, width);
      if (op_.gate == PoolGate::sigmoid)
        add_up_features(begin, end, long_rows, x, y, [](T score) { return math::sigmoid<Math>(score); });
      else
        add_up_features(begin, end, long_rows, x, y, [](T score) { return score; });
    } else {
      for (std::int64_t head = 0; head < heads_.count; ++head) {
        weighted_sum(begin, end, head * heads_.channels, heads_.channels, long_rows, y,
                     [&](std::int64_t n) { return gate_weight(op_.gate, score_[n][head], Softmax<T>{T(1)}); });
      }
    }
  }

  void pool_softmax(std::int64_t g, std::int64_t begin, std::int64_t end, std::int64_t head, double* long_rows,
                    T* y) const {
    const auto softmax = Softmax<T>::over(score_, head, begin, end, sharpness_);
    const std::int64_t first = head * heads_.channels;
    maximum_[g][head] = softmax.maximum;
    sum_[g][head] = softmax.sum;
    weighted_sum(begin, end, first, heads_.channels, long_rows, y,
                 [&](std::int64_t n) { return softmax.numerator(score_[n][head]); });
    divide(y + first, heads_.channels, static_cast<double>(softmax.sum));
  }

  /// y = sum of weight(n) x_n, for `width` features from `first` on.
  template <class Weight>
  void weighted_sum(std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t width, double* long_rows,
                    T* y, Weight&& weight) const {
    sum_in_chunks(begin, end, width, long_rows, y + first, [&](std::int64_t from, std::int64_t to, T* sum) {
      for_each_tile<T>(width, [&](auto tile, std::int64_t column) {
        auto total = tile.zero();
        for (std::int64_t n = from; n < to; ++n) total.add_scaled(x_[n] + first + column, weight(n));
        total.store(sum + column);
      });
    });
  }

  /// The same where every feature has a score of its own.
  template <class Weight>
  void add_up_features(std::int64_t begin, std::int64_t end, double* long_rows, T* scratch, T* y,
                       Weight&& weight) const {
    const std::int64_t width = heads_.count;
    sum_in_chunks(begin, end, width, long_rows, y, [&](std::int64_t from, std::int64_t to, T* sum) {
      std::fill(sum, sum + width, T(0));
      for (std::int64_t n = from; n < to; ++n) {
        const T *const x = widened(x_[n], width, scratch), *const score = score_[n];
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) sum[c] += weight(score[c]) * x[c];
      }
    });
  }

  /// An empty sum stays 0.
  static void divide(T* y, std::int64_t width, double by) {
    const T divisor = by == 0 ? T(1) : static_cast<T>(by);
    for (std::int64_t c = 0; c < width; ++c) y[c] /= divisor;
  }

  void keep_max(std::int64_t g, std::int64_t begin, std::int64_t end, int thread, T* y) const {
    const std::int64_t width = op_.x.row_size();
    std::int32_t* const arg = arg_ ? arg_[g] : nullptr;
    if (arg != nullptr) std::fill(arg, arg + width, begin < end ? static_cast<std::int32_t>(begin) : -1);
    if (begin == end) return static_cast<void>(std::fill(y, y + width, T(0)));
    convert_row(x_[begin], width, y);
    for (std::int64_t n = begin + 1; n < end; ++n) {
      const T* const candidate = widened(x_[n], width, scratch_.widened_row(0, thread, width));
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
  Heads heads_;
  T sharpness_;
  Scratch<S> scratch_;
  Rows<const S> x_;
  Rows<const T> score_;
  ComputedRows<S> y_;
  Rows<T> maximum_, sum_;
  Rows<std::int32_t> arg_;
};

template <class S>
class Backward {
 public:
  Backward(const PoolBackward& op, const Scratch<S>& scratch)
      : op_(op),
        heads_(op.dy),
        softmax_(op),
        scratch_(scratch),
        x_(read_rows<S>(op.x)),
        y_(read_rows<S>(op.y)),
        dy_(read_rows<S>(op.dy)),
        score_(read_rows<T>(op.score)),
        arg_(read_rows<std::int32_t>(op.arg)),
        dx_(write_rows<S>(op.dx)),
        dscore_(write_rows<T>(op.dscore)) {}

  void graph(std::int64_t g, int thread) const {
    const std::int64_t begin = op_.graph.graph_offsets()[g], end = op_.graph.graph_offsets()[g + 1];
    const T share =
        op_.reduce == PoolReduce::mean ? T(1) / static_cast<T>(std::max<std::int64_t>(end - begin, 1)) : T(1);
    if (op_.reduce == PoolReduce::max) {
      for (std::int64_t n = begin; dx_ && n < end; ++n) pick(g, n);
    } else if (op_.gate == PoolGate::none) {
      for (std::int64_t n = begin; dx_ && n < end; ++n) scale_row(dy_[g], op_.dy.row_size(), share, dx_[n]);
    } else if (heads_.are_features() && op_.gate != PoolGate::softmax) {
      const T* const dy = widened(dy_[g], heads_.count, scratch_.widened_row(1, thread, heads_.count));
      for (std::int64_t n = begin; n < end; ++n) gated_features(n, share, dy, thread);
    } else {
      for (std::int64_t head = 0; head < heads_.count; ++head) gated(g, begin, end, head, share);
    }
  }

 private:
  using T = Accumulator<S>;

  void gated(std::int64_t g, std::int64_t begin, std::int64_t end, std::int64_t head, T share) const {
    const std::int64_t first = head * heads_.channels, width = heads_.channels;
    const S* const dy = dy_[g] + first;
    const Softmax<T> softmax = softmax_.of(g, head);
    const T row_dot = op_.gate == PoolGate::softmax && dscore_ ? dot(dy, y_[g] + first, width) : T(0);
    for (std::int64_t n = begin; n < end; ++n) {
      const T weight = gate_weight(op_.gate, score_[n][head], softmax);
      if (dx_) scale_row(dy, width, share * weight, dx_[n] + first);
      if (dscore_) dscore_[n][head] = score_gradient(weight, share * dot(dy, x_[n] + first, width), row_dot);
    }
  }

  /// The same for a sigmoid or raw gate where every feature has a score of its own.
  void gated_features(std::int64_t n, T share, const T* dy, int thread) const {
    const bool squashed = op_.gate == PoolGate::sigmoid;
    const T* const score = score_[n];
    if (dx_) {
      T* const dx = scratch_.rows.row(n, thread);
      if (squashed) {
#pragma omp simd
        for (std::int64_t c = 0; c < heads_.count; ++c) dx[c] = share * math::sigmoid<Math>(score[c]) * dy[c];
      } else {
#pragma omp simd
        for (std::int64_t c = 0; c < heads_.count; ++c) dx[c] = share * score[c] * dy[c];
      }
      scratch_.rows.finish(n, thread);
    }
    if (!dscore_) return;
    const T* const x = widened(x_[n], heads_.count, scratch_.widened_row(0, thread, heads_.count));
    T* const dscore = dscore_[n];
#pragma omp simd
    for (std::int64_t c = 0; c < heads_.count; ++c) dscore[c] = share * dy[c] * x[c];
    if (!squashed) return;
#pragma omp simd
    for (std::int64_t c = 0; c < heads_.count; ++c) {
      const T weight = math::sigmoid<Math>(score[c]);
      dscore[c] *= math::sigmoid_derivative(weight);
    }
  }

  /// The gradient of a maximum goes to its node alone.
  void pick(std::int64_t g, std::int64_t n) const {
    S* const dx = dx_[n];
    for (std::int64_t c = 0; c < op_.dy.row_size(); ++c) dx[c] = arg_[g][c] == n ? dy_[g][c] : S{};
  }

  T score_gradient(T weight, T product, T row_dot) const {
    switch (op_.gate) {
      case PoolGate::none: return T(0);
      case PoolGate::softmax: return softmax_.sharpness * weight * (product - row_dot);
      case PoolGate::sigmoid: return math::sigmoid_derivative(weight) * product;
      case PoolGate::raw: return product;
    }
    return T(0);
  }

  const PoolBackward& op_;
  Heads heads_;
  SavedSoftmax<T> softmax_;
  Scratch<S> scratch_;
  Rows<const S> x_, y_, dy_;
  Rows<const T> score_;
  Rows<const std::int32_t> arg_;
  Rows<S> dx_;
  Rows<T> dscore_;
};

template <class S>
Scratch<S> carve(Carver& carver, const CpuExec& exec, const PoolForward& op) {
  Scratch<S> scratch;
  const std::int64_t width = op.x.row_size();
  scratch.long_rows = carver.take<double>(exec.threads * width);
  scratch.rows = ComputedRows<S>(carver, exec, op.y);
  scratch.widened[0] = carver.take<Accumulator<S>>(is_half_type<S> ? exec.threads * width : 0);
  return scratch;
}

template <class S>
Scratch<S> carve(Carver& carver, const CpuExec& exec, const PoolBackward& op) {
  Scratch<S> scratch;
  if (!Heads(op.dy).are_features()) return scratch;
  scratch.rows = ComputedRows<S>(carver, exec, op.dx);
  for (auto& row : scratch.widened) {
    row = carver.take<Accumulator<S>>(is_half_type<S> ? exec.threads * op.dy.row_size() : 0);
  }
  return scratch;
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const PoolForward& op) {
  Carver carver;
  with_storage(op.y.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void pool_forward(const CpuExec& exec, const PoolForward& op) {
  with_storage(op.y.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const Forward<S> forward(op, carve<S>(carver, exec, op));
    parallel_rows(exec, op.graph.graph_offsets(), op.graph.num_graphs(), op.x.row_size(),
                  [&](std::int64_t first, std::int64_t last, int thread) {
                    for (std::int64_t g = first; g < last; ++g) forward.graph(g, thread);
                  });
  });
}

std::size_t workspace_size(const CpuExec& exec, const PoolBackward& op) {
  Carver carver;
  with_storage(op.dy.dtype, [&]<class S>(S) { carve<S>(carver, exec, op); });
  return carver.bytes();
}

void pool_backward(const CpuExec& exec, const PoolBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    Carver carver(op.workspace.data);
    const Backward<S> backward(op, carve<S>(carver, exec, op));
    parallel_rows(exec, op.graph.graph_offsets(), op.graph.num_graphs(), 2 * op.dy.row_size(),
                  [&](std::int64_t first, std::int64_t last, int thread) {
                    for (std::int64_t g = first; g < last; ++g) backward.graph(g, thread);
                  });
  });
}

void pool_weights(const CpuExec& exec, const PoolWeightsArgs& op) {
  with_real(op.weight.dtype, [&]<class T>(T) {
    const auto score = read_rows<T>(op.score);
    const SavedSoftmax<T> softmax(op);
    const auto weight = write_rows<T>(op.weight);
    const std::int64_t heads = op.score.row_size();
    const std::int64_t* const offset = op.graph.graph_offsets();
    parallel_rows(exec, offset, op.graph.num_graphs(), 16 * heads, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t g = first; g < last; ++g) {
        for (std::int64_t n = offset[g]; n < offset[g + 1]; ++n) {
          for (std::int64_t h = 0; h < heads; ++h) {
            weight[n][h] = gate_weight(op.gate, score[n][h], softmax.of(g, h));
          }
        }
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
