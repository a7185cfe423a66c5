#include "host/cpu/attention/attention_edges.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Pieces of rows whose parts of dvector are summed one by one: a number of its own, so that threads do not show.
constexpr std::int64_t kVectorPieces = 64;

/// The sum of a row's chunks, in double where there are several.
template <class T>
struct ChunkSum {
  T* target = nullptr;  // null: nobody asks
  std::int64_t width = 0;
  double* total = nullptr;

  void begin() const {
    if (target != nullptr) std::fill(total, total + width, 0.0);
  }
  void clear() const {
    if (target != nullptr) std::fill(target, target + width, T(0));
  }
  void add() const {
    for (std::int64_t c = 0; target != nullptr && c < width; ++c) total[c] += static_cast<double>(target[c]);
  }
  void end() const {
    for (std::int64_t c = 0; target != nullptr && c < width; ++c) target[c] = static_cast<T>(total[c]);
  }
};

/// One thread's memory: that of a block, sums of one row, and their double sums for long rows.
template <class T>
struct Scratch {
  BlockScratch<T> block;
  T *slope_sum, *value_sum;  // sums of dl f'(q) and of dl f(q), [heads][score channels]
  double *long_score, *long_value;

  Scratch(Carver& carver, const AttentionBackward& op) : block(carver, op) {
    const bool long_rows = op.graph.in_edges().long_rows.rows > 0 || op.graph.out_edges().long_rows.rows > 0;
    const bool activated = op.score != AttentionScore::dot;
    slope_sum = carver.take<T>(activated ? op.query.row_size() : 0);
    value_sum = carver.take<T>(activated ? op.query.row_size() : 0);
    long_score = carver.take<double>(long_rows ? op.query.row_size() : 0);
    long_value = carver.take<double>(long_rows ? op.value.row_size() : 0);
  }
};

/// The terms of the destinations, each piece's part of dvector, the rows that threads compute for 16-bit storage, then
/// each thread's Scratch.
template <class S>
struct Memory {
  using T = Accumulator<S>;
  DestinationTerms<T> terms;
  double* vector_parts;           // [pieces][heads][score channels]
  T *row, *value_row, *edge_row;  // dquery or dkey, dvalue, dedge_key
  Carver threads;

  Memory(const CpuExec& exec, const AttentionBackward& op, void* base) : threads(base) {
    const std::int64_t heads = op.query.shape[1];
    terms = {threads.take<T>(DestinationTerms<T>::count(op.graph.num_destinations(), heads)), heads};
    vector_parts = threads.take<double>(op.dvector.defined() ? kVectorPieces * op.query.row_size() : 0);
    const std::int64_t score_count = ComputedRows<S>::scratch_count(exec, op.query.row_size());
    row = threads.take<T>(score_count);
    value_row = threads.take<T>(ComputedRows<S>::scratch_count(exec, op.value.row_size()));
    edge_row = threads.take<T>(op.dedge_key.defined() ? score_count : 0);
  }
};

