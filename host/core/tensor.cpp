// SPDX-License-Identifier: MIT
#include "warpgnn/tensor.hpp"

#include <limits>
#include <string>
#include <type_traits>

#include "host/core/check.hpp"
#include "host/core/dispatch.hpp"
#include "host/core/shape_text.hpp"

namespace warpgnn {

namespace {

std::size_t bytes_of(const Layout& layout) {
  return static_cast<std::size_t>(layout.count()) * size_of(layout.dtype);
}

void expect_bytes(std::size_t expected, std::size_t given) {
  if (expected != given) {
    throw Error(ErrorCode::invalid_argument,
                "bytes: expected " + std::to_string(expected) + ", got " + std::to_string(given));
  }
}

/// Whether the elements lie side by side in their order: the strides of dimensions of one element are nobody's concern.
bool is_contiguous(const Layout& layout) {
  if (layout.count() == 0) return true;
  std::int64_t expected = 1;
  for (auto d = static_cast<std::size_t>(layout.ndim); d-- > 0;) {
    if (layout.shape[d] > 1 && layout.stride[d] != expected) return false;
    expected *= layout.shape[d];
  }
  return true;
}

std::string list(const std::array<std::int64_t, kMaxDims>& numbers, int count) {
  return list_text({numbers.data(), static_cast<std::size_t>(count)});
}

Layout reshaped(const Layout& layout, std::initializer_list<std::int64_t> shape) {
  const Layout result = contiguous_layout(layout.dtype, {shape.begin(), shape.size()}, layout.device);
  if (!is_contiguous(layout)) {
    throw Error(ErrorCode::invalid_argument, "tensor: reshape expects contiguous memory, got shape " +
                                                 list(layout.shape, layout.ndim) + " with strides " +
                                                 list(layout.stride, layout.ndim));
  }
  if (result.count() != layout.count()) {
    throw Error(ErrorCode::invalid_argument, "shape: expected " + std::to_string(layout.count()) + " elements, got " +
                                                 std::to_string(result.count()));
  }
  return result;
}

}  // namespace

std::int64_t Layout::count() const {
  if (ndim == 0) return 0;
  return shape[0] * row_size();
}

std::int64_t Layout::row_size() const {
  std::int64_t size = 1;
  for (int d = 1; d < ndim; ++d) size *= shape[static_cast<std::size_t>(d)];
  return size;
}

Layout contiguous_layout(Dtype dtype, std::span<const std::int64_t> shape, Device device) {
  if (shape.empty() || shape.size() > kMaxDims) {
    throw Error(ErrorCode::invalid_argument, "shape: expected 1 to " + std::to_string(kMaxDims) + " dimensions, got " +
                                                 std::to_string(shape.size()));
  }
  Layout layout{.dtype = dtype, .device = device, .ndim = static_cast<int>(shape.size())};
  const std::int64_t limit = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(size_of(dtype));
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] < 0) {
      throw Error(ErrorCode::invalid_argument, "shape: expected no negative size, got " + std::to_string(shape[d]) +
                                                   " in dimension " + std::to_string(d));
    }
    layout.shape[d] = shape[d];
    layout.stride[d] = stride;
    if (shape[d] > 1 && stride > limit / shape[d]) {
      throw Error(ErrorCode::overflow, "shape: the tensor's bytes do not fit 64 bits");
    }
    stride *= shape[d] > 0 ? shape[d] : 1;
  }
  return layout;
}

