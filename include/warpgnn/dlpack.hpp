// SPDX-License-Identifier: MIT
#pragma once

/// Tensors from and to other frameworks by DLPack, without a copy. The one header that needs <dlpack/dlpack.h> (Debian:
/// libdlpack-dev); the library itself does not know it. Where another copy of DLPack's header was included before, that
/// one is used.
///
/// What is exchanged: float32, float64, float16, bfloat16, int32 and int64, one lane; memory of the CPU (also if it is
/// pinned for CUDA) or of a CUDA device; up to kMaxDims dimensions, where a scalar counts as a vector of one element.
///
/// Streams. Nothing here waits. What was given to another stream must be done with the memory, or ordered before, when
/// an op uses it, and the other way round: Context::synchronize(), an event, or one stream on both sides.

#ifndef DLPACK_DLPACK_H_
#if !__has_include(<dlpack/dlpack.h>)
#error "warpgnn/dlpack.hpp needs <dlpack/dlpack.h>: install libdlpack-dev, or include your framework's copy before"
#endif
#include <dlpack/dlpack.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "warpgnn/error.hpp"
#include "warpgnn/tensor.hpp"

// DLPack 1.0 brought the versioned struct.
#if defined(DLPACK_MAJOR_VERSION)
#if DLPACK_MAJOR_VERSION >= 1
#define WARPGNN_DLPACK_VERSIONED 1
#endif
#endif

namespace warpgnn {

namespace detail {

[[noreturn]] inline void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, "tensor: " + message);
}

inline Dtype dtype_from(const DLDataType& type) {
  if (type.lanes == 1) {
    if (type.code == kDLFloat && type.bits == 32) return Dtype::float32;
    if (type.code == kDLFloat && type.bits == 64) return Dtype::float64;
    if (type.code == kDLFloat && type.bits == 16) return Dtype::float16;
    if (type.code == kDLBfloat && type.bits == 16) return Dtype::bfloat16;
    if (type.code == kDLInt && type.bits == 32) return Dtype::int32;
    if (type.code == kDLInt && type.bits == 64) return Dtype::int64;
  }
  refuse("expected float32, float64, float16, bfloat16, int32 or int64, got DLPack's type code " +
         std::to_string(static_cast<int>(type.code)) + " with " + std::to_string(static_cast<int>(type.bits)) +
         " bits and " + std::to_string(static_cast<int>(type.lanes)) + " lanes");
}

inline DLDataType type_of(Dtype dtype) {
  const auto bits = static_cast<std::uint8_t>(8 * size_of(dtype));
  switch (dtype) {
    case Dtype::int32:
    case Dtype::int64: return {kDLInt, bits, 1};
    case Dtype::bfloat16: return {kDLBfloat, bits, 1};
    default: return {kDLFloat, bits, 1};
  }
}

inline Device device_from(const DLDevice& device) {
  if (device.device_type == kDLCPU || device.device_type == kDLCUDAHost) return Device{DeviceType::cpu, 0};
  if (device.device_type == kDLCUDA) return Device{DeviceType::cuda, device.device_id};
  refuse("expected memory of the CPU or of a CUDA device, got DLPack's device type " +
         std::to_string(static_cast<int>(device.device_type)));
}

/// The checked layout; strides are those of a contiguous tensor where none are given.
inline Layout layout_from(const DLTensor& tensor) {
  if (tensor.ndim < 0 || tensor.ndim > kMaxDims) {
    refuse("expected at most " + std::to_string(kMaxDims) + " dimensions, got " + std::to_string(tensor.ndim));
  }
  if (tensor.ndim > 0 && tensor.shape == nullptr) refuse("expected a shape, got a null pointer");
  const Dtype dtype = dtype_from(tensor.dtype);
  const Device device = device_from(tensor.device);
  const std::array<std::int64_t, 1> scalar{1};
  if (tensor.ndim == 0) return contiguous_layout(dtype, scalar, device);
  const std::span<const std::int64_t> shape(tensor.shape, static_cast<std::size_t>(tensor.ndim));
  Layout layout = contiguous_layout(dtype, shape, device);
  if (tensor.strides != nullptr) std::copy_n(tensor.strides, tensor.ndim, layout.stride.begin());
  return layout;
}

