// SPDX-License-Identifier: MIT
#include "host/graph/arguments.hpp"

#include <limits>

#include "host/core/dispatch.hpp"

namespace warpgnn {

namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

bool is_index(Dtype dtype) {
  return dtype == Dtype::int32 || dtype == Dtype::int64;
}

}  // namespace

void expect_count(const std::string& name, std::int64_t count) {
  if (count < 0) {
    throw Error(ErrorCode::invalid_argument, name + ": expected 0 or more, got " + std::to_string(count));
  }
  if (count > kMaxCount) {
    throw Error(ErrorCode::overflow,
                name + ": expected at most " + std::to_string(kMaxCount) + ", got " + std::to_string(count));
  }
}

void expect_vector(const std::string& name, const ConstTensorView& view, bool dtype_fits, const char* dtypes) {
  if (!view.defined() || view.ndim != 1) {
    throw Error(ErrorCode::invalid_argument, name + ": expected a vector, got " +
                                                 (view.defined() ? std::to_string(view.ndim) + " dimensions" : "none"));
  }
  if (!dtype_fits) {
    throw Error(ErrorCode::invalid_argument, name + ": expected " + dtypes + ", got " + name_of(view.dtype));
  }
  if (view.stride[0] != 1 && view.shape[0] > 1) {
    throw Error(ErrorCode::invalid_argument, name + ": expected contiguous elements");
  }
  if (view.data == nullptr && view.shape[0] > 0) {
    throw Error(ErrorCode::invalid_argument, name + ": expected memory, got a null pointer");
  }
}

void expect_ids(const char* name, const ConstTensorView& ids) {
  expect_vector(name, ids, is_index(ids.dtype), "int32 or int64");
}

void expect_on_device(const Context& context, const Graph& graph) {
  if (graph.device() != context.device()) {
    throw Error(ErrorCode::invalid_argument, "graph: expected a graph on the context's device");
  }
}

void expect_offsets(const char* name, std::span<const std::int64_t> offsets, std::int64_t nodes) {
  if (offsets.front() != 0 || offsets.back() != nodes) {
    throw Error(ErrorCode::out_of_range, std::string(name) + ": expected to begin with 0 and end with " +
                                             std::to_string(nodes) + ", got " + std::to_string(offsets.front()) +
                                             " and " + std::to_string(offsets.back()));
  }
  for (std::size_t g = 1; g < offsets.size(); ++g) {
    if (offsets[g] < offsets[g - 1]) {
      throw Error(ErrorCode::invalid_argument,
                  std::string(name) + ": expected never to decrease, element " + std::to_string(g) + " does");
    }
  }
}

std::vector<std::int64_t> checked_graph_offsets(const ConstTensorView& given, std::int64_t sources,
                                                std::int64_t destinations) {
  if (!given.defined()) {
    if (sources == destinations) return {0, sources};
    return {};
  }
  expect_vector("graph_offsets", given, given.dtype == Dtype::int64, "int64");
  if (given.device.type != DeviceType::cpu) {
    throw Error(ErrorCode::invalid_argument, "graph_offsets: expected host memory");
  }
  if (sources != destinations) {
    throw Error(ErrorCode::invalid_argument,
                "graph_offsets: expected as many sources as destinations in a batch, got " + std::to_string(sources) +
                    " and " + std::to_string(destinations));
  }
  if (given.shape[0] < 1) throw Error(ErrorCode::invalid_argument, "graph_offsets: expected at least 1 element, got 0");
  const std::int64_t* const offsets = given.as<std::int64_t>();
  std::vector<std::int64_t> checked(offsets, offsets + given.shape[0]);
  expect_offsets("graph_offsets", checked, sources);
  return checked;
}

ConstTensorView on_device(const Context& context, const char* name, const ConstTensorView& view, Tensor& storage) {
  if (view.device == context.device()) return view;
  if (view.device.type != DeviceType::cpu) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected memory of the host or of the context's device");
  }
  storage.resize(context, view.dtype, {view.shape[0]});
  storage.copy_from_host(view.data, storage.bytes());
  return storage;
}

Tensor narrowed_ids(const Context& context, const char* name, const ConstTensorView& given, std::int64_t limit) {
  Tensor uploaded;
  const ConstTensorView ids = on_device(context, name, given, uploaded);
  Tensor narrowed(context, Dtype::int32, {ids.shape[0]});
  const std::int64_t bad = with_exec(context, [&](const auto& exec) {
    return backend::narrow_ids(exec, ids, limit, narrowed.view().as<std::int32_t>());
  });
  if (bad >= 0) {
    throw Error(ErrorCode::out_of_range, std::string(name) + ": expected ids in [0, " + std::to_string(limit) +
                                             "), element " + std::to_string(bad) + " is not");
  }
  return narrowed;
}

}  // namespace warpgnn
