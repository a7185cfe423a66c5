// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "warpgnn/context.hpp"
#include "warpgnn/dtype.hpp"

namespace warpgnn {

/// The most dimensions of a tensor.
inline constexpr int kMaxDims = 3;

/// Shape and layout shared by both views: the fields of DLPack's DLTensor, without ownership.
///
/// Strides count elements. Ops accept any stride between rows (dimension 0) that keeps rows apart, and need every row
/// itself to be contiguous. What they only read may also have a row stride of 0: one row that stands for all. The
/// exceptions are the operands of dense products (linear) and of copy. No alignment beyond that of the element type is
/// needed; 16-byte aligned rows are fastest. A default-constructed view is "undefined" and stands for an optional
/// argument that is not given.
struct Layout {
  Dtype dtype = Dtype::float32;
  Device device{};
  int ndim = 0;
  std::array<std::int64_t, kMaxDims> shape{};
  std::array<std::int64_t, kMaxDims> stride{};

  std::int64_t count() const;
  /// Elements in one row: the product of the shape without dimension 0 (1 for a vector).
  std::int64_t row_size() const;
  std::int64_t row_stride() const { return ndim == 0 ? 0 : stride[0]; }
};

/// The layout of a C-contiguous tensor. Throws on more than kMaxDims dimensions, a negative size, or an overflow.
Layout contiguous_layout(Dtype dtype, std::span<const std::int64_t> shape, Device device = {});

/// A tensor that an op only reads.
struct ConstTensorView : Layout {
  const void* data = nullptr;

  ConstTensorView() = default;
  ConstTensorView(const Layout& layout, const void* memory) : Layout(layout), data(memory) {}

  bool defined() const { return ndim != 0; }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

/// A tensor that an op writes. Converts to ConstTensorView.
struct TensorView : Layout {
  void* data = nullptr;

  TensorView() = default;
  TensorView(const Layout& layout, void* memory) : Layout(layout), data(memory) {}

  bool defined() const { return ndim != 0; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  operator ConstTensorView() const { return ConstTensorView{static_cast<const Layout&>(*this), data}; }
};

/// A contiguous view of memory that the caller owns.
template <class T>
TensorView view(T* data, std::initializer_list<std::int64_t> shape, Device device = {}) {
  return TensorView{contiguous_layout(dtype_of<T>, {shape.begin(), shape.size()}, device), data};
}
/// The same of memory that is only read.
template <class T>
ConstTensorView view(const T* data, std::initializer_list<std::int64_t> shape, Device device = {}) {
  return ConstTensorView{contiguous_layout(dtype_of<T>, {shape.begin(), shape.size()}, device), data};
}

/// The same memory seen with another shape. The view must be contiguous and hold as many elements.
ConstTensorView reshape(const ConstTensorView& tensor, std::initializer_list<std::int64_t> shape);
/// The same of memory that is written.
TensorView reshape(const TensorView& tensor, std::initializer_list<std::int64_t> shape);

/// Rows [first, first + count) of a tensor: the same memory, strides kept.
///
/// Errors. `out_of_range` where they are not all there; `invalid_argument` for an undefined view.
ConstTensorView rows(const ConstTensorView& tensor, std::int64_t first, std::int64_t count);
/// The same of memory that is written.
TensorView rows(const TensorView& tensor, std::int64_t first, std::int64_t count);

/// Columns [first, first + count) of a matrix: the same memory, strides kept.
///
/// Errors. `out_of_range` where they are not all there; `invalid_argument` for anything but two dimensions.
ConstTensorView columns(const ConstTensorView& matrix, std::int64_t first, std::int64_t count);
/// The same of memory that is written.
TensorView columns(const TensorView& matrix, std::int64_t first, std::int64_t count);

/// Scratch memory for one op, on the op's device, at least as long as `workspace_size` asks and aligned to
/// kWorkspaceAlignment bytes. Its content is neither read before it is written nor kept.
struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};
/// What the data of a Workspace are aligned to, in bytes.
inline constexpr std::size_t kWorkspaceAlignment = 64;

/// A view of a Tensor, or of a part of one, that shares its memory: what it shows stays as it is while the view lives,
/// whatever becomes of the Tensor, but for writes through other views of that Tensor. The layers of warpgnn::nn return
/// such views. A view of memory that nobody shares is made by the constructor, and lives as long as that memory.
class SharedTensor : public ConstTensorView {
 public:
  SharedTensor() = default;
  explicit SharedTensor(const ConstTensorView& unshared) : ConstTensorView(unshared) {}

 private:
  friend class Tensor;
  SharedTensor(const ConstTensorView& view, std::shared_ptr<const void> memory)
      : ConstTensorView(view), memory_(std::move(memory)) {}

  std::shared_ptr<const void> memory_;
};

/// An owned, contiguous tensor on a context's device. Move-only. Memory is not initialised unless said.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  Tensor(const Context& context, Dtype dtype, std::span<const std::int64_t> shape);
  Tensor(const Context& context, Dtype dtype, std::initializer_list<std::int64_t> shape);

