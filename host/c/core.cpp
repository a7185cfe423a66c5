// SPDX-License-Identifier: MIT
// Views, contexts, tensors and workspaces.

#include "warpgnn/c/core.h"

#include "host/c/bridge.hpp"

using warpgnn::ConstTensorView;
using warpgnn::Context;
using warpgnn::Device;
using warpgnn::DeviceType;
using warpgnn::Dtype;
using warpgnn::ErrorCode;
using warpgnn::Purpose;
using warpgnn::SelfLoops;
using warpgnn::Tensor;
using warpgnn::TensorView;
using warpgnn::Workspace;
using namespace warpgnn::c_interface;

namespace {

// The choices that are not generated have the values of their twins.
static_assert(WARPGNN_DTYPE_FLOAT32 == int(Dtype::float32) && WARPGNN_DTYPE_FLOAT64 == int(Dtype::float64));
static_assert(WARPGNN_DTYPE_INT32 == int(Dtype::int32) && WARPGNN_DTYPE_INT64 == int(Dtype::int64));
static_assert(WARPGNN_DTYPE_FLOAT16 == int(Dtype::float16) && WARPGNN_DTYPE_BFLOAT16 == int(Dtype::bfloat16));
static_assert(WARPGNN_DEVICE_TYPE_CPU == int(DeviceType::cpu) && WARPGNN_DEVICE_TYPE_CUDA == int(DeviceType::cuda));
static_assert(WARPGNN_PURPOSE_TRAINING == int(Purpose::training));
static_assert(WARPGNN_PURPOSE_INFERENCE == int(Purpose::inference));
static_assert(WARPGNN_SELF_LOOPS_ALL_NODES == int(SelfLoops::all_nodes));
static_assert(WARPGNN_SELF_LOOPS_WHERE_MISSING == int(SelfLoops::where_missing));
static_assert(WARPGNN_MAX_DIMS == warpgnn::kMaxDims && WARPGNN_WORKSPACE_ALIGNMENT == warpgnn::kWorkspaceAlignment);

bool is_dtype(warpgnn_dtype dtype) {
  return dtype >= WARPGNN_DTYPE_FLOAT32 && dtype <= WARPGNN_DTYPE_BFLOAT16;
}

template <class Open>
warpgnn_status create_context(warpgnn_context** context, Open&& open) {
  return guarded([&] {
    warpgnn_context*& made = given("context", context);
    const Context opened = open();
    made = new warpgnn_context{opened, opened.description()};
  });
}

/// Gives the tensor that `make` makes.
template <class Make>
warpgnn_status create_tensor(warpgnn_tensor** tensor, Make&& make) {
  return guarded([&] {
    given("tensor", tensor);
    hand_over(tensor, std::make_unique<warpgnn_tensor>(make()));
  });
}

/// What `change` makes of a view.
template <class Change>
warpgnn_status change_view(const char* name, const warpgnn_view* from, warpgnn_view* view, Change&& change) {
  return guarded([&] {
    const TensorView tensor = view_of(name, from);
    given("view", view) = to_c(change(tensor));
  });
}

}  // namespace

size_t warpgnn_dtype_size(warpgnn_dtype dtype) {
  return is_dtype(dtype) ? warpgnn::size_of(static_cast<Dtype>(dtype)) : 0;
}

const char* warpgnn_dtype_name(warpgnn_dtype dtype) {
  return is_dtype(dtype) ? warpgnn::name_of(static_cast<Dtype>(dtype)) : "unknown";
}

// --- Views -----------------------------------------------------------------------------------------------------------

warpgnn_status warpgnn_contiguous_view(const void* data, warpgnn_dtype dtype, warpgnn_device device, int32_t ndim,
                                       const int64_t* shape, warpgnn_view* view) {
  return guarded([&] {
    if (device.type != WARPGNN_DEVICE_TYPE_CPU && device.type != WARPGNN_DEVICE_TYPE_CUDA) {
      refuse("device: expected a type of 1 (CPU) or 2 (CUDA), got " + std::to_string(device.type));
    }
    const Device place{static_cast<DeviceType>(device.type), device.index};
    const warpgnn::Layout layout = warpgnn::contiguous_layout(checked_dtype(dtype), shape_of(ndim, shape), place);
    given("view", view) = to_c(ConstTensorView{layout, data});
  });
}

