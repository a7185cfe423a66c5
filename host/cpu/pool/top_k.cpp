// SPDX-License-Identifier: MIT
// Choosing nodes by score, and moving their rows along.

#include <algorithm>
#include <cstring>

#include "host/cpu/base/rows.hpp"

namespace warpgnn::backend::WARPGNN_ISA {

namespace {

/// Orders nodes by falling score, NaN first, equals by number.
template <class T>
struct ByScore {
  Rows<const T> score;

  bool operator()(std::int32_t a, std::int32_t b) const {
    const T first = *score[a], second = *score[b];
    const bool first_nan = first != first, second_nan = second != second;
    if (first_nan || second_nan) return first_nan && (!second_nan || a < b);
    return first > second || (first == second && a < b);
  }
};

/// What segment_top_k needs to remember.
struct TopKScratch {
  std::int32_t* order;   // [N]
  std::int64_t* offset;  // [G + 1]: where the nodes of each graph stand in `selected`

  TopKScratch(Carver& carver, const SegmentTopKArgs& op)
      : order(carver.take<std::int32_t>(op.score.shape[0])),
        offset(carver.take<std::int64_t>(op.graph.num_graphs() + 1)) {}
};

/// Graph [begin, end): writes its selected nodes from `to` on.
template <class T>
void select_nodes(const SegmentTopKArgs& op, std::int64_t begin, std::int64_t end, std::int64_t to, std::int64_t count,
                  std::int32_t* order) {
  const auto selected = write_rows<std::int32_t>(op.selected), position = write_rows<std::int32_t>(op.position);
  const ByScore<T> before{read_rows<T>(op.score)};
  for (std::int64_t n = begin; n < end; ++n) order[n] = static_cast<std::int32_t>(n);
  if (begin == end) return;
  std::nth_element(order + begin, order + begin + count - 1, order + end, before);
  const std::int32_t last = order[begin + count - 1];
  for (std::int64_t n = begin; n < end; ++n) {
    const bool chosen = !before(last, static_cast<std::int32_t>(n));
    if (position) *position[n] = chosen ? static_cast<std::int32_t>(to) : -1;
    if (chosen) *selected[to++] = static_cast<std::int32_t>(n);
  }
}

}  // namespace

std::size_t workspace_size(const CpuExec&, const SegmentTopKArgs& op) {
  Carver carver;
  const TopKScratch scratch(carver, op);
  return carver.bytes();
}

void segment_top_k(const CpuExec& exec, const SegmentTopKArgs& op) {
  Carver carver(op.workspace.data);
  const TopKScratch scratch(carver, op);
  const std::int64_t graphs = op.graph.num_graphs();
  const std::int64_t* const offset = op.graph.graph_offsets();
  if (graphs == 0) return;
  scratch.offset[0] = 0;
  for (std::int64_t g = 0; g < graphs; ++g) {
    scratch.offset[g + 1] = scratch.offset[g] + top_k_count(offset[g + 1] - offset[g], op.ratio, op.count);
  }
  with_real(op.score.dtype, [&]<class T>(T) {
    parallel_rows(exec, offset, graphs, 32, [&](std::int64_t first, std::int64_t last, int) {
      for (std::int64_t g = first; g < last; ++g) {
        select_nodes<T>(op, offset[g], offset[g + 1], scratch.offset[g], scratch.offset[g + 1] - scratch.offset[g],
                        scratch.order);
      }
    });
  });
}

void scaled_gather_forward(const CpuExec& exec, const ScaledGatherForward& op) {
  const std::int64_t nodes = op.x.shape[0], width = op.x.shape[1];
  with_storage(op.y.dtype, [&]<class S>(S) {
    const auto x = read_rows<S>(op.x);
    const auto scale = read_rows<Accumulator<S>>(op.scale);
    const auto index = read_rows<std::int32_t>(op.index);
    const auto y = write_rows<S>(op.y);
    parallel_for(exec, op.y.shape[0], width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        const std::int64_t n = *index[k];
        if (n < 0 || n >= nodes) {
          std::fill(y[k], y[k] + width, S{});
        } else {
          scale_row(x[n], width, *scale[n], y[k]);
        }
      }
    });
  });
}

void scaled_gather_backward(const CpuExec& exec, const ScaledGatherBackward& op) {
  const std::int64_t count = op.dy.shape[0], width = op.dy.shape[1];
  with_storage(op.dy.dtype, [&]<class S>(S) {
    using T = Accumulator<S>;
    const auto x = read_rows<S>(op.x), dy = read_rows<S>(op.dy);
    const auto scale = read_rows<T>(op.scale);
    const auto position = read_rows<std::int32_t>(op.position);
    const auto dx = write_rows<S>(op.dx);
    const auto dscale = write_rows<T>(op.dscale);
    parallel_for(exec, op.position.shape[0], 2 * width, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t n = first; n < last; ++n) {
        const std::int64_t k = *position[n];
        const bool chosen = k >= 0 && k < count;
        if (dx && chosen) {
          scale_row(dy[k], width, *scale[n], dx[n]);
        } else if (dx) {
          std::fill(dx[n], dx[n] + width, S{});
        }
        if (dscale) *dscale[n] = chosen ? dot(dy[k], x[n], width) : T(0);
      }
    });
  });
}

}  // namespace warpgnn::backend::WARPGNN_ISA