  /// A copy of host values on the context's device.
  template <class T>
  static Tensor from(const Context& context, std::span<const T> values, std::initializer_list<std::int64_t> shape) {
    Tensor tensor(context, dtype_of<T>, shape);
    tensor.copy_from_host(values.data(), values.size_bytes());
    return tensor;
  }

  bool defined() const { return view_.defined(); }
  const TensorView& view() const { return view_; }
  operator TensorView() const { return view_; }
  operator ConstTensorView() const { return view_; }
  std::size_t bytes() const;

  /// A view that shares the memory, of the whole or of `part`, which lies in it.
  SharedTensor share() const { return share(view_); }
  SharedTensor share(const ConstTensorView& part) const { return {part, memory_}; }

  /// Takes a shape, be it the one it has. Memory is kept when it is large enough and no SharedTensor shows it, else
  /// replaced and its content lost. Work that was captured into a CUDA graph goes on with the memory it was captured
  /// with: what is replaced lives as long as the tensor if a capture may have used it. Replacing memory during a
  /// capture is refused with `capturing`.
  void resize(const Context& context, Dtype dtype, std::span<const std::int64_t> shape);
  void resize(const Context& context, Dtype dtype, std::initializer_list<std::int64_t> shape);
  /// Bytes all zero: +0 for every dtype.
  void fill_zero();
  /// Both copies wait until the data has arrived. `bytes` must equal bytes().
  void copy_from_host(const void* source, std::size_t bytes);
  void copy_to_host(void* target, std::size_t bytes) const;

  template <class T>
  std::vector<T> to_host() const {
    std::vector<T> values(bytes() / sizeof(T));
    copy_to_host(values.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  void replace_memory(const Context& context, const Layout& layout);

  std::shared_ptr<void> memory_;                 // the deleter returns it to the device it came from
  std::vector<std::shared_ptr<void>> outgrown_;  // replaced, but captured work may use it
  std::uint64_t allocation_ = 0;                 // the context's number for memory_
  std::size_t capacity_ = 0;
  std::optional<Context> context_;
  TensorView view_{};
};

/// A contiguous tensor of the same dtype and shape on the context's device, wherever `like` lies. Its memory is not
/// initialised. Throws `invalid_argument` for an undefined view.
Tensor empty_like(const Context& context, const ConstTensorView& like);

/// to = from, bit by bit. Both have one shape and dtype, any of them, and lie on the context's device; each may have
/// its own distance between rows. (Between the host and a device Tensor::copy_from_host and copy_to_host copy.)
///
/// Ordered by the stream as ops are: it neither allocates nor waits and can be captured into a CUDA graph.
/// Errors. `invalid_argument` for shapes, dtypes or devices that differ, rows that are not contiguous or not apart, and
/// views that overlap.
void copy(const Context& context, const ConstTensorView& from, const TensorView& to);

/// The elements of `from`, row after row, in `bytes` bytes of host memory, which must be what they take. Waits until
/// they are there; where rows lie apart it allocates. Refused during a capture.
///
/// Errors. `invalid_argument` for an undefined view, one on another device, rows that are not contiguous, and a number
/// of bytes that is not theirs.
void copy_to_host(const Context& context, const ConstTensorView& from, void* to, std::size_t bytes);
/// The way back, with the same rules.
void copy_from_host(const Context& context, const void* from, std::size_t bytes, const TensorView& to);

/// The elements of a view on the host, row after row: copy_to_host. T is the C++ type of the view's dtype.
template <class T>
std::vector<T> to_host(const Context& context, const ConstTensorView& view) {
  std::vector<T> values(static_cast<std::size_t>(view.count()));
  copy_to_host(context, view, values.data(), values.size() * sizeof(T));
  return values;
}

/// A workspace that grows to the largest size asked of it; for callers that run many ops on one stream. As a Tensor, it
/// may grow after a capture.
class WorkspaceBuffer {
 public:
  Workspace reserve(const Context& context, std::size_t bytes);

 private:
  Tensor memory_;
};

/// Where an op takes its scratch memory from: a Workspace of at least what its `workspace_size` asks, or a buffer,
/// which the op lets grow to that once its arguments have passed validation.
class WorkspaceSource {
 public:
  WorkspaceSource() = default;
  WorkspaceSource(const Workspace& given) : given_(given) {}
  WorkspaceSource(WorkspaceBuffer& buffer) : buffer_(&buffer) {}

  /// What was given, however short, or `bytes` of the buffer.
  Workspace get(const Context& context, std::size_t bytes) const {
    return buffer_ == nullptr ? given_ : buffer_->reserve(context, bytes);
  }

 private:
  Workspace given_{};
  WorkspaceBuffer* buffer_ = nullptr;
};

}  // namespace warpgnn
