#include "host/cpu/attention/gat_attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory: chunk buffers [kChunkEdges][heads], and double sums for long rows.
template <class T>
struct Scratch {
  T *exponent, *dscore, *keep, *weight, *source_sum;
  double *row_dvalue, *row_dscore;

  Scratch(Carver& carver, std::int64_t heads, std::int64_t channels, bool long_rows) {
    exponent = carver.take<T>(kChunkEdges * heads);
    dscore = carver.take<T>(kChunkEdges * heads);
    keep = carver.take<T>(kChunkEdges * heads);
    weight = carver.take<T>(kChunkEdges * heads);
    source_sum = carver.take<T>(heads);
    row_dvalue = carver.take<double>(long_rows ? heads * channels : 0);
    row_dscore = carver.take<double>(long_rows ? heads : 0);
  }
};

/// The terms of destinations and the rows that threads compute for 16-bit storage, then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  DestinationTerms<T> terms;
  T* dvalue;
  Carver threads;

  Memory(const CpuExec& exec, const GatAttentionBackward& op, void* base) : threads(base) {
    terms = {threads.take<T>(DestinationTerms<T>::count(op.sum.shape[0], op.sum.shape[1])), op.sum.shape[1]};
    dvalue = threads.take<T>(ComputedRows<S>::scratch_count(exec, op.value.row_size()));
  }
};

template <class T>
Scratch<T> carve(const GatAttentionBackward& op, Carver carver, int thread, std::size_t* bytes = nullptr) {
  const bool long_rows = op.graph.out_edges().long_rows.rows > 0;
  for (int t = 0;; ++t) {
    Scratch<T> scratch(carver, op.value.shape[1], op.value.shape[2], long_rows);
    if (bytes != nullptr) *bytes = carver.bytes();
    if (t == thread) return scratch;
  }
}

/// The terms, delta_i = <dy_i, y_i> among them, and the whole gradient of the destination scores, which the forward
/// prepared.
template <class S>
void prepare_destinations(const CpuExec& exec, const GatAttentionBackward& op,
                          const DestinationTerms<Accumulator<S>>& terms) {
  using T = Accumulator<S>;
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  const auto y = read_rows<S>(op.y), positive_y = read_rows<S>(op.positive_y), dy = read_rows<S>(op.dy);
  const auto maximum = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum),
             positive_weight = read_rows<T>(op.positive_weight);
  const auto ddestination = write_rows<T>(op.ddestination_score);
  const math::GatActivation<Math, T> activation{static_cast<T>(op.negative_slope)};
  parallel_for(exec, op.sum.shape[0], 2 * heads * channels, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      terms.write_softmax(i, maximum[i], sum[i]);
      for (std::int64_t h = 0; h < heads; ++h) {
        const std::int64_t c = h * channels;
        const T delta = dot(dy[i] + c, y[i] + c, channels);
        terms.delta(i)[h] = delta;
        ddestination[i][h] =
            activation.destination_gradient(dot(dy[i] + c, positive_y[i] + c, channels), delta, positive_weight[i][h]);
      }
    }
  });
}

template <class S>
class Backward {
 public:
  using T = Accumulator<S>;

  Backward(const GatAttentionBackward& op, const Memory<S>& memory)
      : out_(op.graph.out_edges()),
        heads_(op.value.shape[1]),
        channels_(op.value.shape[2]),
        score_(gat_score(op, T{})),
        dropout_(op.dropout),
        value_(read_rows<S>(op.value)),
        dy_(read_rows<S>(op.dy)),
        terms_(memory.terms),
        dvalue_(op.dvalue, memory.dvalue),
        dsource_(write_rows<T>(op.dsource_score)),
        dedge_(write_rows<T>(op.dedge_score)) {}

  void row(std::int64_t j, int thread, const Scratch<T>& scratch) const {
    fill(j, scratch, dvalue_.row(j, thread));
    dvalue_.finish(j, thread);
  }

 private:
  void fill(std::int64_t j, const Scratch<T>& scratch, T* dvalue) const {
    const std::int64_t begin = out_.offset[j], end = out_.offset[j + 1];
    if (end - begin <= kChunkEdges) return chunk(j, begin, end, scratch, dvalue, dsource_[j]);
    const std::int64_t width = heads_ * channels_;
    std::fill(scratch.row_dscore, scratch.row_dscore + heads_, 0.0);
    sum_in_chunks(begin, end, width, scratch.row_dvalue, dvalue, [&](std::int64_t first, std::int64_t last, T* sum) {
      chunk(j, first, last, scratch, sum, scratch.source_sum);
      for (std::int64_t h = 0; h < heads_; ++h) {
        scratch.row_dscore[h] += static_cast<double>(scratch.source_sum[h]);
      }
    });
    for (std::int64_t h = 0; h < heads_; ++h) dsource_[j][h] = static_cast<T>(scratch.row_dscore[h]);
  }

