// SPDX-License-Identifier: MIT
#pragma once

/// THE SEAM between the host side, which validates and settles, and the backends, which compute.
///
/// For each op of ops.def, and for each function of runtime.def, there is one overload for CpuExec (host/cpu) and one
/// for CudaExec (kernels/, or no_cuda.cpp in a build without CUDA, where each throws `not_built`). Linking decides; no
/// caller has an #ifdef.
///
/// What a backend may rely on: the arguments have passed validation (host/ops). What it must do: write every element
/// of every output given, in every corner of the domain: no rows, no edges, empty rows.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/core/args.hpp"
#include "host/cpu/level.hpp"

namespace warpgnn::backend {

/// Whether the loops of this level were built and this machine's processor can run them.
bool cpu_level_usable(CpuLevel level);

struct CpuExec {
  int threads = 1;
  CpuLevel level = CpuLevel::baseline;
};

struct CudaExec {
  int device = 0;
  void* stream = nullptr;              // cudaStream_t
  void* blas = nullptr;                // kernels::Blas
  int multiprocessors = 0;             // for the size of persistent grids
  int max_grid_x = 0, max_grid_y = 0;  // blocks of grids that loop over tiles
  void* memory = nullptr;              // kernels::MemoryPool
};

#define WARPGNN_OP(name, Arguments, ...)       \
  void name(const CpuExec&, const Arguments&); \
  void name(const CudaExec&, const Arguments&);
#define WARPGNN_OP_WITH_WORKSPACE(name, Arguments, ...)         \
  WARPGNN_OP(name, Arguments)                                   \
  std::size_t workspace_size(const CpuExec&, const Arguments&); \
  std::size_t workspace_size(const CudaExec&, const Arguments&);
#include "host/core/ops.def"

// --- Tools that every backend uses -----------------------------------------------------------------------------------

/// Calls `function` with a value of the C++ type that stands for a real dtype: `function(float{})`.
template <class Function>
decltype(auto) with_real(Dtype dtype, Function&& function) {
  if (dtype == Dtype::float64) return std::forward<Function>(function)(double{});
  return std::forward<Function>(function)(float{});
}

/// Calls `function` with a value of the C++ type that rows of a dtype are stored as: `function(Float16{})`.
template <class Function>
decltype(auto) with_storage(Dtype dtype, Function&& function) {
#ifndef WARPGNN_NO_16BIT  // validation has refused them
  if (dtype == Dtype::float16) return std::forward<Function>(function)(Float16{});
  if (dtype == Dtype::bfloat16) return std::forward<Function>(function)(BFloat16{});
#endif
  return with_real(dtype, std::forward<Function>(function));
}

/// Hands out aligned pieces of a workspace; on a null base it only counts, so that one function both sizes and carves.
class Carver {
 public:
  explicit Carver(void* base = nullptr) : base_(static_cast<char*>(base)) {}

