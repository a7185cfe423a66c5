// SPDX-License-Identifier: MIT
#include "call.hpp"

#include <dlfcn.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <utility>

namespace warpgnn::python {

namespace {

using torch::headeronly::ScalarType;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

Dtype dtype_of_tensor(const char* name, const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case ScalarType::Float: return Dtype::float32;
    case ScalarType::Double: return Dtype::float64;
    case ScalarType::Half: return Dtype::float16;
    case ScalarType::BFloat16: return Dtype::bfloat16;
    case ScalarType::Int: return Dtype::int32;
    case ScalarType::Long: return Dtype::int64;
    default:
      refuse(std::string(name) + ": expected float16, bfloat16, float32, float64, int32 or int64, got " +
             torch::headeronly::toString(tensor.scalar_type()));
  }
}

std::int32_t torch_dtype(Dtype dtype) {
  switch (dtype) {
    case Dtype::float32: return aoti_torch_dtype_float32();
    case Dtype::float64: return aoti_torch_dtype_float64();
    case Dtype::float16: return aoti_torch_dtype_float16();
    case Dtype::bfloat16: return aoti_torch_dtype_bfloat16();
    case Dtype::int32: return aoti_torch_dtype_int32();
    case Dtype::int64: return aoti_torch_dtype_int64();
  }
  refuse("dtype: expected one of the library's");
}

Device device_of(const char* name, const Tensor& tensor) {
  if (tensor.is_cpu()) return {};
  if (tensor.is_cuda()) return {DeviceType::cuda, tensor.get_device_index()};
  refuse(std::string(name) + ": expected a tensor on the CPU or a CUDA device");
}

/// PyTorch's current stream of a device: in a library that a PyTorch without CUDA does not have, so it is looked for.
void* current_stream(int device) {
  using Function = AOTITorchError (*)(std::int32_t, void**);
  static const auto function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "aoti_torch_get_current_cuda_stream"));
  void* stream = nullptr;
  if (function == nullptr || function(device, &stream) != 0) {
    throw Error(ErrorCode::no_device, "CUDA's current stream is not to be had from this PyTorch");
  }
  return stream;
}

/// A context serves one thread at a time, and costs more than a small op.
const Context& context_on(Device device) {
  if (device.type == DeviceType::cpu) {
    thread_local std::map<int, Context> contexts;
    const int threads = omp_get_max_threads();  // PyTorch's own number: both use one OpenMP runtime
    auto found = contexts.find(threads);
    if (found == contexts.end()) found = contexts.emplace(threads, Context::cpu(threads)).first;
    return found->second;
  }
  thread_local std::map<std::pair<int, void*>, Context> contexts;
  const std::pair key{device.index, current_stream(device.index)};
  auto found = contexts.find(key);
  if (found == contexts.end()) found = contexts.emplace(key, Context::cuda(key.first, key.second)).first;
  return found->second;
}

bool rows_contiguous(const Layout& layout) {
  std::int64_t expected = 1;
  for (int d = layout.ndim - 1; d >= 1; --d) {
    const auto k = static_cast<std::size_t>(d);
    if (layout.shape[k] != 1 && layout.stride[k] != expected) return false;
    expected *= layout.shape[k];
  }
  return true;
}

/// Rows that overlap, as those of sliding windows do, are apart in no layout that ops take.
bool rows_apart_or_one(const Layout& layout) {
  return layout.ndim == 0 || layout.shape[0] < 2 || layout.stride[0] == 0 || layout.stride[0] >= layout.row_size();
}

Layout layout_of(const char* name, const Tensor& tensor) {
  Layout layout{.dtype = dtype_of_tensor(name, tensor), .device = device_of(name, tensor)};
  const auto sizes = tensor.sizes();
  const auto strides = tensor.strides();
  if (sizes.size() == 0 || sizes.size() > static_cast<std::size_t>(kMaxDims)) {
    refuse(std::string(name) + ": expected 1 to " + std::to_string(kMaxDims) + " dimensions, got " +
           std::to_string(sizes.size()));
  }
  layout.ndim = static_cast<int>(sizes.size());
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    layout.shape[d] = sizes[d];
    layout.stride[d] = strides[d];
  }
  return layout;
}

/// What an empty tensor stands for in the list of a graph's parts.
ConstTensorView optional_part(const ConstTensorView& part) {
  return part.shape[0] == 0 ? ConstTensorView{} : part;
}

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::out_of_range: return "out_of_range";
    case ErrorCode::overflow: return "overflow";
    case ErrorCode::workspace_too_small: return "workspace_too_small";
    case ErrorCode::not_built: return "not_built";
    case ErrorCode::no_device: return "no_device";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::device_failure: return "device_failure";
    case ErrorCode::capturing: return "capturing";
    case ErrorCode::io_failure: return "io_failure";
  }
  return "error";
}

}  // namespace

Call::Call(const char* name, const Tensor& leading) : context_(context_on(device_of(name, leading))) {}

ConstTensorView Call::read(const char* name, const Tensor& tensor) {
  Layout layout = layout_of(name, tensor);
  if (rows_contiguous(layout) && rows_apart_or_one(layout)) return {layout, tensor.const_data_ptr()};
  kept_.push_back(torch::stable::contiguous(tensor));
  return {layout_of(name, kept_.back()), kept_.back().const_data_ptr()};
}

