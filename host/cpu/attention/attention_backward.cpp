// SPDX-License-Identifier: MIT
#include "host/cpu/attention/attention_edges.hpp"
#include "host/ops/joined_gradients.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Pieces of rows whose parts of dvector are summed one by one: a number of its own, so that threads do not show.
constexpr std::int64_t kVectorPieces = 64;

/// One thread's memory: that of a block, and sums of a span.
template <class T>
struct Scratch {
  BlockScratch<T> block;
  T *slope_sum, *value_sum;  // sums of dl f'(q) and of dl f(q), [heads][score channels]

  Scratch(Carver& carver, const AttentionBackward& op) : block(carver, op) {
    const bool activated = op.score != AttentionScore::dot;
    slope_sum = carver.take<T>(activated ? op.query.row_size() : 0);
    value_sum = carver.take<T>(activated ? op.query.row_size() : 0);
  }
};

/// The terms of the destinations, dvector's parts, and where the rows of results are made; then each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  DestinationTerms<T> terms;
  double* vector_parts;  // [pieces][heads][score channels]
  T* vector_chunks;      // [chunks][heads][score channels]
  SummedRows<S> dquery, dkey, dvalue;
  ComputedRows<S> dedge_key;
  Carver threads;

  Memory(const CpuExec& exec, const AttentionBackward& op, void* base) : threads(base) {
    const std::int64_t heads = op.query.shape[1], width = op.dvector.defined() ? op.query.row_size() : 0;
    const LongRows &into = op.graph.in_edges().long_rows, &from = op.graph.out_edges().long_rows;
    terms = {threads.take<T>(DestinationTerms<T>::count(op.graph.num_destinations(), heads)), heads};
    vector_parts = threads.take<double>(kVectorPieces * width);
    vector_chunks = threads.take<T>(into.chunks * width);
    dquery = SummedRows<S>(threads, exec, op.dquery, into);
    dkey = SummedRows<S>(threads, exec, op.dkey, from);
    dvalue = SummedRows<S>(threads, exec, op.dvalue, from);
    dedge_key = ComputedRows<S>(threads, exec, op.dedge_key);
  }
};

template <class S, class T = Accumulator<S>>
void write_terms(const CpuExec& exec, const AttentionBackward& op, const DestinationTerms<T>& terms) {
  const std::int64_t heads = op.value.shape[1], channels = op.value.shape[2];
  const auto y = read_rows<S>(op.y), dy = read_rows<S>(op.dy);
  const auto max = read_rows<T>(op.maximum), sum = read_rows<T>(op.sum);
  parallel_for(exec, op.graph.num_destinations(), heads * channels, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      dot_heads(dy[i], y[i], heads, channels, terms.delta(i));
      terms.write_softmax(i, max[i], sum[i]);
    }
  });
}

/// Calls part(first, last) for blocks of the slots [begin, end).
template <class Part>
WARPGNN_INLINE void for_each_block(std::int64_t begin, std::int64_t end, Part&& part) {
  for (std::int64_t first = begin; first < end; first += kBlockEdges) part(first, std::min(end, first + kBlockEdges));
}

/// target += vector * sum.
template <class T>
WARPGNN_INLINE void add_product(const T* vector, const T* sum, std::int64_t width, T* target) {
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) target[c] += vector[c] * sum[c];
}

/// target = factor * row.
template <class S, class T, class Target>
WARPGNN_INLINE void write_scaled(const S* row, T factor, std::int64_t width, Target* target) {
  for_each_tile<T, kStreamVectors>(width, [&](auto tile, std::int64_t c) {
    auto product = tile.load(row + c);
    for (auto& part : product.v) part *= factor;
    product.store(target + c);
  });
}

/// target += factor * row.
template <class S, class T>
WARPGNN_INLINE void add_scaled(const S* row, T factor, std::int64_t width, T* target) {
  for_each_tile<T, kStreamVectors>(width, [&](auto tile, std::int64_t c) {
    auto sum = tile.load(target + c);
    sum.add_scaled(row + c, factor);
    sum.store(target + c);
  });
}

// --- By destination: dquery, dvector, and the gradients of edges ----------------------------------------------------

template <class S, class Score>
class ByDestination {
 public:
  using T = Accumulator<S>;