  template <class T>
  T* take(std::int64_t count) {
    T* const piece = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + bytes_);
    const std::size_t wanted = static_cast<std::size_t>(count) * sizeof(T);
    bytes_ += (wanted + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
    return piece;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  char* base_;
  std::size_t bytes_ = 0;
};

// --- Devices -----------------------------------------------------------------------------------------------------

bool cuda_built();
int cuda_device_count();
std::string cuda_unavailable_reason();  // why cuda_device_count() is 0
// A stream that is given is taken as it is, null too: that is CUDA's default stream. Without one it makes one, which
// cuda_close destroys.
CudaExec cuda_open(int device, std::optional<void*> stream);
void cuda_close(const CudaExec&, bool owns_stream) noexcept;
std::string cuda_device_name(const CudaExec&);
int activate_device(int device) noexcept;  // makes it the thread's CUDA device; returns the one before

/// Whether the stream is being captured into a CUDA graph.
inline bool is_capturing(const CpuExec&) noexcept {
  return false;
}
bool is_capturing(const CudaExec&) noexcept;
/// Refuses with `capturing` what cannot be done meanwhile; `action` says what that is.
inline void expect_no_capture(const CpuExec&, const std::string&) {}
void expect_no_capture(const CudaExec&, const std::string& action);

void release(const CpuExec&, void* memory) noexcept;
/// Stream-ordered. During a capture the memory is kept until the context closes.
void release(const CudaExec&, void* memory) noexcept;

// --- Memory and the building of graphs ---------------------------------------------------------------------------

/// `rows` rows of `width` bytes on their way; they begin `pitch` bytes apart on each side. All are above 0.
struct RowsCopy {
  const void* from = nullptr;
  void* to = nullptr;
  std::int64_t rows = 0, width = 0;
  std::int64_t from_pitch = 0, to_pitch = 0;
};

/// An adjacency and the memory it points into.
struct AdjacencyStorage {
  Adjacency adjacency;
  std::vector<Tensor> memory;
};

/// One part of a batch on its way into a selection: where its nodes and slots begin in each, and how many they are.
/// A part's slots are the same range in in_edges and out_edges, because no edge leaves the part.
struct PartCopy {
  std::int64_t from_node, to_node, nodes;
  std::int64_t from_slot, to_slot, slots;
};

/// How many nodes and slots a selection's parts have together. What it has more are padding: nodes that are none of the
/// whole's, and loops of theirs.
struct PartsTotal {
  std::int64_t nodes, slots;
};

struct SelectArgs {
  const Adjacency* in = nullptr;
  const Adjacency* out = nullptr;
  const std::int32_t* slot_of_edge = nullptr;  // null: edge ids are slots
  const PartsTotal* total = nullptr;           // on the device, as parts
  const PartCopy* parts = nullptr;             // [count], some of which may have no nodes
  std::int64_t count = 0;
  std::int64_t largest = 0;           // about what the largest part has of nodes or slots
  std::int64_t nodes = 0, slots = 0;  // of the selection, padding included
  // Results. offsets are [nodes + 1], the last element included; the rest [slots], but node_map [nodes].
  std::int64_t* in_offset = nullptr;
  std::int64_t* out_offset = nullptr;
  std::int32_t* in_neighbor = nullptr;
  std::int32_t* out_neighbor = nullptr;
  std::int32_t* out_edge_id = nullptr;  // the slot in the selection's in_edges, which is its edge id
  std::int32_t* node_map = nullptr;     // GraphSelection::nodes
  std::int32_t* edge_map = nullptr;     // GraphSelection::edges
};

/// Edges on their way to those that are no loops. The last four are written; there is room for all edges.
struct DropLoopsArgs {
  std::int64_t edges = 0;
  const std::int32_t* source = nullptr;  // [edges], as destination
  const std::int32_t* destination = nullptr;
  std::int32_t* kept = nullptr;         // the numbers of those that are no loops
  std::int32_t* position = nullptr;     // [edges]: where an edge stands in `kept`, or -1
  std::int32_t* kept_source = nullptr;  // the ends of `kept`
  std::int32_t* kept_destination = nullptr;
};

/// A graph on its way to the graph between some of its nodes.
struct SubgraphArgs {
  const Adjacency* in = nullptr;
  const Adjacency* out = nullptr;
  const std::int32_t* slot_of_edge = nullptr;   // null: edge ids are slots
  const std::int32_t* selected = nullptr;       // [nodes], increasing
  const std::int64_t* graph_offsets = nullptr;  // [graphs + 1], of the whole, on the device
  std::int64_t nodes = 0, graphs = 0;
  std::int32_t* position = nullptr;  // [nodes of the whole]: where a node stands in `selected`, or -1
  std::int32_t* new_slot = nullptr;  // [edges of the whole], scratch
  // Results. offsets are [nodes + 1]; the rest has a row for each edge that stays.
  std::int64_t* in_offset = nullptr;
  std::int64_t* out_offset = nullptr;
  std::int32_t* in_neighbor = nullptr;
  std::int32_t* out_neighbor = nullptr;
  std::int32_t* out_edge_id = nullptr;  // the slot in the subgraph's in_edges, which is its edge id
  std::int32_t* edge_map = nullptr;     // GraphSelection::edges
};

/// Where the graphs of a subgraph begin, on the host: [graphs + 1] each.
struct SubgraphOffsets {
  std::vector<std::int64_t> nodes, slots;
};

void close_uploads(const CpuExec&, void* uploads) noexcept;
void close_uploads(const CudaExec&, void* uploads) noexcept;
void drop_recording(const CpuExec&, void* recording) noexcept;
void drop_recording(const CudaExec&, void* recording) noexcept;

#define WARPGNN_RUNTIME(Result, name, ...)                \
  Result name(const CpuExec& __VA_OPT__(, ) __VA_ARGS__); \
  Result name(const CudaExec& __VA_OPT__(, ) __VA_ARGS__);
#include "host/core/runtime.def"
#undef WARPGNN_RUNTIME

}  // namespace warpgnn::backend