template <class T>
Scratch<T> carve(const AttentionBackward& op, Carver carver, int thread, std::size_t* bytes = nullptr) {
  for (int t = 0;; ++t) {
    const Scratch<T> scratch(carver, op);
    if (bytes != nullptr) *bytes = carver.bytes();
    if (t == thread) return scratch;
  }
}

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
        joined_(op.joins_edge_values()),
        with_vector_(op.dvector.defined()),
        dquery_(op.dquery, memory.row),
        dedge_key_(op.dedge_key, memory.edge_row),
        dedge_value_(write_rows<S>(op.dedge_value)),
        dedge_bias_(write_rows<T>(op.dedge_bias)) {}

  /// `vector_part` [width] gains the row's part of dvector.
  void row(std::int64_t i, int thread, const Scratch<T>& scratch, double* vector_part) const {
    const ChunkSum<T> dquery{dquery_ ? dquery_.row(i, thread) : nullptr, width_, scratch.long_score};
    fill({i, thread}, scratch, dquery, vector_part);
    if (dquery_) dquery_.finish(i, thread);
  }

 private:
  static constexpr bool kHasVector = Score::kHasVector;

  /// A row, and the thread that computes it.
  struct Place {
    std::int64_t row;
    int thread;
  };

  void fill(const Place& place, const Scratch<T>& scratch, const ChunkSum<T>& dquery, double* vector_part) const {
    const std::int64_t begin = in_.offset[place.row], end = in_.offset[place.row + 1];
    if (end - begin <= kChunkEdges) return chunk(place, begin, end, scratch, dquery, vector_part);
    dquery.begin();
    for (std::int64_t first = begin; first < end; first += kChunkEdges) {
      chunk(place, first, std::min(end, first + kChunkEdges), scratch, dquery, vector_part);
      dquery.add();
    }
    dquery.end();
  }

  void chunk(const Place& place, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch,
             const ChunkSum<T>& dquery, double* vector_part) const {
    dquery.clear();
    if constexpr (kHasVector) {
      std::fill(scratch.slope_sum, scratch.slope_sum + width_, T(0));
      std::fill(scratch.value_sum, scratch.value_sum + width_, T(0));
    }
    for_each_block(begin, end, [&](std::int64_t first, std::int64_t last) {
      edges_.template block<Side::destination>(in_, place.row, first, last, scratch.block);
      if (dedge_bias_) write_bias_gradients(first, last, scratch.block);
      scale_gradients(last - first, scratch.block);
      if (dedge_key_) write_key_gradients(place, first, last, scratch.block);
      if (dedge_value_) write_value_gradients(place.row, first, last, scratch.block);
      add_block(first, last, scratch, dquery);
    });
    if constexpr (kHasVector) {
      if (dquery.target != nullptr) add_product(edges_.scores.vector, scratch.slope_sum, width_, dquery.target);
      for (std::int64_t c = 0; with_vector_ && c < width_; ++c) {
        vector_part[c] += static_cast<double>(scratch.value_sum[c]);
      }
    }
  }

  void add_block(std::int64_t begin, std::int64_t end, const Scratch<T>& scratch, const ChunkSum<T>& dquery) const {
    const AttentionScores<S, Score>& scores = edges_.scores;
    const T* const dscore = scratch.block.dscore;
    if constexpr (kHasVector) {
      const auto rows = [&](bool derivative) {
        return ActivationRows<T, Score>{scores.score, scratch.block.row, begin, width_, derivative};
      };
      if (dquery.target != nullptr) {
        add_rows<true>(begin, end, rows(true), scores.heads, scores.channels, dscore, scratch.slope_sum);
      }
      if (with_vector_) {
        add_rows<true>(begin, end, rows(false), scores.heads, scores.channels, dscore, scratch.value_sum);
      }
    } else if (dquery.target != nullptr) {
      add_rows<true>(begin, end, NeighborRows<S>(in_, scores.key), scores.heads, scores.channels, dscore,
                     dquery.target);
      if (scores.edge_key) {
        add_rows<true>(begin, end, EdgeRows<S>{in_, scores.edge_key}, scores.heads, scores.channels, dscore,
                       dquery.target);
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
      T* const target = dedge_key_.row(e, place.thread);
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
      dedge_key_.finish(e, place.thread);
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
  ComputedRows<S> dquery_, dedge_key_;
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
        joined_(op.joins_values()),
        dkey_(op.dkey, memory.row),
        dvalue_(op.dvalue, memory.value_row) {}

  void row(std::int64_t j, int thread, const Scratch<T>& scratch) const {
    const ChunkSum<T> dkey{dkey_ ? dkey_.row(j, thread) : nullptr, width_, scratch.long_score};
    const ChunkSum<T> dvalue{dvalue_ ? dvalue_.row(j, thread) : nullptr, edges_.heads * edges_.channels,
                             scratch.long_value};
    fill(j, scratch, dkey, dvalue);
    if (dkey_) dkey_.finish(j, thread);
    if (dvalue_) dvalue_.finish(j, thread);
  }

 private:
  static constexpr bool kHasVector = Score::kHasVector;

  void fill(std::int64_t j, const Scratch<T>& scratch, const ChunkSum<T>& dkey, const ChunkSum<T>& dvalue) const {
    const std::int64_t begin = out_.offset[j], end = out_.offset[j + 1];
    if (end - begin <= kChunkEdges) return chunk(j, begin, end, scratch, dkey, dvalue);
    dkey.begin();
    dvalue.begin();
    for (std::int64_t first = begin; first < end; first += kChunkEdges) {
      chunk(j, first, std::min(end, first + kChunkEdges), scratch, dkey, dvalue);
      dkey.add();
      dvalue.add();
    }
    dkey.end();
    dvalue.end();
  }

  void chunk(std::int64_t j, std::int64_t begin, std::int64_t end, const Scratch<T>& scratch, const ChunkSum<T>& dkey,
             const ChunkSum<T>& dvalue) const {
    dkey.clear();
    dvalue.clear();
    const bool slopes = kHasVector && dkey.target != nullptr;
    if (slopes) std::fill(scratch.slope_sum, scratch.slope_sum + width_, T(0));
    T* const value_target = joined_ ? dkey.target : dvalue.target;
    for_each_block(begin, end, [&](std::int64_t first, std::int64_t last) {
      edges_.template block<Side::source>(out_, j, first, last, scratch.block);
      if (dkey.target != nullptr) add_keys(first, last, scratch, dkey.target);
      if (value_target != nullptr) {
        add_rows<true>(first, last, NeighborRows<S>(out_, edges_.dy), edges_.heads, edges_.channels,
                       static_cast<const T*>(scratch.block.weight), value_target);
      }
    });
    if (slopes) add_product(edges_.scores.vector, scratch.slope_sum, width_, dkey.target);
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
  ComputedRows<S> dkey_, dvalue_;
};

// --- Both -----------------------------------------------------------------------------------------------------------

template <class S, class Score>
void run_by_destination(const CpuExec& exec, const AttentionBackward& op, const Score& score, const Memory<S>& memory) {
  using T = Accumulator<S>;
  const Adjacency& in = op.graph.in_edges();
  const ByDestination<S, Score> pass(op, score, memory);
  const std::int64_t width = op.query.row_size(), work = 4 * width + 2 * op.value.row_size();
  const RowPieces pieces(in.offset, in.rows, kVectorPieces);
  parallel_pieces(exec, pieces, work, [&](std::int64_t first, std::int64_t last, std::int64_t piece, int thread) {
    const Scratch<T> scratch = carve<T>(op, memory.threads, thread);
    double* const part = memory.vector_parts + piece * width;
    if (op.dvector.defined()) std::fill(part, part + width, 0.0);
    for (std::int64_t i = first; i < last; ++i) pass.row(i, thread, scratch, part);
  });
  for (std::int64_t c = 0; op.dvector.defined() && c < width; ++c) {
    double total = 0;
    for (std::int64_t p = 0; p < pieces.pieces; ++p) total += memory.vector_parts[p * width + c];
    op.dvector.as<T>()[c] = static_cast<T>(total);
  }
}

template <class S, class Score>
void run_by_source(const CpuExec& exec, const AttentionBackward& op, const Score& score, const Memory<S>& memory) {
  using T = Accumulator<S>;
  const Adjacency& out = op.graph.out_edges();
  const BySource<S, Score> pass(op, score, memory);
  parallel_rows(exec, out.offset, out.rows, 4 * op.query.row_size() + 2 * op.value.row_size(),
                [&](std::int64_t first, std::int64_t last, int thread) {
                  const Scratch<T> scratch = carve<T>(op, memory.threads, thread);
                  for (std::int64_t j = first; j < last; ++j) pass.row(j, thread, scratch);
                });
}

}  // namespace

std::size_t workspace_size(const CpuExec& exec, const AttentionBackward& op) {
  std::size_t bytes = 0;
  with_storage(op.dy.dtype, [&]<class S>(S) {
    carve<Accumulator<S>>(op, Memory<S>(exec, op, nullptr).threads, exec.threads - 1, &bytes);
  });
  return bytes;
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