  ByDestination(const AttentionBackward& op, const Score& score, const Memory<S>& memory)
      : in_(op.graph.in_edges()),
        edges_(op, score, memory.terms),
        width_(edges_.scores.width()),
        joined_(joins_edge_values(op)),
        with_vector_(op.dvector.defined()),
        memory_(memory),
        dedge_value_(write_rows<S>(op.dedge_value)),
        dedge_bias_(write_rows<T>(op.dedge_bias)) {}

  /// `vector_part` [width] gains a whole row's part of dvector.
  void span(const Span& span, int thread, const Scratch<T>& scratch, double* vector_part) const {
    fill({span.row, thread}, span, scratch, memory_.dquery ? memory_.dquery.at(span, thread) : nullptr);
    if (with_vector_ && span.whole()) {
      add_part(scratch.value_sum, vector_part);
    } else if (with_vector_) {
      std::copy(scratch.value_sum, scratch.value_sum + width_, memory_.vector_chunks + span.chunk * width_);
    }
  }

  void merge(std::int64_t row, const Chunks& chunks, int thread, double* vector_part) const {
    for (std::int64_t chunk = chunks.first; with_vector_ && chunk < chunks.last; ++chunk) {
      add_part(memory_.vector_chunks + chunk * width_, vector_part);
    }
    if (memory_.dquery) memory_.dquery.add_up(row, chunks, thread);
  }

  void finish(std::int64_t row, int thread) const {
    if (memory_.dquery) memory_.dquery.finish(row, thread);
  }

 private:
  static constexpr bool kHasVector = Score::kHasVector;

  /// A row, and the thread that computes it.
  struct Place {
    std::int64_t row;
    int thread;
  };

  void add_part(const T* part, double* vector_part) const {
    for (std::int64_t c = 0; c < width_; ++c) vector_part[c] += static_cast<double>(part[c]);
  }

  /// dquery (null: not wanted) and value_sum of the span, and what its edges have of their own.
  WARPGNN_ONE_COPY void fill(const Place& place, const Span& span, const Scratch<T>& scratch, T* dquery) const {
    if (dquery != nullptr) std::fill(dquery, dquery + width_, T(0));
    if constexpr (kHasVector) {
      std::fill(scratch.slope_sum, scratch.slope_sum + width_, T(0));
      std::fill(scratch.value_sum, scratch.value_sum + width_, T(0));
    }
    for_each_block(span.begin, span.end, [&](std::int64_t first, std::int64_t last) {
      edges_.template block<Side::destination>(in_, place.row, first, last, scratch.block);
      if (dedge_bias_) write_bias_gradients(first, last, scratch.block);
      scale_gradients(last - first, scratch.block);
      if (memory_.dedge_key) write_key_gradients(place, first, last, scratch.block);
      if (dedge_value_) write_value_gradients(place.row, first, last, scratch.block);
      add_block(first, last, scratch, dquery);
    });
    if constexpr (kHasVector) {
      if (dquery != nullptr) add_product(edges_.scores.vector, scratch.slope_sum, width_, dquery);
    }
  }

  void add_block(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch, T* dquery) const {
    const AttentionScores<S, Score>& scores = edges_.scores;
    const T* const dscore = scratch.block.dscore;
    if constexpr (kHasVector) {
      const auto rows = [&](bool derivative) {
        return ActivationRows<T, Score>{scores.score, scratch.block.row, begin, width_, derivative};
      };
      if (dquery != nullptr) {
        add_rows<true>(begin, end, rows(true), scores.heads, scores.channels, dscore, scratch.slope_sum);
      }
      if (with_vector_) {
        add_rows<true>(begin, end, rows(false), scores.heads, scores.channels, dscore, scratch.value_sum);
      }
    } else if (dquery != nullptr) {
      add_rows<true>(begin, end, NeighborRows<S>(in_, scores.key), scores.heads, scores.channels, dscore, dquery);
      if (scores.edge_key) {
        add_rows<true>(begin, end, EdgeRows<S>{in_, scores.edge_key}, scores.heads, scores.channels, dscore, dquery);
      }
    }
  }

  /// For the dot score, what follows is multiplied by its scale.
  WARPGNN_INLINE void scale_gradients(std::int64_t count, const BlockScratch<T>& scratch) const {
    if constexpr (!kHasVector) {
      for (std::int64_t k = 0; k < count * edges_.heads; ++k) {
        scratch.dscore[k] = edges_.scores.score.chain(scratch.dscore[k]);
      }
    }
  }

