// SPDX-License-Identifier: MIT
// Graphs on the device: the CUDA side of the building of graphs in host/core/runtime.def. It may allocate and wait.

#include <algorithm>
#include <array>
#include <bit>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <type_traits>

#include "kernels/base/launch.cuh"
#include "kernels/graph/build.cuh"
#include "kernels/graph/subgraph.cuh"

namespace warpgnn::kernels {
namespace {

using backend::CudaExec;

/// Device memory for the length of a scope.
class Scratch {
 public:
  Scratch(const CudaExec& exec, std::size_t bytes) : exec_(exec), data_(backend::allocate(exec, bytes)) {}
  ~Scratch() { backend::release(exec_, data_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  const CudaExec& exec_;
  void* data_;
};

template <class T>
std::size_t bytes_for(std::int64_t count) {
  return static_cast<std::size_t>(count) * sizeof(T);
}

template <class T>
T read(const CudaExec& exec, const T* address) {
  T value{};
  backend::copy_to_host(exec, &value, address, sizeof value);
  return value;
}

/// One thread for each item.
LaunchShape threads_for(std::int64_t items) {
  return {dim3(blocks_for(items, kBuildThreads)), dim3(kBuildThreads)};
}

/// One warp for each row.
LaunchShape warps_for(std::int64_t rows) {
  return {dim3(blocks_for(rows, kBuildRowsPerBlock)), dim3(kBuildThreads)};
}

/// Runs search(first), whose kernels lower *first to the positions they find. Returns the lowest, or -1.
template <class Search>
std::int64_t first_found(const CudaExec& exec, const Search& search) {
  const Scratch first(exec, sizeof(unsigned long long));
  check(cudaMemsetAsync(first.as<void>(), 0xff, sizeof(unsigned long long), stream_of(exec)), "cudaMemsetAsync");
  search(first.as<unsigned long long>());
  return static_cast<std::int64_t>(read(exec, first.as<const unsigned long long>()));
}

/// Runs a CUB algorithm, which says first how much memory it needs: algorithm(memory, bytes).
template <class Algorithm>
void run_cub(const CudaExec& exec, const char* name, const Algorithm& algorithm) {
  std::size_t bytes = 0;
  check(algorithm(nullptr, bytes), name);
  const Scratch memory(exec, bytes);
  check(algorithm(memory.as<void>(), bytes), name);
}

template <class T>
void exclusive_sum(const CudaExec& exec, T* values, std::int64_t count) {
  run_cub(exec, "exclusive_sum", [&](void* memory, std::size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(memory, bytes, values, values, static_cast<std::uint32_t>(count),
                                         stream_of(exec));
  });
}

/// Sorts edge numbers by row, stably. Only the bits that a row number can have are looked at.
void sort_edges(const CudaExec& exec, std::int64_t rows, std::int64_t edges, const std::int32_t* row,
                std::int32_t* sorted_row, std::int32_t* sorted_edge) {
  const Scratch edge(exec, bytes_for<std::int32_t>(edges));
  launch(exec, "fill_iota", fill_iota, threads_for(edges), edges, edge.as<std::int32_t>());
  const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(rows - 1)));
  run_cub(exec, "sort_edges", [&](void* memory, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(memory, bytes, reinterpret_cast<const std::uint32_t*>(row),
                                           reinterpret_cast<std::uint32_t*>(sorted_row), edge.as<const std::int32_t>(),
                                           sorted_edge, static_cast<std::uint32_t>(edges), 0, bits, stream_of(exec));
  });
}

bool is_sorted(const CudaExec& exec, std::int64_t edges, const std::int32_t* row) {
  if (edges < 2) return true;
  return first_found(exec, [&](unsigned long long* first) {
           launch(exec, "find_descent", find_descent<std::int32_t>, threads_for(edges - 1), row, edges - 1, first);
         }) < 0;
}

/// A new tensor of `count` elements that lives as long as `storage`.
template <class T>
T* keep(const Context& context, backend::AdjacencyStorage& storage, std::int64_t count) {
  storage.memory.emplace_back(context, dtype_of<T>, std::initializer_list<std::int64_t>{count});
  return storage.memory.back().view().template as<T>();
}

/// The parts of select_parts are cut into slices of about this many nodes or slots.
constexpr std::int64_t kSliceItems = 8 * kBuildThreads;

std::int64_t slices_of(const backend::SelectArgs& args) {
  return std::clamp<std::int64_t>((args.largest + kSliceItems - 1) / kSliceItems, 1, kMaxGridY);
}

}  // namespace
}  // namespace warpgnn::kernels