  /// dvalue_j and dsource of the out-edges in slots [begin, end), dedge of each.
  void chunk(std::int64_t j, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch, T* dvalue,
             T* dsource) const {
    const std::int64_t count = (end - begin) * heads_;
    if (dropout_.active) {
      for (std::int64_t s = begin; s < end; ++s) {
        dropout_.write(out_.edge_id[s], heads_, scratch.keep + (s - begin) * heads_);
      }
    } else {
      std::fill(scratch.keep, scratch.keep + count, T(1));
    }
    write_dots(j, begin, end, scratch);
    write_terms(j, begin, end, scratch);
    finish_terms(count, scratch);
    std::fill(dsource, dsource + heads_, T(0));
    with_heads(heads_, [&](auto heads) {
      for (std::int64_t k = 0; k < count; k += heads) {
#pragma omp simd
        for (std::int64_t h = 0; h < heads; ++h) dsource[h] += scratch.dscore[k + h];
      }
    });
    if (dedge_) {
      for (std::int64_t s = begin; s < end; ++s) {
        const T* const from = scratch.dscore + (s - begin) * heads_;
        std::copy(from, from + heads_, dedge_[out_.edge_id[s]]);
      }
    }
    HeadwiseSum<T, 1>{{scratch.weight}, {dvalue}}.run(begin, end, NeighborRows<S>(out_, dy_), heads_, channels_);
  }

  /// <dy_i, value_j> of every edge in `dscore`.
  WARPGNN_INLINE void write_dots(std::int64_t j, std::int64_t begin, std::int64_t end,
                                 const Scratch<T>& scratch) const {
    const std::int64_t last_slot = out_.edges - 1;
    for (std::int64_t s = begin; s < end; ++s) {
      prefetch_row(dy_[out_.neighbor[std::min(s + kPrefetchSlots, last_slot)]], heads_ * channels_);
      dot_heads(dy_[out_.neighbor[s]], value_[j], heads_, channels_, scratch.dscore + (s - begin) * heads_);
    }
  }

  /// What else has to be fetched edge by edge: the raw score in `exponent`, what is subtracted from it in `weight`;
  /// and over the sum of the softmax, dalpha - delta in `dscore` and the mask of dropout in `keep`.
  WARPGNN_INLINE void write_terms(std::int64_t j, std::int64_t begin, std::int64_t end,
                                  const Scratch<T>& scratch) const {
    with_heads(heads_, [&](auto heads) {
      std::int64_t k = 0;
      for (std::int64_t s = begin; s < end; ++s, k += heads) {
        const std::int64_t i = out_.neighbor[s], e = out_.edge_id[s];
        const T *const base = terms_.base(i), *const inverse = terms_.inverse(i), *const delta = terms_.delta(i);
#pragma omp simd
        for (std::int64_t h = 0; h < heads; ++h) {
          const T keep = scratch.keep[k + h];
          scratch.exponent[k + h] = score_.raw(j, i, e, h);
          scratch.weight[k + h] = base[h];
          scratch.dscore[k + h] = inverse[h] * (keep * scratch.dscore[k + h] - delta[h]);
          scratch.keep[k + h] = inverse[h] * keep;
        }
      }
    });
  }

  /// The rest, for all edges and heads of the chunk in one loop without branches: `weight` and `dscore`.
  WARPGNN_INLINE void finish_terms(std::int64_t count, const Scratch<T>& scratch) const {
    const std::int64_t padded = whole_vectors<T>(count);
    for (T* const buffer : {scratch.exponent, scratch.weight, scratch.dscore, scratch.keep}) {
      std::fill(buffer + count, buffer + padded, T(0));
    }
    T *const raw = scratch.exponent, *const weight = scratch.weight, *const dscore = scratch.dscore;
    const T* const keep = scratch.keep;
    const GatScore<T> score = score_;  // for the compiler, a copy that nothing written below can change
#pragma omp simd
    for (std::int64_t k = 0; k < padded; ++k) {
      const T p = raw[k], numerator = vector_exp(score.activation(p) - weight[k]);
      weight[k] = numerator * keep[k];
      dscore[k] *= score.activation.derivative(p) * numerator;
    }
  }

  const Adjacency& out_;
  std::int64_t heads_, channels_;
  GatScore<T> score_;
  DropoutMask<T> dropout_;
  Rows<const S> value_;
  Rows<const S> dy_;
  DestinationTerms<T> terms_;
  ComputedRows<S> dvalue_;
  Rows<T> dsource_, dedge_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const GatAttentionBackward& op) {
  std::size_t bytes = 0;
  with_storage(op.dy.dtype, [&]<class S>(S) {
    carve<Accumulator<S>>(op, Memory<S>(exec, op, nullptr).threads, exec.threads - 1, &bytes);
  });
  return bytes;
}

void gat_attention_backward(const CpuExec& exec, const GatAttentionBackward& op) {
  const Adjacency& out = op.graph.out_edges();
  with_storage(op.dy.dtype, [&]<class S>(S) {
    const Memory<S> memory(exec, op, op.workspace.data);
    prepare_destinations<S>(exec, op, memory.terms);
    const Backward<S> backward(op, memory);
    parallel_rows(exec, out.offset, out.rows, 2 * op.value.row_size() + 8 * op.value.shape[1],
                  [&](std::int64_t first, std::int64_t last, int thread) {
                    const auto scratch = carve<Accumulator<S>>(op, memory.threads, thread);
                    for (std::int64_t j = first; j < last; ++j) backward.row(j, thread, scratch);
                  });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