  void write_bias_gradients(std::int64_t begin, std::int64_t end, const BlockScratch<T>& scratch) const {
    for (std::int64_t s = begin; s < end; ++s) {
      const T* const from = scratch.dscore + (s - begin) * edges_.heads;
      std::copy(from, from + edges_.heads, dedge_bias_[edge_of(in_, s)]);
    }
  }

  void write_key_gradients(const Place& place, std::int64_t begin, std::int64_t end,
                           const BlockScratch<T>& scratch) const {
    const AttentionScores<S, Score>& scores = edges_.scores;
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t e = edge_of(in_, s);
      T* const target = memory_.dedge_key.row(e, place.thread);
      for (std::int64_t h = 0; h < scores.heads; ++h) {
        const T dscore = scratch.dscore[(s - begin) * scores.heads + h];
        const std::int64_t first = h * scores.channels;
        T* const to = target + first;
        if constexpr (kHasVector) {
          const T *const kept = scratch.row + (s - begin) * width_ + first, *const vector = scores.vector + first;
#pragma omp simd
          for (std::int64_t c = 0; c < scores.channels; ++c) {
            to[c] = scores.score.key_gradient(dscore, kept[c], T(0), vector[c]);
          }
        } else {
          write_scaled(scores.query[place.row] + first, dscore, scores.channels, to);
        }
        if (!joined_) continue;
        add_scaled(edges_.dy[place.row] + first, scratch.weight[(s - begin) * scores.heads + h], scores.channels, to);
      }
      memory_.dedge_key.finish(e, place.thread);
    }
  }

  void write_value_gradients(std::int64_t i, std::int64_t begin, std::int64_t end,
                             const BlockScratch<T>& scratch) const {
    for (std::int64_t s = begin; s < end; ++s) {
      S* const target = dedge_value_[edge_of(in_, s)];
      for (std::int64_t h = 0; h < edges_.heads; ++h) {
        const T weight = scratch.weight[(s - begin) * edges_.heads + h];
        const std::int64_t first = h * edges_.channels;
        write_scaled(edges_.dy[i] + first, weight, edges_.channels, target + first);
      }
    }
  }

  const Adjacency& in_;
  AttentionEdges<S, Score> edges_;
  std::int64_t width_;
  bool joined_, with_vector_;
  const Memory<S>& memory_;
  Rows<S> dedge_value_;
  Rows<T> dedge_bias_;
};

// --- By source: dkey and dvalue -------------------------------------------------------------------------------------

template <class S, class Score>
class BySource {
 public:
  using T = Accumulator<S>;

  BySource(const AttentionBackward& op, const Score& score, const Memory<S>& memory)
      : out_(op.graph.out_edges()),
        edges_(op, score, memory.terms),
        width_(edges_.scores.width()),
        joined_(joins_values(op)),
        memory_(memory) {}

  void span(const Span& span, int thread, const Scratch<T>& scratch) const {
    fill(span, scratch, memory_.dkey ? memory_.dkey.at(span, thread) : nullptr,
         memory_.dvalue ? memory_.dvalue.at(span, thread) : nullptr);
  }

  void merge(std::int64_t row, const Chunks& chunks, int thread, const Scratch<T>&) const {
    if (memory_.dkey) memory_.dkey.add_up(row, chunks, thread);
    if (memory_.dvalue) memory_.dvalue.add_up(row, chunks, thread);
  }

  void finish(std::int64_t row, int thread) const {
    if (memory_.dkey) memory_.dkey.finish(row, thread);
    if (memory_.dvalue) memory_.dvalue.finish(row, thread);
  }

 private:
  static constexpr bool kHasVector = Score::kHasVector;

  /// dkey and dvalue (null: not wanted) of the span.
  WARPGNN_ONE_COPY void fill(const Span& span, const Scratch<T>& scratch, T* dkey, T* dvalue) const {
    if (dkey != nullptr) std::fill(dkey, dkey + width_, T(0));
    if (dvalue != nullptr) std::fill(dvalue, dvalue + edges_.heads * edges_.channels, T(0));
    const bool slopes = kHasVector && dkey != nullptr;
    if (slopes) std::fill(scratch.slope_sum, scratch.slope_sum + width_, T(0));
    T* const value_target = joined_ ? dkey : dvalue;
    for_each_block(span.begin, span.end, [&](std::int64_t first, std::int64_t last) {
      edges_.template block<Side::source>(out_, span.row, first, last, scratch.block);
      if (dkey != nullptr) add_keys(first, last, scratch, dkey);
      if (value_target != nullptr) {
        add_rows<true>(first, last, NeighborRows<S>(out_, edges_.dy), edges_.heads, edges_.channels,
                       static_cast<const T*>(scratch.block.weight), value_target);
      }
    });
    if (slopes) add_product(edges_.scores.vector, scratch.slope_sum, width_, dkey);
  }

