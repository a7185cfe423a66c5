// SPDX-License-Identifier: MIT
// Rows of several tables: launcher.

#include <algorithm>

#include "kernels/base/memory.cuh"
#include "kernels/dense/elementwise_gather.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

/// Whether each row begins at a whole word and consists of whole words.
bool is_of_words(const ConstTensorView& view) {
  const auto element = static_cast<std::int64_t>(size_of(view.dtype));
  const std::int64_t stride = view.shape[0] > 1 ? view.row_stride() : 0;
  return reinterpret_cast<std::uintptr_t>(view.data) % 4 == 0 && view.row_size() * element % 4 == 0 &&
         stride * element % 4 == 0;
}

WordTable as_words(const GatherRows& op) {
  const auto element = static_cast<std::int64_t>(size_of(op.y.dtype));
  const auto words = [&](std::int64_t elements) { return elements * element / 4; };
  const std::int64_t width = words(op.y.row_size());
  int lane_bits = 0;
  while ((1 << lane_bits) < lanes_for(width)) ++lane_bits;
  return {op.x.as<std::uint32_t>(),
          op.index.as<std::int32_t>(),
          op.y.as<std::uint32_t>(),
          op.x.shape[0],
          op.y.shape[0],
          width,
          words(op.x.row_stride()),
          op.index.stride[0],
          words(op.y.row_stride()),
          lane_bits};
}

/// Collects tables until a launch is full.
class GatherBatch {
 public:
  explicit GatherBatch(const CudaExec& exec) : exec_(exec) {}

  void add(const GatherRows& op) {
    if (op.y.count() == 0) return;
    if (!is_of_words(op.x) || !is_of_words(op.y)) return gather_rows(exec_, op);
    if (count_ == kGatherTables) flush();
    const WordTable table = as_words(op);
    threads_ = std::max(threads_, table.rows << table.lane_bits);
    tables_.table[count_++] = table;
  }

  void flush() {
    if (count_ == 0) return;
    const std::int64_t blocks = std::min<std::int64_t>(blocks_for(threads_, kTileThreads), exec_.max_grid_x);
    launch(exec_, "gather_tables", gather_tables_kernel,
           {dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(count_)), dim3(kTileThreads)}, tables_);
    count_ = 0;
    threads_ = 0;
  }

 private:
  const CudaExec& exec_;
  WordTables tables_{};
  int count_ = 0;
  std::int64_t threads_ = 0;
};

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

void gather_tables(const CudaExec& exec, const GatherTables& op) {
  kernels::GatherBatch batch(exec);
  for (const GatherRows& table : op.tables) batch.add(table);
  batch.flush();
}

}  // namespace warpgnn::backend
