#pragma once

/// THE SEAM between the host side, which validates and settles, and the backends, which compute.
///
/// For each op of ops.def there is one overload for CpuExec (host/cpu) and one for CudaExec (kernels/, or no_cuda.cpp
/// in a build without CUDA, where each throws `not_built`). Linking decides; no caller has an #ifdef.
///
/// What a backend may rely on: the arguments have passed validation (host/*.cpp). What it must do: write every element
/// of every output given, in every corner of the domain: no rows, no edges, empty rows.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/cpu/level.hpp"
#include "warpgnn/warpgnn.hpp"

namespace warpgnn::backend {

/// Whether the loops of this level were built and this machine's processor can run them.
bool cpu_level_usable(CpuLevel level);

struct CpuExec {
  int threads = 1;
  CpuLevel level = CpuLevel::baseline;
};

struct CudaExec {
  int device = 0;
  void* stream = nullptr;   // cudaStream_t
  void* blas = nullptr;     // kernels::Blas
  int multiprocessors = 0;  // for the size of persistent grids
  void* memory = nullptr;   // kernels::MemoryPool
};

#define WARPGNN_OP(name, Args)            \
  void name(const CpuExec&, const Args&); \
  void name(const CudaExec&, const Args&);
#define WARPGNN_OP_WITH_WORKSPACE(name, Args)              \
  WARPGNN_OP(name, Args)                                   \
  std::size_t workspace_size(const CpuExec&, const Args&); \
  std::size_t workspace_size(const CudaExec&, const Args&);
#include "ops.def"
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE

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
  if (dtype == Dtype::float16) return std::forward<Function>(function)(Float16{});
  if (dtype == Dtype::bfloat16) return std::forward<Function>(function)(BFloat16{});
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

// --- Devices and memory -------------------------------------------------------------------------------------------

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

// On CUDA none of these but fill_zero is for a stream that is being captured: all are refused, but for release, which
// then keeps the memory until the context closes.
void* allocate(const CpuExec&, std::size_t bytes);  // aligned to kWorkspaceAlignment; never null for 0 bytes
void* allocate(const CudaExec&, std::size_t bytes);
void release(const CpuExec&, void* memory) noexcept;
void release(const CudaExec&, void* memory) noexcept;  // stream-ordered
void copy_from_host(const CpuExec&, void* target, const void* source, std::size_t bytes);
void copy_from_host(const CudaExec&, void* target, const void* source, std::size_t bytes);  // waits
void copy_to_host(const CpuExec&, void* target, const void* source, std::size_t bytes);
void copy_to_host(const CudaExec&, void* target, const void* source, std::size_t bytes);  // waits
void fill_zero(const CpuExec&, void* target, std::size_t bytes);
void fill_zero(const CudaExec&, void* target, std::size_t bytes);
void synchronize(const CpuExec&);
void synchronize(const CudaExec&);

// --- Building graphs ----------------------------------------------------------------------------------------------
// These may allocate and synchronise; their arguments lie on the executor's device unless said. Nodes, ids and counts
// have passed validation and fit int32.

/// An adjacency and the memory it points into.
struct AdjacencyStorage {
  Adjacency adjacency;
  std::vector<Tensor> memory;
};

/// Copies int32 or int64 ids to int32. Returns the first position whose id is not in [0, limit), or -1.
std::int64_t narrow_ids(const CpuExec&, const ConstTensorView& ids, std::int64_t limit, std::int32_t* narrowed);
std::int64_t narrow_ids(const CudaExec&, const ConstTensorView& ids, std::int64_t limit, std::int32_t* narrowed);

/// The first r with offset[r + 1] < offset[r], or -1. `offset` is [rows + 1].
std::int64_t find_decreasing(const CpuExec&, std::int64_t rows, const std::int64_t* offset);
std::int64_t find_decreasing(const CudaExec&, std::int64_t rows, const std::int64_t* offset);

/// row[s] = r for every slot s in [offset[r], offset[r + 1]).
void expand_rows(const CpuExec&, std::int64_t rows, const std::int64_t* offset, std::int32_t* row);
void expand_rows(const CudaExec&, std::int64_t rows, const std::int64_t* offset, std::int32_t* row);

/// Groups edges by row, stably, and finds the long rows. `row` and `neighbor` are [edges]. In the result edge_id is
/// null when the edges were in order already, unless keep_edge_id asks for it.
AdjacencyStorage build_adjacency(const Context&, const CpuExec&, std::int64_t rows, std::int64_t edges,
                                 const std::int32_t* row, const std::int32_t* neighbor, bool keep_edge_id);
AdjacencyStorage build_adjacency(const Context&, const CudaExec&, std::int64_t rows, std::int64_t edges,
                                 const std::int32_t* row, const std::int32_t* neighbor, bool keep_edge_id);

/// Fills adjacency.long_rows from rows and offset; memory is appended to storage.memory.
void find_long_rows(const Context&, const CpuExec&, AdjacencyStorage& storage);
void find_long_rows(const Context&, const CudaExec&, AdjacencyStorage& storage);

/// The edges in the caller's order, with `shift` added to every node: source[id], destination[id] for id in [0, edges).
void list_edges(const CpuExec&, const Adjacency& in, std::int32_t shift, std::int32_t* source,
                std::int32_t* destination);
void list_edges(const CudaExec&, const Adjacency& in, std::int32_t shift, std::int32_t* source,
                std::int32_t* destination);

/// typed[k] = node[k] * relations + relation[k] for k in [0, count).
void number_typed_nodes(const CpuExec&, std::int64_t count, const std::int32_t* node, const std::int32_t* relation,
                        std::int64_t relations, std::int32_t* typed);
void number_typed_nodes(const CudaExec&, std::int64_t count, const std::int32_t* node, const std::int32_t* relation,
                        std::int64_t relations, std::int32_t* typed);

/// The nodes, increasing, that SelfLoops asks to give a loop. `nodes` has room for all rows. Returns how many.
std::int64_t list_loop_nodes(const Context&, const CpuExec&, const Adjacency& in, SelfLoops which, std::int32_t* nodes);
std::int64_t list_loop_nodes(const Context&, const CudaExec&, const Adjacency& in, SelfLoops which,
                             std::int32_t* nodes);

/// The first row with a neighbor outside the row's own graph, or -1. `graph_offsets` is [graphs + 1].
std::int64_t find_crossing_row(const CpuExec&, const Adjacency&, std::int64_t graphs,
                               const std::int64_t* graph_offsets);
std::int64_t find_crossing_row(const CudaExec&, const Adjacency&, std::int64_t graphs,
                               const std::int64_t* graph_offsets);

/// slot_of_edge[edge_id[s]] = s. `in.edge_id` is not null.
void invert_edge_ids(const CpuExec&, const Adjacency& in, std::int32_t* slot_of_edge);
void invert_edge_ids(const CudaExec&, const Adjacency& in, std::int32_t* slot_of_edge);

/// One part of a batch on its way into a selection: where its nodes and slots begin in each, and how many they are.
/// A part's slots are the same range in in_edges and out_edges, because no edge leaves the part.
struct PartCopy {
  std::int64_t from_node, to_node, nodes;
  std::int64_t from_slot, to_slot, slots;
};

struct SelectArgs {
  const Adjacency* in = nullptr;
  const Adjacency* out = nullptr;
  const std::int32_t* slot_of_edge = nullptr;  // null: edge ids are slots
  const PartCopy* parts = nullptr;             // [count]
  std::int64_t count = 0;
  std::int64_t nodes = 0, slots = 0;  // of the selection
  // Results. offsets are [nodes + 1], the last element included; the rest [slots], but node_map [nodes].
  std::int64_t* in_offset = nullptr;
  std::int64_t* out_offset = nullptr;
  std::int32_t* in_neighbor = nullptr;
  std::int32_t* out_neighbor = nullptr;
  std::int32_t* out_edge_id = nullptr;  // the slot in the selection's in_edges, which is its edge id
  std::int32_t* node_map = nullptr;     // GraphSelection::nodes
  std::int32_t* edge_map = nullptr;     // GraphSelection::edges
};
void select_parts(const CpuExec&, const SelectArgs&);
void select_parts(const CudaExec&, const SelectArgs&);

/// The first k with ids[k + 1] <= ids[k], or -1.
std::int64_t find_not_increasing(const CpuExec&, std::int64_t count, const std::int32_t* ids);
std::int64_t find_not_increasing(const CudaExec&, std::int64_t count, const std::int32_t* ids);

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

/// Fills position and both offsets; the rest is done by fill_subgraph, once its size is known.
SubgraphOffsets count_subgraph(const CpuExec&, const SubgraphArgs&);
SubgraphOffsets count_subgraph(const CudaExec&, const SubgraphArgs&);
void fill_subgraph(const CpuExec&, const SubgraphArgs&);
void fill_subgraph(const CudaExec&, const SubgraphArgs&);

}  // namespace warpgnn::backend