Graph Call::graph(const TensorList& parts) {
  constexpr std::size_t kAlways = 7, kTables = 4, kAll = kAlways + 2 * kTables;
  if (parts.size() != kAlways && parts.size() != kAll) {
    refuse("graph: expected " + std::to_string(kAlways) + " or " + std::to_string(kAll) + " tensors, got " +
           std::to_string(parts.size()));
  }
  const auto part = [&](std::size_t k) { return read("graph", parts[k]); };
  const ConstTensorView none{contiguous_layout(Dtype::int32, std::array<std::int64_t, 1>{0}, context_.device()),
                             nullptr};
  const auto direction = [&](std::size_t first, std::size_t tables) {
    AdjacencyParts adjacency{.offsets = part(first),
                             .neighbors = part(first + 1),
                             .edge_ids = part(first + 2),
                             .long_rows = none,
                             .first_chunks = none,
                             .chunk_owners = none};
    if (parts.size() == kAll) {
      adjacency.long_rows = part(tables);
      adjacency.first_chunks = part(tables + 1);
      adjacency.chunk_owners = part(tables + 2);
      adjacency.row_order = optional_part(part(tables + 3));
    }
    return adjacency;
  };
  GraphParts graph{.in_edges = direction(0, kAlways), .out_edges = direction(3, kAlways + kTables)};
  // A square graph counts as one of a batch, whose offsets no op on edges reads: they are here so that none are made.
  const std::int64_t rows = graph.in_edges.offsets.shape[0] - 1;
  const std::array<std::int64_t, 2> whole{0, rows};
  if (rows >= 0 && rows == graph.out_edges.offsets.shape[0] - 1) {
    graph.graph_offsets = part(6);
    graph.host_graph_offsets = view(whole.data(), {2});
  }
  return Graph::from_parts(context_, graph);
}

Graph Call::batch(const Tensor& offsets, const Tensor& host_offsets) {
  const ConstTensorView on_device = read("offsets", offsets), on_host = read("host_offsets", host_offsets);
  if (on_host.ndim != 1 || on_host.shape[0] < 1 || on_host.dtype != Dtype::int64 || on_host.device != Device{}) {
    refuse("host_offsets: expected [G + 1] int64 on the CPU");
  }
  const std::int64_t nodes = on_host.as<std::int64_t>()[on_host.shape[0] - 1];
  const Device device = context_.device();
  // Pools read no edges: what would say that each node has none is not there, and only named.
  const auto unread = [&](Dtype dtype, std::int64_t count) {
    return ConstTensorView{contiguous_layout(dtype, std::array{count}, device), on_device.data};
  };
  const AdjacencyParts none{.offsets = unread(Dtype::int64, std::max<std::int64_t>(nodes, 0) + 1),
                            .neighbors = unread(Dtype::int32, 0),
                            .edge_ids = unread(Dtype::int32, 0),
                            .long_rows = unread(Dtype::int32, 0),
                            .first_chunks = unread(Dtype::int32, 0),
                            .chunk_owners = unread(Dtype::int32, 0)};
  return Graph::from_parts(
      context_, {.in_edges = none, .out_edges = none, .graph_offsets = on_device, .host_graph_offsets = on_host});
}

AttentionDropout Call::dropout(double probability, const OptionalTensor& seed) {
  if (probability != 0 && !seed) refuse("seed: expected a tensor with dropout, got none");
  return {.probability = probability, .seed = 0, .counter = probability == 0 ? ConstTensorView{} : read("seed", seed)};
}

Tensor Call::empty(Dtype dtype, std::initializer_list<std::int64_t> shape) const {
  const Device device = context_.device();
  const Layout layout = contiguous_layout(dtype, {shape.begin(), shape.size()}, device);
  const std::int32_t type =
      device.type == DeviceType::cuda ? aoti_torch_device_type_cuda() : aoti_torch_device_type_cpu();
  AtenTensorHandle handle = nullptr;
  if (aoti_torch_empty_strided(layout.ndim, layout.shape.data(), layout.stride.data(), torch_dtype(dtype), type,
                               device.index, &handle) != 0) {
    throw Error(ErrorCode::out_of_memory,
                "PyTorch could not allocate " +
                    std::to_string(static_cast<std::size_t>(layout.count()) * size_of(dtype)) + " bytes");
  }
  return Tensor(handle);
}

Workspace Call::workspace(std::size_t bytes) {
  if (bytes == 0) return {};
  kept_.push_back(empty(Dtype::int64, {static_cast<std::int64_t>((bytes + 7) / 8)}));
  return {kept_.back().mutable_data_ptr(), bytes};
}

TensorView written(const Tensor& tensor) {
  return {layout_of("result", tensor), tensor.mutable_data_ptr()};
}

void run_boxed(const char* name, void (*boxed)(StableIValue*, std::uint64_t, std::uint64_t), StableIValue* stack,
               std::uint64_t arguments, std::uint64_t results) {
  try {
    boxed(stack, arguments, results);
  } catch (const Error& error) {
    throw std::runtime_error(std::string("warpgnn::") + name + ": " + name_of(error.code()) + ": " + error.what());
  }
}

}  // namespace warpgnn::python
