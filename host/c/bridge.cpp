// SPDX-License-Identifier: MIT
#include "host/c/bridge.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <new>

#include "warpgnn/error.hpp"

namespace warpgnn::c_interface {

namespace {

/// Room for any message of ours. It is no std::string, which could throw when memory is what is missing.
thread_local std::array<char, 1024> last_error{};

warpgnn_status keep(warpgnn_status status, const char* message) noexcept {
  std::snprintf(last_error.data(), last_error.size(), "%s", message);
  return status;
}

warpgnn_status status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return WARPGNN_INVALID_ARGUMENT;
    case ErrorCode::out_of_range: return WARPGNN_OUT_OF_RANGE;
    case ErrorCode::overflow: return WARPGNN_OVERFLOW;
    case ErrorCode::workspace_too_small: return WARPGNN_WORKSPACE_TOO_SMALL;
    case ErrorCode::not_built: return WARPGNN_NOT_BUILT;
    case ErrorCode::no_device: return WARPGNN_NO_DEVICE;
    case ErrorCode::out_of_memory: return WARPGNN_OUT_OF_MEMORY;
    case ErrorCode::device_failure: return WARPGNN_DEVICE_FAILURE;
    case ErrorCode::capturing: return WARPGNN_CAPTURING;
    case ErrorCode::io_failure: return WARPGNN_IO_FAILURE;
  }
  return WARPGNN_UNEXPECTED;
}

std::string full_name(const Place& place, const char* name) {
  if (place.outer == nullptr) return name;
  std::string full = place.outer;
  if (place.index >= 0) (full += '[').append(std::to_string(place.index)) += ']';
  return full + "." + name;
}

}  // namespace

warpgnn_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return keep(status_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return keep(WARPGNN_OUT_OF_MEMORY, "memory: the host has not enough");
  } catch (const std::exception& error) {
    return keep(WARPGNN_UNEXPECTED, error.what());
  } catch (...) {
    return keep(WARPGNN_UNEXPECTED, "unexpected: something that is no std::exception was thrown");
  }
}

void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

TensorView view_of(const Place& place, const char* name, const warpgnn_view& view) {
  if (view.ndim == 0 && view.data == nullptr) return {};
  const auto fail = [&](const std::string& message) { refuse(full_name(place, name) + ": " + message); };
  if (view.ndim < 1 || view.ndim > kMaxDims) {
    fail("expected 1 to " + std::to_string(kMaxDims) + " dimensions, got " + std::to_string(view.ndim));
  }
  expect_choice(place, name, "dtype", view.dtype, WARPGNN_DTYPE_BFLOAT16 + 1);
  if (view.device.type != WARPGNN_DEVICE_TYPE_CPU && view.device.type != WARPGNN_DEVICE_TYPE_CUDA) {
    fail("expected a device type of 1 (CPU) or 2 (CUDA), got " + std::to_string(view.device.type));
  }
  Layout layout;
  layout.dtype = static_cast<Dtype>(view.dtype);
  layout.device = Device{static_cast<DeviceType>(view.device.type), view.device.index};
  layout.ndim = view.ndim;
  for (std::size_t d = 0; d < static_cast<std::size_t>(view.ndim); ++d) {
    if (view.shape[d] < 0) {
      fail("expected no negative size, got " + std::to_string(view.shape[d]) + " in dimension " + std::to_string(d));
    }
    layout.shape[d] = view.shape[d];
    layout.stride[d] = view.stride[d];
  }
  return {layout, view.data};
}

TensorView view_of(const char* name, const warpgnn_view* view) {
  return view_of(Place{}, name, given(name, view));
}

warpgnn_view to_c(const TensorView& view) {
  warpgnn_view result{};
  if (!view.defined()) return result;
  result.data = view.data;
  result.dtype = static_cast<std::int32_t>(view.dtype);
  result.device = {static_cast<std::int32_t>(view.device.type), view.device.index};
  result.ndim = view.ndim;
  for (std::size_t d = 0; d < view.shape.size(); ++d) {
    result.shape[d] = view.shape[d];
    result.stride[d] = view.stride[d];
  }
  return result;
}

warpgnn_view to_c(const ConstTensorView& view) {
  return to_c(TensorView{view, const_cast<void*>(view.data)});
}

void expect_choice(const Place& place, const char* name, const char* type, std::int32_t value, std::int32_t count) {
  if (value >= 0 && value < count) return;
  refuse(full_name(place, name) + ": expected a " + type + " from 0 to " + std::to_string(count - 1) + ", got " +
         std::to_string(value));
}

Dtype checked_dtype(std::int32_t dtype) {
  return choice_of<Dtype>({}, "dtype", "number", dtype, WARPGNN_DTYPE_BFLOAT16 + 1);
}

Purpose purpose_of(std::int32_t purpose) {
  return choice_of<Purpose>({}, "purpose", "number", purpose, WARPGNN_PURPOSE_INFERENCE + 1);
}

std::span<const std::int64_t> shape_of(std::int32_t ndim, const std::int64_t* shape) {
  if (ndim < 1 || ndim > kMaxDims) {
    refuse("shape: expected 1 to " + std::to_string(kMaxDims) + " dimensions, got " + std::to_string(ndim));
  }
  return {&given("shape", shape), static_cast<std::size_t>(ndim)};
}

}  // namespace warpgnn::c_interface

const char* warpgnn_last_error(void) {
  return warpgnn::c_interface::last_error.data();
}

const char* warpgnn_status_name(warpgnn_status status) {
  switch (status) {
    case WARPGNN_OK: return "ok";
    case WARPGNN_INVALID_ARGUMENT: return "invalid argument";
    case WARPGNN_OUT_OF_RANGE: return "out of range";
    case WARPGNN_OVERFLOW: return "overflow";
    case WARPGNN_WORKSPACE_TOO_SMALL: return "workspace too small";
    case WARPGNN_NOT_BUILT: return "not built";
    case WARPGNN_NO_DEVICE: return "no device";
    case WARPGNN_OUT_OF_MEMORY: return "out of memory";
    case WARPGNN_DEVICE_FAILURE: return "device failure";
    case WARPGNN_CAPTURING: return "capturing";
    case WARPGNN_IO_FAILURE: return "input or output failure";
    case WARPGNN_UNEXPECTED: return "unexpected";
  }
  return "unknown";
}

const char* warpgnn_version(void) {
  return warpgnn::version();
}