/// Where the first element lies; null without memory.
inline void* data_of(const DLTensor& tensor, const Layout& layout) {
  if (tensor.data == nullptr) {
    if (layout.count() > 0) refuse("expected memory, got a null pointer");
    return nullptr;
  }
  char* const data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  if (layout.count() > 0 && reinterpret_cast<std::uintptr_t>(data) % size_of(layout.dtype) != 0) {
    refuse(std::string("expected memory that is aligned for ") + name_of(layout.dtype));
  }
  return data;
}

}  // namespace detail

/// A view of a framework's tensor, whose memory stays with the framework.
///
/// Errors. `invalid_argument` for a type, device, number of dimensions or lanes, or alignment that is not exchanged, a
/// negative size, and memory that is not there; `overflow` for bytes beyond 64 bits. Ops refuse layouts that they do
/// not take, such as transposed ones.
inline TensorView from_dlpack(const DLTensor& tensor) {
  const Layout layout = detail::layout_from(tensor);
  return TensorView{layout, detail::data_of(tensor, layout)};
}

/// A framework's tensor that was handed over. Its deleter is called once, when this goes or takes another. Move-only.
class ImportedTensor {
 public:
  ImportedTensor() = default;
  ImportedTensor(ImportedTensor&& other) noexcept
      : holder_(std::move(other.holder_)), view_(std::exchange(other.view_, {})), read_only_(other.read_only_) {}
  ImportedTensor& operator=(ImportedTensor&& other) noexcept {
    holder_ = std::move(other.holder_);
    view_ = std::exchange(other.view_, {});
    read_only_ = other.read_only_;
    return *this;
  }
  /// Takes `managed` over in any case: where it throws, as from_dlpack does, the deleter has been called. (A Python
  /// capsule is renamed to used_dltensor before.)
  explicit ImportedTensor(DLManagedTensor* managed) : holder_(managed, &release<DLManagedTensor>) { open(managed); }

#ifdef WARPGNN_DLPACK_VERSIONED
  /// The same; refuses with `invalid_argument` another major version than this header's.
  explicit ImportedTensor(DLManagedTensorVersioned* managed) : holder_(managed, &release<DLManagedTensorVersioned>) {
    if (managed != nullptr && managed->version.major != DLPACK_MAJOR_VERSION) {
      detail::refuse("expected DLPack " + std::to_string(DLPACK_MAJOR_VERSION) + ", got version " +
                     std::to_string(managed->version.major) + "." + std::to_string(managed->version.minor));
    }
    open(managed);
    read_only_ = (managed->flags & DLPACK_FLAG_BITMASK_READ_ONLY) != 0;
  }
#endif

  bool defined() const {
    return view_.defined();
  }
  ConstTensorView view() const {
    return view_;
  }
  operator ConstTensorView() const {
    return view_;
  }
  /// For ops that write it. Throws `invalid_argument` where the framework says that nobody may.
  TensorView writable() const {
    if (read_only_) detail::refuse("expected memory that may be written, got a read-only tensor");
    return view_;
  }

 private:
  template <class Managed>
  static void release(void* memory) {
    auto* const managed = static_cast<Managed*>(memory);
    if (managed->deleter != nullptr) managed->deleter(managed);
  }

  template <class Managed>
  void open(const Managed* managed) {
    if (managed == nullptr) detail::refuse("expected a tensor, got a null pointer");
    view_ = from_dlpack(managed->dl_tensor);
  }

  std::unique_ptr<void, void (*)(void*)> holder_{nullptr, nullptr};
  TensorView view_{};
  bool read_only_ = false;
};

namespace detail {

/// What an exported tensor lives in: the struct, its shape and strides, and what keeps the memory.
template <class Managed>
struct Exported {
  Managed managed{};
  std::array<std::int64_t, kMaxDims> shape{}, stride{};
  std::shared_ptr<const void> owner;