  void add_keys(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch, T* dkey) const {
    const AttentionScores<S, Score>& scores = edges_.scores;
    const BlockScratch<T>& block = scratch.block;
    const T* const dscore = block.dscore;
    if constexpr (kHasVector) {
      add_rows<true>(begin, end, ActivationRows<T, Score>{scores.score, block.row, begin, width_, true}, scores.heads,
                     scores.channels, dscore, scratch.slope_sum);
    } else {
      for (std::int64_t k = 0; k < (end - begin) * edges_.heads; ++k) {
        block.dscore[k] = scores.score.chain(block.dscore[k]);
      }
      add_rows<true>(begin, end, NeighborRows<S>(out_, scores.query), scores.heads, scores.channels, dscore, dkey);
    }
  }

  const Adjacency& out_;
  AttentionEdges<S, Score> edges_;
  std::int64_t width_;
  bool joined_;
  const Memory<S>& memory_;
};

// --- Both -----------------------------------------------------------------------------------------------------------

template <class S, class Score>
struct ByDestinationWorker {
  using T = Accumulator<S>;
  const ByDestination<S, Score>& pass;
  int thread;
  Scratch<T> scratch;
  double* vector_part;

  WARPGNN_INLINE void span(const Span& span) const { pass.span(span, thread, scratch, vector_part); }
  WARPGNN_INLINE void merge(std::int64_t row, const Chunks& chunks) const {
    pass.merge(row, chunks, thread, vector_part);
  }
  WARPGNN_INLINE void finish(std::int64_t row) const { pass.finish(row, thread); }
};

template <class S, class Score>
void run_by_destination(const CpuExec& exec, const AttentionBackward& op, const Score& score, const Memory<S>& memory) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const ByDestination<S, Score> pass(op, score, memory);
  const std::int64_t width = op.query.row_size(), work = 4 * width + 2 * op.value.row_size();
  const RowPieces pieces(in.offset, in.rows, kVectorPieces);
  const bool with_vector = op.dvector.defined();
  walk_pieces(exec, in, pieces, work, [&](int thread, std::int64_t piece) {
    double* const part = memory.vector_parts + piece * width;
    if (with_vector && piece >= 0) std::fill(part, part + width, 0.0);
    return ByDestinationWorker<S, Score>{pass, thread, thread_memory<Scratch<T>>(memory.threads, thread, op), part};
  });
  for (std::int64_t c = 0; with_vector && c < width; ++c) {
    double total = 0;
    for (std::int64_t p = 0; p < pieces.pieces; ++p) total += memory.vector_parts[p * width + c];
    op.dvector.as<T>()[c] = static_cast<T>(total);
  }
}

template <class S, class Score>
void run_by_source(const CpuExec& exec, const AttentionBackward& op, const Score& score, const Memory<S>& memory) {
  const BySource<S, Score> pass(op, score, memory);
  walk_rows(exec, op.graph.out_edges(), 4 * op.query.row_size() + 2 * op.value.row_size(), [&](int thread) {
    return PassWorker{pass, thread, thread_memory<Scratch<Accumulator<S>>>(memory.threads, thread, op)};
  });
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AttentionBackward& op) {
  return with_storage(op.dy.dtype, [&]<class S>(S) {
    return thread_memory_bytes<Scratch<Accumulator<S>>>(exec, Memory<S>(exec, op, nullptr).threads, op);
  });
}

void attention_backward(const CpuExec& exec, const AttentionBackward& op) {
  const bool by_destination = op.dquery.defined() || op.dvector.defined() || op.dedge_key.defined() ||
                              op.dedge_value.defined() || op.dedge_bias.defined();
  const bool by_source = op.dkey.defined() || op.dvalue.defined();
  with_storage(op.dy.dtype, [&]<class S>(S) {
    const Memory<S> memory(exec, op, op.workspace.data);
    write_terms<S>(exec, op, memory.terms);
    math::with_attention_score<Math, Accumulator<S>>(op, [&]<class Score>(const Score& score) {
      if (by_destination) run_by_destination(exec, op, score, memory);
      if (by_source) run_by_source(exec, op, score, memory);
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
