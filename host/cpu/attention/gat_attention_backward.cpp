// SPDX-License-Identifier: MIT
#include "host/cpu/attention/gat_attention_row.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// One thread's memory, [kChunkEdges][heads] each.
template <class T>
struct Scratch {
  T *exponent, *dscore, *keep, *weight;

  Scratch(Carver& carver, const GatAttentionBackward& op) {
    for (T** const buffer : {&exponent, &dscore, &keep, &weight}) {
      *buffer = carver.take<T>(kChunkEdges * op.value.shape[1]);
    }
  }
};

/// The terms of destinations and where the rows of results are made, then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  DestinationTerms<T> terms;
  SummedRows<S> dvalue;
  SummedRows<T> dsource;
  Carver threads;

  Memory(const CpuExec& exec, const GatAttentionBackward& op, void* base) : threads(base) {
    terms = {threads.take<T>(DestinationTerms<T>::count(op.sum.shape[0], op.sum.shape[1])), op.sum.shape[1]};
    dvalue = SummedRows<S>(threads, exec, op.dvalue, op.graph.out_edges().long_rows);
    dsource = SummedRows<T>(threads, exec, op.dsource_score, op.graph.out_edges().long_rows);
  }
};

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
        if (!ddestination) continue;
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
        dvalue_(memory.dvalue),
        dsource_(memory.dsource),
        dedge_(write_rows<T>(op.dedge_score)),
        ddestination_(write_rows<T>(op.ddestination_score)),
        source_vector_(read_rows<T>(op.source_vector)),
        destination_vector_(read_rows<T>(op.destination_vector)) {}

  void span(const Span& span, int thread, const Scratch<T>& scratch) const {
    fill(span, scratch, dvalue_ ? dvalue_.at(span, thread) : nullptr, dsource_ ? dsource_.at(span, thread) : nullptr);
  }

  void merge(std::int64_t row, const Chunks& chunks, int thread, const Scratch<T>&) const {
    if (dvalue_) dvalue_.add_up(row, chunks, thread);
    if (dsource_) dsource_.add_up(row, chunks, thread);
  }

  void finish(std::int64_t row, int thread) const {
    if (!dvalue_) return;
    if (source_vector_) add_scaled_heads(dsource_.row(row, thread), source_vector_, dvalue_.row(row, thread));
    if (destination_vector_) add_scaled_heads(ddestination_[row], destination_vector_, dvalue_.row(row, thread));
    dvalue_.finish(row, thread);
  }

 private:
  /// The span's parts of dvalue and dsource (null: not wanted), and dedge of each of its edges.
  WARPGNN_ONE_COPY void fill(const Span& span, const Scratch<T>& scratch, T* dvalue, T* dsource) const {
    const std::int64_t j = span.row, begin = span.begin, end = span.end, count = span.count() * heads_;
    if (dropout_.active) {
      dropout_.write_all(
          end - begin, [&](std::int64_t k) { return out_.edge_id[begin + k]; }, heads_, scratch.keep);
    } else {
      std::fill(scratch.keep, scratch.keep + count, T(1));
    }
    write_dots(j, begin, end, scratch);
    write_terms(j, begin, end, scratch);
    finish_terms(count, scratch);
    if (dsource != nullptr) {
      std::fill(dsource, dsource + heads_, T(0));
      with_heads(heads_, [&](auto heads) {
        for (std::int64_t k = 0; k < count; k += heads) {
#pragma omp simd
          for (std::int64_t h = 0; h < heads; ++h) dsource[h] += scratch.dscore[k + h];
        }
      });
    }
    if (dedge_) {
      for (std::int64_t s = begin; s < end; ++s) {
        const T* const from = scratch.dscore + (s - begin) * heads_;
        std::copy(from, from + heads_, dedge_[out_.edge_id[s]]);
      }
    }
    if (dvalue == nullptr) return;
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

  /// dvalue_h += dscore_h vector_h.
  void add_scaled_heads(const T* dscore, const Rows<const T>& vector, T* dvalue) const {
    for (std::int64_t h = 0; h < heads_; ++h, dvalue += channels_) {
      for_each_tile<T, kStreamVectors>(channels_, [&](auto tile, std::int64_t c) {
        auto sum = tile.load(dvalue + c);
        sum.add_scaled(vector[h] + c, dscore[h]);
        sum.store(dvalue + c);
      });
    }
  }

  const Adjacency& out_;
  std::int64_t heads_, channels_;
  GatScore<T> score_;
  DropoutMask<T> dropout_;
  Rows<const S> value_;
  Rows<const S> dy_;
  DestinationTerms<T> terms_;
  const SummedRows<S>& dvalue_;
  const SummedRows<T>& dsource_;
  Rows<T> dedge_, ddestination_;
  Rows<const T> source_vector_, destination_vector_;
};

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const GatAttentionBackward& op) {
  return with_storage(op.dy.dtype, [&]<class S>(S) {
    return thread_memory_bytes<Scratch<Accumulator<S>>>(exec, Memory<S>(exec, op, nullptr).threads, op);
  });
}

void gat_attention_backward(const CpuExec& exec, const GatAttentionBackward& op) {
  with_storage(op.dy.dtype, [&]<class S>(S) {
    const Memory<S> memory(exec, op, op.workspace.data);
    prepare_destinations<S>(exec, op, memory.terms);
    if (!op.dvalue.defined() && !op.dsource_score.defined() && !op.dedge_score.defined()) return;
    const Backward<S> backward(op, memory);
    walk_rows(exec, op.graph.out_edges(), 2 * op.value.row_size() + 8 * op.value.shape[1], [&](int thread) {
      return PassWorker{backward, thread, thread_memory<Scratch<Accumulator<S>>>(memory.threads, thread, op)};
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