warpgnn_status warpgnn_reshape(const warpgnn_view* tensor, int32_t ndim, const int64_t* shape, warpgnn_view* view) {
  return change_view("tensor", tensor, view, [&](const TensorView& from) {
    const auto sizes = shape_of(ndim, shape);
    if (!from.defined()) refuse("tensor: expected a tensor, got none");
    if (ndim == 1) return warpgnn::reshape(from, {sizes[0]});
    if (ndim == 2) return warpgnn::reshape(from, {sizes[0], sizes[1]});
    return warpgnn::reshape(from, {sizes[0], sizes[1], sizes[2]});
  });
}

warpgnn_status warpgnn_rows(const warpgnn_view* tensor, int64_t first, int64_t count, warpgnn_view* view) {
  return change_view("tensor", tensor, view, [&](const TensorView& from) { return rows(from, first, count); });
}

warpgnn_status warpgnn_columns(const warpgnn_view* matrix, int64_t first, int64_t count, warpgnn_view* view) {
  return change_view("matrix", matrix, view, [&](const TensorView& from) { return columns(from, first, count); });
}

// --- Contexts --------------------------------------------------------------------------------------------------------

warpgnn_status warpgnn_context_create_cpu(int32_t threads, warpgnn_context** context) {
  return create_context(context, [&] { return Context::cpu(threads); });
}

warpgnn_status warpgnn_context_create_cuda(int32_t device, warpgnn_context** context) {
  return create_context(context, [&] { return Context::cuda(device); });
}

warpgnn_status warpgnn_context_create_cuda_on_stream(int32_t device, void* stream, warpgnn_context** context) {
  return create_context(context, [&] { return Context::cuda(device, stream); });
}

warpgnn_status warpgnn_context_create_best(int32_t threads, warpgnn_context** context) {
  return create_context(context, [&] { return Context::best(threads); });
}

void warpgnn_context_destroy(warpgnn_context* context) {
  delete context;
}

warpgnn_status warpgnn_context_description(const warpgnn_context* context, const char** description) {
  return guarded([&] {
    const warpgnn_context& of = given("context", context);
    given("description", description) = of.description.c_str();
  });
}

warpgnn_status warpgnn_context_device(const warpgnn_context* context, warpgnn_device* device) {
  return guarded([&] {
    const Device place = context_of(context).device();
    given("device", device) = {static_cast<warpgnn_device_type>(place.type), place.index};
  });
}

warpgnn_status warpgnn_context_threads(const warpgnn_context* context, int32_t* threads) {
  return guarded([&] {
    const Context& of = context_of(context);
    given("threads", threads) = of.threads();
  });
}

warpgnn_status warpgnn_context_stream(const warpgnn_context* context, void** stream) {
  return guarded([&] {
    const Context& of = context_of(context);
    given("stream", stream) = of.stream();
  });
}

warpgnn_status warpgnn_context_synchronize(const warpgnn_context* context) {
  return guarded([&] { context_of(context).synchronize(); });
}

bool warpgnn_cuda_built(void) {
  return warpgnn::cuda_built();
}

int32_t warpgnn_cuda_device_count(void) {
  int32_t count = 0;
  guarded([&] { count = warpgnn::cuda_device_count(); });
  return count;
}

// --- Tensors ---------------------------------------------------------------------------------------------------------

warpgnn_status warpgnn_tensor_create(const warpgnn_context* context, warpgnn_dtype dtype, int32_t ndim,
                                     const int64_t* shape, warpgnn_tensor** tensor) {
  return create_tensor(tensor,
                       [&] { return Tensor(context_of(context), checked_dtype(dtype), shape_of(ndim, shape)); });
}

warpgnn_status warpgnn_tensor_create_from_host(const warpgnn_context* context, warpgnn_dtype dtype, int32_t ndim,
                                               const int64_t* shape, const void* values, size_t bytes,
                                               warpgnn_tensor** tensor) {
  return create_tensor(tensor, [&] {
    Tensor made(context_of(context), checked_dtype(dtype), shape_of(ndim, shape));
    if (bytes > 0) given("values", static_cast<const char*>(values));
    made.copy_from_host(values, bytes);
    return made;
  });
}

warpgnn_status warpgnn_tensor_create_like(const warpgnn_context* context, const warpgnn_view* like,
                                          warpgnn_tensor** tensor) {
  return create_tensor(tensor, [&] { return empty_like(context_of(context), view_of("like", like)); });
}

