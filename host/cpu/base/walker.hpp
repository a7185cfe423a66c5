// SPDX-License-Identifier: MIT
#pragma once

// How the edges of an adjacency are handed out to threads: first the chunks of long rows, then pieces of rows, in which
// a long row is merged from its chunks in order. So a hub of most of all edges keeps every thread busy, and no bit
// depends on how many there are.

#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

/// A run of slots of one row, at most kChunkEdges.
struct Span {
  std::int64_t row, begin, end;
  std::int64_t chunk;  // -1: the row is whole

  WARPGNN_INLINE bool whole() const { return chunk < 0; }
  WARPGNN_INLINE std::int64_t count() const { return end - begin; }
};

/// The chunks of a long row: [first, last).
struct Chunks {
  std::int64_t first, last;
};

inline Chunks chunks_of_row(const LongRows& long_rows, std::int64_t row) {
  std::int64_t owner = 0;  // where its number stands among the rows' increasing ones
  for (std::int64_t end = long_rows.rows; owner < end;) {
    const std::int64_t middle = (owner + end) / 2;
    if (long_rows.row[middle] < row)
      owner = middle + 1;
    else
      end = middle;
  }
  return {long_rows.first_chunk[owner], long_rows.first_chunk[owner + 1]};
}

inline Span span_of_chunk(const Adjacency& edges, std::int64_t chunk) {
  const LongRows& long_rows = edges.long_rows;
  const std::int64_t owner = long_rows.chunk_owner[chunk], row = long_rows.row[owner];
  const std::int64_t begin = edges.offset[row] + (chunk - long_rows.first_chunk[owner]) * kChunkEdges;
  return {row, begin, std::min(begin + kChunkEdges, edges.offset[row + 1]), chunk};
}

/// Rows [first, last), or the one chunk that is named. The one compiled copy of the worker's loops: wherever an edge is
/// worked on, it is by the same instructions.
template <class Worker>
WARPGNN_ONE_COPY void walk_piece(const Adjacency& edges, std::int64_t first, std::int64_t last, std::int64_t chunk,
                                 const Worker& worker) {
  for (std::int64_t row = first; row < last; ++row) {
    const Span span = chunk < 0 ? Span{row, edges.offset[row], edges.offset[row + 1], -1} : span_of_chunk(edges, chunk);
    if (span.count() <= kChunkEdges) {
      worker.span(span);
    } else {
      worker.merge(row, chunks_of_row(edges.long_rows, row));
    }
    if (chunk < 0) worker.finish(row);
  }
}

/// make(thread, piece) returns what one thread works with, for a piece of rows (for chunks, piece -1):
///   span(span)           a short row, or a chunk of a long one
///   merge(row, chunks)   a long row, after all chunks
///   finish(row)          any row, after that
/// `work` estimates the multiply-adds of one edge.
template <class Make>
void walk_pieces(const CpuExec& exec, const Adjacency& edges, const RowPieces& pieces, std::int64_t work,
                 const Make& make) {
  const int threads = pieces.cost() * work <= kSerialWork ? 1 : exec.threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t chunk = 0; chunk < edges.long_rows.chunks; ++chunk) {
    walk_piece(edges, 0, 1, chunk, make(omp_get_thread_num(), std::int64_t{-1}));
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t p = 0; p < pieces.pieces; ++p) {
    walk_piece(edges, pieces.first_row(p), pieces.first_row(p + 1), -1, make(omp_get_thread_num(), p));
  }
}

/// make(thread), as above, for rows that no sum over rows is made of.
template <class Make>
void walk_rows(const CpuExec& exec, const Adjacency& edges, std::int64_t work, const Make& make) {
  const bool alone = exec.threads == 1 || (edges.rows + edges.edges) * work <= kSerialWork;
  const RowPieces pieces(edges.offset, edges.rows, alone ? 1 : std::int64_t{exec.threads} * 16);
  walk_pieces(exec, edges, pieces, work, [&](int thread, std::int64_t) { return make(thread); });
}

/// One thread's memory of many: Scratch(carver, op) takes it from what follows the memory of all.
template <class Scratch, class Op>
Scratch thread_memory(Carver carver, int thread, const Op& op) {
  for (int t = 0; t < thread; ++t) Scratch(carver, op);
  return Scratch(carver, op);
}
/// The size of all memory, with that of every thread.
template <class Scratch, class Op>
std::size_t thread_memory_bytes(const CpuExec& exec, Carver carver, const Op& op) {
  for (int t = 0; t < exec.threads; ++t) Scratch(carver, op);
  return carver.bytes();
}