namespace {

/// The error of a device without so much memory, with what it was for.
void* memory_for(const Context& context, const Layout& layout) {
  try {
    return with_exec(context, [&](const auto& exec) { return backend::allocate(exec, bytes_of(layout)); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
    throw Error(ErrorCode::out_of_memory, std::string(error.what()) + " for a tensor or workspace of shape " +
                                              list(layout.shape, layout.ndim) + " and dtype " + name_of(layout.dtype));
  }
}

}  // namespace

ConstTensorView reshape(const ConstTensorView& tensor, std::initializer_list<std::int64_t> shape) {
  return ConstTensorView{reshaped(tensor, shape), tensor.data};
}

TensorView reshape(const TensorView& tensor, std::initializer_list<std::int64_t> shape) {
  return TensorView{reshaped(tensor, shape), tensor.data};
}

namespace {

/// Refuses a range of `dimension` that is not all there. `what` are its items.
void expect_range(const Layout& layout, std::size_t dimension, const char* what, std::int64_t first,
                  std::int64_t count) {
  const std::int64_t size = layout.shape[dimension];
  const std::string all = std::string(" of ") + std::to_string(size) + " " + what;
  if (first < 0 || first > size) {
    throw Error(ErrorCode::out_of_range,
                "first: expected 0 to " + std::to_string(size) + all + ", got " + std::to_string(first));
  }
  if (count < 0 || count > size - first) {
    throw Error(ErrorCode::out_of_range, "count: expected 0 to " + std::to_string(size - first) + all + " from " +
                                             std::to_string(first) + " on, got " + std::to_string(count));
  }
}

/// Items [first, first + count) of a dimension, whose range is right.
template <class View>
View part_of(View view, std::size_t dimension, std::int64_t first, std::int64_t count) {
  using Byte = std::conditional_t<std::is_same_v<View, TensorView>, char, const char>;
  view.shape[dimension] = count;
  if (view.count() == 0) return view;  // whose memory may not be there to step through
  const std::int64_t elements = first * view.stride[dimension];
  view.data = static_cast<Byte*>(view.data) + elements * static_cast<std::int64_t>(size_of(view.dtype));
  return view;
}

template <class View>
View rows_of(const View& tensor, std::int64_t first, std::int64_t count) {
  if (!tensor.defined()) throw Error(ErrorCode::invalid_argument, "tensor: expected a tensor, got none");
  expect_range(tensor, 0, "rows", first, count);
  return part_of(tensor, 0, first, count);
}

template <class View>
View columns_of(const View& matrix, std::int64_t first, std::int64_t count) {
  expect_dims("matrix", matrix, 2);
  expect_range(matrix, 1, "columns", first, count);
  return part_of(matrix, 1, first, count);
}

}  // namespace

ConstTensorView rows(const ConstTensorView& tensor, std::int64_t first, std::int64_t count) {
  return rows_of(tensor, first, count);
}

TensorView rows(const TensorView& tensor, std::int64_t first, std::int64_t count) {
  return rows_of(tensor, first, count);
}

ConstTensorView columns(const ConstTensorView& matrix, std::int64_t first, std::int64_t count) {
  return columns_of(matrix, first, count);
}

TensorView columns(const TensorView& matrix, std::int64_t first, std::int64_t count) {
  return columns_of(matrix, first, count);
}

Tensor empty_like(const Context& context, const ConstTensorView& like) {
  if (!like.defined()) throw Error(ErrorCode::invalid_argument, "like: expected a tensor, got none");
  return {context, like.dtype, std::span(like.shape.data(), static_cast<std::size_t>(like.ndim))};
}

void copy(const Context& context, const ConstTensorView& from, const TensorView& to) {
  if (!from.defined()) throw Error(ErrorCode::invalid_argument, "from: expected a tensor, got none");
  Checker checker(context);
  checker.input("from", from, Shape(from), from.dtype);
  Checker::rows_apart("from", from);
  checker.output("to", to, Shape(from), from.dtype);
  checker.finish();
  if (from.count() == 0) return;
  const auto bytes = static_cast<std::int64_t>(size_of(from.dtype));
  const backend::RowsCopy rows_copy{.from = from.data,
                                    .to = to.data,
                                    .rows = from.shape[0],
                                    .width = from.row_size() * bytes,
                                    .from_pitch = from.row_stride() * bytes,
                                    .to_pitch = to.row_stride() * bytes};
  with_exec(context, [&](const auto& exec) { backend::copy_rows(exec, rows_copy); });
}

namespace {

bool is_packed(const Layout& layout) {
  return layout.shape[0] <= 1 || layout.row_stride() == layout.row_size();
}

/// @param host the name of the other side, and its memory.
void expect_whole(const Context& context, const char* name, const ConstTensorView& view, const char* host,
                  const void* memory, std::size_t bytes) {
  if (!view.defined()) fail(std::string(name) + ": expected a tensor, got none");
  Checker checker(context);
  checker.input(name, view, Shape(view), view.dtype);
  Checker::rows_apart(name, view);
  checker.finish();
  expect_bytes(bytes_of(view), bytes);
  if (memory == nullptr && bytes > 0) fail(std::string(host) + ": expected memory, got a null pointer");
}

}  // namespace

void copy_to_host(const Context& context, const ConstTensorView& from, void* to, std::size_t bytes) {
  expect_whole(context, "from", from, "to", to, bytes);
  if (bytes == 0) return;
  if (!is_packed(from)) {
    const Tensor packed = empty_like(context, from);
    copy(context, from, packed);
    return packed.copy_to_host(to, bytes);
  }
  with_exec(context, [&](const auto& exec) { backend::copy_to_host(exec, to, from.data, bytes); });
}

void copy_from_host(const Context& context, const void* from, std::size_t bytes, const TensorView& to) {
  const ConstTensorView target = to;
  expect_whole(context, "to", target, "from", from, bytes);
  if (bytes == 0) return;
  if (!is_packed(to)) {
    Tensor packed = empty_like(context, to);
    packed.copy_from_host(from, bytes);
    return copy(context, packed, to);
  }
  with_exec(context, [&](const auto& exec) { backend::copy_from_host(exec, to.data, from, bytes); });
}

Tensor::Tensor(const Context& context, Dtype dtype, std::span<const std::int64_t> shape) {
  resize(context, dtype, shape);
}

Tensor::Tensor(const Context& context, Dtype dtype, std::initializer_list<std::int64_t> shape) {
  resize(context, dtype, shape);
}

std::size_t Tensor::bytes() const {
  return bytes_of(view_);
}

void Tensor::resize(const Context& context, Dtype dtype, std::span<const std::int64_t> shape) {
  const Layout layout = contiguous_layout(dtype, shape, context.device());
  const std::size_t wanted = bytes_of(layout);
  const bool moves = !context_ || &context_->state() != &context.state();
  // Only this thread's copies count: a tensor is used by one host thread at a time.
  const bool shared = memory_.use_count() > 1;
  if (memory_ == nullptr || moves || shared || wanted > capacity_) replace_memory(context, layout);
  view_ = TensorView{layout, memory_.get()};
}

void Tensor::replace_memory(const Context& context, const Layout& layout) {
  const std::size_t bytes = bytes_of(layout);
  // Before anything is given up: a call that is refused leaves the tensor as it was.
  const std::string action = "new memory for a tensor or a workspace (" + std::to_string(bytes) + " bytes)";
  with_exec(context, [&](const auto& exec) { backend::expect_no_capture(exec, action); });
  if (memory_ != nullptr && context_->state().captures.may_be_captured(allocation_)) outgrown_.push_back(memory_);
  memory_.reset();  // before the new allocation, so that the peak is not the sum of both
  view_ = {};
  void* const data = memory_for(context, layout);
  memory_ = std::shared_ptr<void>(
      data, [context](void* memory) { with_exec(context, [&](const auto& exec) { backend::release(exec, memory); }); });
  capacity_ = bytes;
  context_ = context;
  allocation_ = context.state().captures.next_allocation();
}

void Tensor::resize(const Context& context, Dtype dtype, std::initializer_list<std::int64_t> shape) {
  resize(context, dtype, std::span<const std::int64_t>(shape.begin(), shape.size()));
}

void Tensor::fill_zero() {
  if (bytes() == 0) return;
  with_exec(*context_, [&](const auto& exec) { backend::fill_zero(exec, view_.data, bytes()); });
}

void Tensor::copy_from_host(const void* source, std::size_t bytes) {
  expect_bytes(this->bytes(), bytes);
  if (bytes == 0) return;
  if (source == nullptr) fail("source: expected memory, got a null pointer");
  with_exec(*context_, [&](const auto& exec) { backend::copy_from_host(exec, view_.data, source, bytes); });
}

void Tensor::copy_to_host(void* target, std::size_t bytes) const {
  expect_bytes(this->bytes(), bytes);
  if (bytes == 0) return;
  if (target == nullptr) fail("target: expected memory, got a null pointer");
  with_exec(*context_, [&](const auto& exec) { backend::copy_to_host(exec, target, view_.data, bytes); });
}

Workspace WorkspaceBuffer::reserve(const Context& context, std::size_t bytes) {
  if (bytes == 0) return {};  // nothing to allocate, so that a capture has nothing to refuse
  memory_.resize(context, Dtype::int64, {static_cast<std::int64_t>((bytes + 7) / 8)});
  return Workspace{memory_.view().data, memory_.bytes()};
}

}  // namespace warpgnn
