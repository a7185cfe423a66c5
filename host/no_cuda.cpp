// The CUDA side of the seam in a build without CUDA: nothing is there, and every call says so.

#include "backend.hpp"

namespace warpgnn::backend {

namespace {

[[noreturn]] void not_built() {
  throw Error(ErrorCode::not_built, "device: this library was built without CUDA");
}

}  // namespace

#define WARPGNN_OP(name, Args)              \
  void name(const CudaExec&, const Args&) { \
    not_built();                            \
  }
#define WARPGNN_OP_WITH_WORKSPACE(name, Args)                \
  WARPGNN_OP(name, Args)                                     \
  std::size_t workspace_size(const CudaExec&, const Args&) { \
    not_built();                                             \
  }
#include "ops.def"
#undef WARPGNN_OP
#undef WARPGNN_OP_WITH_WORKSPACE

bool cuda_built() {
  return false;
}
int cuda_device_count() {
  return 0;
}
std::string cuda_unavailable_reason() {
  return "built without CUDA";
}
CudaExec cuda_open(int, std::optional<void*>) {
  not_built();
}
void cuda_close(const CudaExec&, bool) noexcept {}
std::string cuda_device_name(const CudaExec&) {
  not_built();
}

int activate_device(int device) noexcept {
  return device;
}

bool is_capturing(const CudaExec&) noexcept {
  return false;
}
void expect_no_capture(const CudaExec&, const std::string&) {}
void* allocate(const CudaExec&, std::size_t) {
  not_built();
}
void release(const CudaExec&, void*) noexcept {}
void copy_from_host(const CudaExec&, void*, const void*, std::size_t) {
  not_built();
}
void copy_to_host(const CudaExec&, void*, const void*, std::size_t) {
  not_built();
}
void fill_zero(const CudaExec&, void*, std::size_t) {
  not_built();
}
void synchronize(const CudaExec&) {
  not_built();
}

std::int64_t narrow_ids(const CudaExec&, const ConstTensorView&, std::int64_t, std::int32_t*) {
  not_built();
}
std::int64_t find_decreasing(const CudaExec&, std::int64_t, const std::int64_t*) {
  not_built();
}
void expand_rows(const CudaExec&, std::int64_t, const std::int64_t*, std::int32_t*) {
  not_built();
}
AdjacencyStorage build_adjacency(const Context&, const CudaExec&, std::int64_t, std::int64_t, const std::int32_t*,
                                 const std::int32_t*, bool) {
  not_built();
}
void find_long_rows(const Context&, const CudaExec&, AdjacencyStorage&) {
  not_built();
}
void list_edges(const CudaExec&, const Adjacency&, std::int32_t, std::int32_t*, std::int32_t*) {
  not_built();
}
void number_typed_nodes(const CudaExec&, std::int64_t, const std::int32_t*, const std::int32_t*, std::int64_t,
                        std::int32_t*) {
  not_built();
}
std::int64_t list_loop_nodes(const Context&, const CudaExec&, const Adjacency&, SelfLoops, std::int32_t*) {
  not_built();
}
std::int64_t find_crossing_row(const CudaExec&, const Adjacency&, std::int64_t, const std::int64_t*) {
  not_built();
}
void invert_edge_ids(const CudaExec&, const Adjacency&, std::int32_t*) {
  not_built();
}
void select_parts(const CudaExec&, const SelectArgs&) {
  not_built();
}
std::int64_t find_not_increasing(const CudaExec&, std::int64_t, const std::int32_t*) {
  not_built();
}
SubgraphOffsets count_subgraph(const CudaExec&, const SubgraphArgs&) {
  not_built();
}
void fill_subgraph(const CudaExec&, const SubgraphArgs&) {
  not_built();
}

}  // namespace warpgnn::backend