/// The worker of a pass with span(span, thread, scratch), merge(row, chunks, thread, scratch) and finish(row, thread).
template <class Pass, class Scratch>
struct PassWorker {
  const Pass& pass;
  int thread;
  Scratch scratch;

  WARPGNN_INLINE void span(const Span& span) const { pass.span(span, thread, scratch); }
  WARPGNN_INLINE void merge(std::int64_t row, const Chunks& chunks) const { pass.merge(row, chunks, thread, scratch); }
  WARPGNN_INLINE void finish(std::int64_t row) const { pass.finish(row, thread); }
};
template <class Pass, class Scratch>
PassWorker(const Pass&, int, Scratch) -> PassWorker<Pass, Scratch>;

/// body(span) for spans whose edges have nothing to do with one another.
template <class Body>
void walk_edges(const CpuExec& exec, const Adjacency& edges, std::int64_t work, const Body& body) {
  struct Worker {
    const Body& body;
    void span(const Span& span) const { body(span); }
    void merge(std::int64_t, const Chunks&) const {}
    void finish(std::int64_t) const {}
  };
  walk_rows(exec, edges, work, [&](int) { return Worker{body}; });
}

/// Rows of a result that are sums over edges: a span's sum is made in its row, as ComputedRows has it, and that of a
/// chunk in memory of its own.
template <class S>
class SummedRows : public ComputedRows<S> {
 public:
  using T = Accumulator<S>;

  SummedRows() = default;
  SummedRows(Carver& carver, const CpuExec& exec, const TensorView& y, const LongRows& long_rows)
      : ComputedRows<S>(carver, exec, y), partial_(carver.take<T>(y.defined() ? long_rows.chunks * y.row_size() : 0)) {}

  WARPGNN_INLINE T* partial(std::int64_t chunk) const { return partial_ + chunk * this->width(); }
  WARPGNN_INLINE T* at(const Span& span, int thread) const {
    return span.whole() ? this->row(span.row, thread) : partial(span.chunk);
  }
  /// row(row, thread) = the sum of its chunks, added up in double, which bounds the rounding error of a hub.
  void add_up(std::int64_t row, const Chunks& chunks, int thread) const {
    constexpr std::int64_t kColumns = 64;
    T* const target = this->row(row, thread);
    for (std::int64_t first = 0; first < this->width(); first += kColumns) {
      const std::int64_t count = std::min(kColumns, this->width() - first);
      double total[kColumns] = {};
      for (std::int64_t chunk = chunks.first; chunk < chunks.last; ++chunk) {
        const T* const part = partial(chunk) + first;
        for (std::int64_t c = 0; c < count; ++c) total[c] += static_cast<double>(part[c]);
      }
      for (std::int64_t c = 0; c < count; ++c) target[first + c] = static_cast<T>(total[c]);
    }
  }

 private:
  T* partial_ = nullptr;
};

/// Writes rows that are sums over edges: sum(span, out) makes one of a span, finish(row, out) does what is left to do
/// with a row's.
template <class S, class Sum, class Finish>
struct SumWorker {
  const SummedRows<S>& y;
  const Sum& sum;
  const Finish& complete;
  int thread;

  WARPGNN_INLINE void span(const Span& span) const { sum(span, y.at(span, thread)); }
  WARPGNN_INLINE void merge(std::int64_t row, const Chunks& chunks) const { y.add_up(row, chunks, thread); }
  WARPGNN_INLINE void finish(std::int64_t row) const {
    complete(row, y.row(row, thread));
    y.finish(row, thread);
  }
};
template <class S, class Sum, class Finish>
void sum_over_edges(const CpuExec& exec, const Adjacency& edges, std::int64_t work, const SummedRows<S>& y,
                    const Sum& sum, const Finish& finish) {
  walk_rows(exec, edges, work, [&](int thread) { return SumWorker<S, Sum, Finish>{y, sum, finish, thread}; });
}
template <class S, class Sum>
void sum_over_edges(const CpuExec& exec, const Adjacency& edges, std::int64_t work, const SummedRows<S>& y,
                    const Sum& sum) {
  sum_over_edges(exec, edges, work, y, sum, [](std::int64_t, Accumulator<S>*) {});
}

}  // namespace warpgnn::backend::WARPGNN_ISA