void warpgnn_tensor_destroy(warpgnn_tensor* tensor) {
  delete tensor;
}

warpgnn_view warpgnn_tensor_view(const warpgnn_tensor* tensor) {
  return tensor == nullptr ? warpgnn_view{} : to_c(tensor->tensor.view());
}

warpgnn_status warpgnn_tensor_bytes(const warpgnn_tensor* tensor, size_t* bytes) {
  return guarded([&] {
    const Tensor& of = given("tensor", tensor).tensor;
    given("bytes", bytes) = of.bytes();
  });
}

warpgnn_status warpgnn_tensor_resize(const warpgnn_context* context, warpgnn_tensor* tensor, warpgnn_dtype dtype,
                                     int32_t ndim, const int64_t* shape) {
  return guarded([&] {
    const Context& on = context_of(context);
    given("tensor", tensor).tensor.resize(on, checked_dtype(dtype), shape_of(ndim, shape));
  });
}

warpgnn_status warpgnn_tensor_fill_zero(warpgnn_tensor* tensor) {
  return guarded([&] { given("tensor", tensor).tensor.fill_zero(); });
}

warpgnn_status warpgnn_tensor_copy_from_host(warpgnn_tensor* tensor, const void* source, size_t bytes) {
  return guarded([&] {
    Tensor& to = given("tensor", tensor).tensor;
    if (bytes > 0) given("source", static_cast<const char*>(source));
    to.copy_from_host(source, bytes);
  });
}

warpgnn_status warpgnn_tensor_copy_to_host(const warpgnn_tensor* tensor, void* target, size_t bytes) {
  return guarded([&] {
    const Tensor& from = given("tensor", tensor).tensor;
    if (bytes > 0) given("target", static_cast<char*>(target));
    from.copy_to_host(target, bytes);
  });
}

warpgnn_status warpgnn_copy(const warpgnn_context* context, const warpgnn_view* from, const warpgnn_view* to) {
  return guarded([&] {
    const Context& on = context_of(context);
    const TensorView source = view_of("from", from), target = view_of("to", to);
    copy(on, source, target);
  });
}

warpgnn_status warpgnn_copy_to_host(const warpgnn_context* context, const warpgnn_view* from, void* to, size_t bytes) {
  return guarded([&] {
    const Context& on = context_of(context);
    const TensorView source = view_of("from", from);
    if (bytes > 0) given("to", static_cast<char*>(to));
    copy_to_host(on, source, to, bytes);
  });
}

warpgnn_status warpgnn_copy_from_host(const warpgnn_context* context, const void* from, size_t bytes,
                                      const warpgnn_view* to) {
  return guarded([&] {
    const Context& on = context_of(context);
    if (bytes > 0) given("from", static_cast<const char*>(from));
    copy_from_host(on, from, bytes, view_of("to", to));
  });
}

// --- What ops write, and what they need meanwhile --------------------------------------------------------------------

void warpgnn_owned_destroy(warpgnn_owned* owned) {
  delete owned;
}

warpgnn_status warpgnn_workspace_create(warpgnn_workspace** workspace) {
  return guarded([&] { given("workspace", workspace) = new warpgnn_workspace; });
}

warpgnn_status warpgnn_workspace_create_on(void* data, size_t bytes, warpgnn_workspace** workspace) {
  return guarded([&] {
    warpgnn_workspace*& made = given("workspace", workspace);
    if (bytes > 0) given("data", static_cast<char*>(data));
    made = new warpgnn_workspace{.grows = false, .given = Workspace{data, bytes}};
  });
}

warpgnn_status warpgnn_workspace_reserve(const warpgnn_context* context, warpgnn_workspace* workspace, size_t bytes) {
  return guarded([&] {
    const Context& on = context_of(context);
    warpgnn_workspace& reserved = given("workspace", workspace);
    if (reserved.grows) {
      reserved.buffer.reserve(on, bytes);
    } else if (reserved.given.bytes < bytes) {
      throw warpgnn::Error(ErrorCode::workspace_too_small, "workspace: expected at least " + std::to_string(bytes) +
                                                               " bytes, got " + std::to_string(reserved.given.bytes));
    }
  });
}

void warpgnn_workspace_destroy(warpgnn_workspace* workspace) {
  delete workspace;
}