namespace warpgnn::backend {

using namespace kernels;

namespace {

/// Finds the order in which kernels take the rows, where it pays.
void order_rows(const CudaExec& exec, const Context& context, AdjacencyStorage& storage) {
  Adjacency& adjacency = storage.adjacency;
  const std::int64_t rows = adjacency.rows;
  if (rows < kLeastOrderedRows || adjacency.edges == 0) return;
  const Scratch totals(exec, 2 * sizeof(unsigned long long)), key(exec, bytes_for<std::uint32_t>(rows));
  check(cudaMemsetAsync(totals.as<void>(), 0, 2 * sizeof(unsigned long long), stream_of(exec)), "cudaMemsetAsync");
  launch(exec, "write_order_keys", write_order_keys, threads_for(rows), rows, adjacency.offset, key.as<std::uint32_t>(),
         totals.as<unsigned long long>(), totals.as<unsigned long long>() + 1);
  const auto [edges, slots] = read(exec, totals.as<const std::array<unsigned long long, 2>>());
  if (static_cast<double>(edges) >= kBusyEnough * static_cast<double>(slots)) return;

  const Scratch row(exec, bytes_for<std::int32_t>(rows)), sorted_key(exec, bytes_for<std::uint32_t>(rows));
  launch(exec, "fill_iota", fill_iota, threads_for(rows), rows, row.as<std::int32_t>());
  auto* const order = keep<std::int32_t>(context, storage, rows);
  const auto windows = static_cast<std::uint64_t>((rows - 1) >> kOrderWindowBits);
  const int bits = kDegreeBits + static_cast<int>(std::bit_width(windows));
  run_cub(exec, "order_rows", [&](void* memory, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(memory, bytes, key.as<const std::uint32_t>(), sorted_key.as<std::uint32_t>(),
                                           row.as<const std::int32_t>(), order, static_cast<std::uint32_t>(rows), 0,
                                           bits, stream_of(exec));
  });
  adjacency.row_order = order;
}

}  // namespace

std::int64_t narrow_ids(const CudaExec& exec, const ConstTensorView& ids, std::int64_t limit, std::int32_t* narrowed) {
  const std::int64_t count = ids.shape[0];
  if (count == 0) return -1;
  return first_found(exec, [&](unsigned long long* first_bad) {
    const auto narrow = [&](const auto* values) {
      using Id = std::remove_cvref_t<decltype(*values)>;
      launch(exec, "narrow_ids", narrow_ids_kernel<Id>, threads_for(count), values, ids.row_stride(), count, limit,
             narrowed, first_bad);
    };
    if (ids.dtype == Dtype::int64) {
      narrow(ids.as<std::int64_t>());
    } else {
      narrow(ids.as<std::int32_t>());
    }
  });
}

std::int64_t find_decreasing(const CudaExec& exec, std::int64_t rows, const std::int64_t* offset) {
  if (rows == 0) return -1;
  return first_found(exec, [&](unsigned long long* first) {
    launch(exec, "find_decreasing", find_descent<std::int64_t>, threads_for(rows), offset, rows, first);
  });
}

void expand_rows(const CudaExec& exec, std::int64_t rows, const std::int64_t* offset, std::int32_t* row) {
  launch(exec, "expand_rows", expand_rows_kernel, warps_for(rows), rows, offset, row);
}

AdjacencyStorage build_adjacency(const CudaExec& exec, const Context& context, std::int64_t rows, std::int64_t edges,
                                 const std::int32_t* row, const std::int32_t* neighbor, bool keep_edge_id) {
  AdjacencyStorage storage;
  auto* const offset = keep<std::int64_t>(context, storage, rows + 1);
  auto* const sorted_neighbor = keep<std::int32_t>(context, storage, edges);
  std::int32_t* edge_id = nullptr;
  if (is_sorted(exec, edges, row)) {
    launch(exec, "find_offsets", find_offsets, threads_for(rows + 1), rows, edges, row, offset);
    check(cudaMemcpyAsync(sorted_neighbor, neighbor, bytes_for<std::int32_t>(edges), cudaMemcpyDeviceToDevice,
                          stream_of(exec)),
          "copy of neighbors");
    if (keep_edge_id && edges > 0) {
      edge_id = keep<std::int32_t>(context, storage, edges);
      launch(exec, "fill_iota", fill_iota, threads_for(edges), edges, edge_id);
    }
  } else {
    edge_id = keep<std::int32_t>(context, storage, edges);
    const Scratch sorted_row(exec, bytes_for<std::int32_t>(edges));
    sort_edges(exec, rows, edges, row, sorted_row.as<std::int32_t>(), edge_id);
    launch(exec, "find_offsets", find_offsets, threads_for(rows + 1), rows, edges, sorted_row.as<const std::int32_t>(),
           offset);
    launch(exec, "gather_ids", gather_ids, threads_for(edges), edges, edge_id, neighbor, sorted_neighbor);
  }
  storage.adjacency = Adjacency{
      .rows = rows, .edges = edges, .offset = offset, .neighbor = sorted_neighbor, .edge_id = edge_id, .long_rows = {}};
  find_long_rows(exec, context, storage);
  order_rows(exec, context, storage);
  return storage;
}

void find_long_rows(const CudaExec& exec, const Context& context, AdjacencyStorage& storage) {
  Adjacency& adjacency = storage.adjacency;
  adjacency.long_rows = {};
  if (adjacency.edges <= kChunkEdges) return;
  const std::int64_t rows = adjacency.rows;
  const Scratch scratch(exec, bytes_for<std::uint64_t>(rows + 1));
  auto* const counts = scratch.as<std::uint64_t>();
  launch(exec, "count_chunks", count_chunks, threads_for(rows + 1), rows, adjacency.offset, counts);
  exclusive_sum(exec, counts, rows + 1);
  const std::uint64_t total = read(exec, counts + rows);
  if (total == 0) return;
  auto* const row = keep<std::int32_t>(context, storage, packed_rows(total));
  auto* const first_chunk = keep<std::int32_t>(context, storage, packed_rows(total) + 1);
  auto* const chunk_owner = keep<std::int32_t>(context, storage, packed_chunks(total));
  launch(exec, "write_long_rows", write_long_rows, warps_for(rows + 1), rows, counts, row, first_chunk, chunk_owner);
  adjacency.long_rows = LongRows{.rows = packed_rows(total),
                                 .chunks = packed_chunks(total),
                                 .row = row,
                                 .first_chunk = first_chunk,
                                 .chunk_owner = chunk_owner};
}

void list_edges(const CudaExec& exec, const Adjacency& in, std::int32_t shift, std::int32_t* source,
                std::int32_t* destination) {
  launch(exec, "list_edges", list_edges_kernel, warps_for(in.rows), in, shift, source, destination);
}

void number_typed_nodes(const CudaExec& exec, std::int64_t count, const std::int32_t* node,
                        const std::int32_t* relation, std::int64_t relations, std::int32_t* typed) {
  launch(exec, "number_typed_nodes", number_typed_nodes_kernel, threads_for(count), count, node, relation, relations,
         typed);
}

std::int64_t list_loop_nodes(const CudaExec& exec, const Context&, const Adjacency& in, SelfLoops which,
                             std::int32_t* nodes) {
  if (which == SelfLoops::all_nodes) {
    launch(exec, "fill_iota", fill_iota, threads_for(in.rows), in.rows, nodes);
    return in.rows;
  }
  const Scratch scratch(exec, bytes_for<std::int32_t>(in.rows + 1));
  auto* const position = scratch.as<std::int32_t>();
  launch(exec, "mark_missing_loops", mark_missing_loops, warps_for(in.rows + 1), in, position);
  exclusive_sum(exec, position, in.rows + 1);
  launch(exec, "compact_rows", compact_rows, threads_for(in.rows), in.rows, position, nodes);
  return read(exec, position + in.rows);
}

std::int64_t drop_loops(const CudaExec& exec, const DropLoopsArgs& args) {
  const Scratch scratch(exec, bytes_for<std::int32_t>(args.edges + 1));
  auto* const place = scratch.as<std::int32_t>();
  launch(exec, "mark_proper_edges", mark_proper_edges, threads_for(args.edges + 1), args, place);
  exclusive_sum(exec, place, args.edges + 1);
  launch(exec, "place_proper_edges", place_proper_edges, threads_for(args.edges), args, place);
  return read(exec, place + args.edges);
}

std::int64_t find_crossing_row(const CudaExec& exec, const Adjacency& adjacency, std::int64_t graphs,
                               const std::int64_t* graph_offsets) {
  return first_found(exec, [&](unsigned long long* first) {
    launch(exec, "find_crossing_row", find_crossing_row_kernel, warps_for(adjacency.rows), adjacency, graphs,
           graph_offsets, first);
  });
}

void number_slots(const CudaExec& exec, std::int64_t count, std::int32_t* ids) {
  launch(exec, "fill_iota", fill_iota, threads_for(count), count, ids);
}

void invert_edge_ids(const CudaExec& exec, const Adjacency& in, std::int32_t* slot_of_edge) {
  launch(exec, "invert_edge_ids", invert_edge_ids_kernel, threads_for(in.edges), in.edges, in.edge_id, slot_of_edge);
}

void select_parts(const CudaExec& exec, const SelectArgs& args) {
  const SelectTables tables{.in = *args.in,
                            .out = *args.out,
                            .slot_of_edge = args.slot_of_edge,
                            .total = args.total,
                            .parts = args.parts,
                            .nodes = args.nodes,
                            .slots = args.slots,
                            .in_offset = args.in_offset,
                            .out_offset = args.out_offset,
                            .in_neighbor = args.in_neighbor,
                            .out_neighbor = args.out_neighbor,
                            .out_edge_id = args.out_edge_id,
                            .node_map = args.node_map,
                            .edge_map = args.edge_map};
  const auto columns = static_cast<unsigned>(args.count + 1);
  launch(exec, "select_parts", select_parts_kernel,
         {dim3(columns, static_cast<unsigned>(slices_of(args))), dim3(kBuildThreads)}, tables);
}

std::int64_t find_not_increasing(const CudaExec& exec, std::int64_t count, const std::int32_t* ids) {
  if (count < 2) return -1;
  return first_found(exec, [&](unsigned long long* first) {
    launch(exec, "find_not_increasing", find_not_increasing_kernel, threads_for(count - 1), count - 1, ids, first);
  });
}

SubgraphOffsets count_subgraph(const CudaExec& exec, const SubgraphArgs& args) {
  const std::int64_t count = args.nodes, starts = args.graphs + 1;
  if (args.in->rows > 0) {
    check(cudaMemsetAsync(args.position, 0xff, bytes_for<std::int32_t>(args.in->rows), stream_of(exec)),
          "cudaMemsetAsync");
  }
  launch(exec, "scatter_positions", scatter_positions, threads_for(count), count, args.selected, args.position);
  const auto count_edges = [&](const Adjacency& edges, std::int64_t* offset) {
    launch(exec, "count_kept_edges", count_kept_edges, warps_for(count + 1), count, args.selected, edges, args.position,
           offset);
    exclusive_sum(exec, reinterpret_cast<std::uint64_t*>(offset), count + 1);
  };
  count_edges(*args.in, args.in_offset);
  count_edges(*args.out, args.out_offset);
  const Scratch both(exec, bytes_for<std::int64_t>(2 * starts));
  launch(exec, "find_graph_starts", find_graph_starts, threads_for(starts), args.graphs, args.graph_offsets, count,
         args.selected, args.in_offset, both.as<std::int64_t>());
  std::vector<std::int64_t> found(static_cast<std::size_t>(2 * starts));
  copy_to_host(exec, found.data(), both.as<void>(), bytes_for<std::int64_t>(2 * starts));
  return {{found.begin(), found.begin() + starts}, {found.begin() + starts, found.end()}};
}

void fill_subgraph(const CudaExec& exec, const SubgraphArgs& args) {
  launch(exec, "fill_subgraph in", for_each_kept_edge<KeepInEdge>, warps_for(args.nodes), args.nodes, args.selected,
         *args.in, args.position, args.in_offset,
         KeepInEdge{*args.in, args.position, args.in_neighbor, args.edge_map, args.new_slot});
  launch(exec, "fill_subgraph out", for_each_kept_edge<KeepOutEdge>, warps_for(args.nodes), args.nodes, args.selected,
         *args.out, args.position, args.out_offset,
         KeepOutEdge{*args.out, args.position, args.slot_of_edge, args.new_slot, args.out_neighbor, args.out_edge_id});
}

}  // namespace warpgnn::backend