  static void release(Managed* managed) { delete static_cast<Exported*>(managed->manager_ctx); }
};

template <class Managed>
Managed* export_view(const ConstTensorView& tensor, std::shared_ptr<const void>&& owner) {
  if (!tensor.defined()) refuse("expected a tensor, got none");
  auto* const exported = new (std::nothrow) Exported<Managed>;
  if (exported == nullptr) throw Error(ErrorCode::out_of_memory, "memory: the host has not enough for a DLPack tensor");
  exported->shape = tensor.shape;
  exported->stride = tensor.stride;
  exported->owner = std::move(owner);
  Managed& managed = exported->managed;
  managed.dl_tensor = DLTensor{};
  managed.dl_tensor.data = const_cast<void*>(tensor.data);  // DLPack has no other type for what is only read
  managed.dl_tensor.device.device_type = tensor.device.type == DeviceType::cpu ? kDLCPU : kDLCUDA;
  managed.dl_tensor.device.device_id = tensor.device.index;
  managed.dl_tensor.ndim = tensor.ndim;
  managed.dl_tensor.dtype = type_of(tensor.dtype);
  managed.dl_tensor.shape = exported->shape.data();
  managed.dl_tensor.strides = exported->stride.data();
  managed.manager_ctx = exported;
  managed.deleter = &Exported<Managed>::release;
  return &managed;
}

template <class Managed>
Managed* export_tensor(Tensor&& tensor) {
  if (!tensor.defined()) refuse("expected a tensor, got none");
  const TensorView view = tensor;
  std::shared_ptr<const void> owner;
  try {
    owner = std::make_shared<const Tensor>(std::move(tensor));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "memory: the host has not enough for a DLPack tensor");
  }
  return export_view<Managed>(view, std::move(owner));
}

}  // namespace detail

/// Hands a view to a framework, which calls the result's deleter once when it is done. `owner` is kept until then.
/// This struct cannot say that memory is only to be read: of a ConstTensorView the framework must know.
/// Throws `invalid_argument` for an undefined view.
inline DLManagedTensor* to_dlpack(const TensorView& tensor, std::shared_ptr<const void> owner) {
  return detail::export_view<DLManagedTensor>(tensor, std::move(owner));
}
/// The same of memory that is only read.
inline DLManagedTensor* to_dlpack(const ConstTensorView& tensor, std::shared_ptr<const void> owner) {
  return detail::export_view<DLManagedTensor>(tensor, std::move(owner));
}
/// Hands a tensor over; its memory is released by the deleter, in the order of its context's stream.
inline DLManagedTensor* to_dlpack(Tensor&& tensor) {
  return detail::export_tensor<DLManagedTensor>(std::move(tensor));
}

#ifdef WARPGNN_DLPACK_VERSIONED

namespace detail {

inline DLManagedTensorVersioned* with_version(DLManagedTensorVersioned* managed, std::uint64_t flags) {
  managed->version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  managed->flags = flags;
  return managed;
}

}  // namespace detail

/// The same as the versioned struct, which says of a ConstTensorView that it is read-only.
inline DLManagedTensorVersioned* to_dlpack_versioned(const TensorView& tensor, std::shared_ptr<const void> owner) {
  return detail::with_version(detail::export_view<DLManagedTensorVersioned>(tensor, std::move(owner)), 0);
}
inline DLManagedTensorVersioned* to_dlpack_versioned(const ConstTensorView& tensor, std::shared_ptr<const void> owner) {
  return detail::with_version(detail::export_view<DLManagedTensorVersioned>(tensor, std::move(owner)),
                              DLPACK_FLAG_BITMASK_READ_ONLY);
}
inline DLManagedTensorVersioned* to_dlpack_versioned(Tensor&& tensor) {
  return detail::with_version(detail::export_tensor<DLManagedTensorVersioned>(std::move(tensor)), 0);
}

#endif

}  // namespace warpgnn
