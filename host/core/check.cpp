// SPDX-License-Identifier: MIT
#include "host/core/check.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "host/core/shape_text.hpp"

namespace warpgnn {

namespace {

std::string to_string(const Shape& shape) {
  return list_text({shape.size.data(), static_cast<std::size_t>(shape.ndim)});
}

std::string to_string(Device device) {
  return device.type == DeviceType::cpu ? "the CPU" : "CUDA device " + std::to_string(device.index);
}

std::string shape_of(const Layout& layout) {
  return to_string(Shape(layout));
}

bool same_shape(const Layout& layout, const Shape& shape) {
  return layout.ndim == shape.ndim &&
         std::equal(shape.size.begin(), shape.size.begin() + shape.ndim, layout.shape.begin());
}

bool rows_contiguous(const Layout& layout) {
  std::int64_t expected = 1;
  for (auto d = static_cast<std::size_t>(layout.ndim); d-- > 1;) {
    if (layout.shape[d] > 1 && layout.stride[d] != expected) return false;
    expected *= layout.shape[d];
  }
  return true;
}

/// Bytes of a view as rows of `width` bytes, `pitch` apart, `length` from first to last.
struct Extent {
  const char* begin;
  std::int64_t length, width, pitch;
};

Extent extent_of(const Layout& layout, const char* data) {
  const auto element = static_cast<std::int64_t>(size_of(layout.dtype));
  const std::int64_t width = layout.row_size() * element, pitch = layout.row_stride() * element;
  return {data, (layout.shape[0] - 1) * pitch + width, width, layout.shape[0] > 1 ? pitch : width};
}

bool overlap(const Extent& a, const Extent& b) {
  if (std::less_equal<>{}(a.begin + a.length, b.begin) || std::less_equal<>{}(b.begin + b.length, a.begin)) {
    return false;
  }
  if (a.pitch != b.pitch || a.pitch == 0) return true;
  // Columns of one matrix: interleaved, and still apart when their ranges within a row are.
  const std::int64_t shift = ((b.begin - a.begin) % a.pitch + a.pitch) % a.pitch;
  return !(shift >= a.width && shift + b.width <= a.pitch);
}

/// Nothing looks at the sizes of a view that claims more dimensions than a view has.
void expect_possible(const char* name, const Layout& layout) {
  if (layout.ndim >= 0 && layout.ndim <= kMaxDims) return;
  fail(std::string(name) + ": expected at most " + std::to_string(kMaxDims) + " dimensions, got " +
       std::to_string(layout.ndim));
}

}  // namespace

Dtype expect_real(const char* name, const Layout& layout) {
  if (layout.ndim == 0) fail(std::string(name) + ": expected a tensor, got none");
  expect_possible(name, layout);
  if (!is_real(layout.dtype)) {
    fail(std::string(name) + ": expected float32 or float64, got " + name_of(layout.dtype));
  }
  return layout.dtype;
}

Dtype expect_storage(const char* name, const Layout& layout) {
  if (layout.ndim == 0) fail(std::string(name) + ": expected a tensor, got none");
  expect_possible(name, layout);
  if (!is_real(layout.dtype) && !is_half(layout.dtype)) {
    fail(std::string(name) + ": expected float32, float64, float16 or bfloat16, got " + name_of(layout.dtype));
  }
#ifdef WARPGNN_NO_16BIT
  if (is_half(layout.dtype)) {
    throw Error(ErrorCode::not_built, std::string(name) +
                                          ": expected float32 or float64, for this library was built "
                                          "without 16-bit rows, got " +
                                          name_of(layout.dtype));
  }
#endif
  return layout.dtype;
}

void expect_dims(const char* name, const Layout& layout, int ndim) {
  if (layout.ndim == 0) fail(std::string(name) + ": expected a tensor, got none");
  expect_possible(name, layout);
  if (layout.ndim != ndim) {
    fail(std::string(name) + ": expected " + std::to_string(ndim) + (ndim == 1 ? " dimension" : " dimensions") +
         ", got shape " + shape_of(layout));
  }
}

Shape expect_rows(const char* name, const Layout& layout) {
  expect_dims(name, layout, 2);
  if (layout.shape[1] < 1) fail(std::string(name) + ": expected at least 1 feature, got 0");
  return Shape(layout);
}

void expect_heads(const char* name, const Layout& layout) {
  expect_dims(name, layout, 3);
  if (layout.shape[1] < 1 || layout.shape[2] < 1) {
    fail(std::string(name) + ": expected at least 1 head and 1 channel, got " + std::to_string(layout.shape[1]) +
         " and " + std::to_string(layout.shape[2]));
  }
}

void Checker::graph(const Graph& graph) const {
  if (graph.device() != device_) {
    fail("graph: expected a graph on " + to_string(device_) + ", got one on " + to_string(graph.device()));
  }
}

void Checker::layout(const char* name, const Layout& layout, const Shape& shape, Dtype dtype, Rows rows) const {
  const auto fail = [name](const std::string& message) { warpgnn::fail(std::string(name) + ": " + message); };
  if (layout.ndim == 0) fail("expected shape " + to_string(shape) + ", got none");
  expect_possible(name, layout);
  if (!same_shape(layout, shape)) {
    fail("expected shape " + to_string(shape) + ", got " + shape_of(layout));
  }
  if (layout.dtype != dtype) {
    fail(std::string("expected ") + name_of(dtype) + ", got " + std::string(name_of(layout.dtype)));
  }
  if (layout.device != device_) {
    fail("expected memory of " + to_string(device_) + ", got " + to_string(layout.device));
  }
  if (!rows_contiguous(layout)) fail("expected contiguous rows");
  if (rows == Rows::any && layout.stride[0] == 0) return;
  if (layout.shape[0] > 1 && layout.stride[0] < layout.row_size()) {
    fail("expected a row stride of at least " + std::to_string(layout.row_size()) + ", got " +
         std::to_string(layout.stride[0]));
  }
}

void Checker::input(const char* name, const ConstTensorView& view, const Shape& shape, Dtype dtype) {
  layout(name, view, shape, dtype, Rows::any);
  inputs_.add({name, &view, view.as<char>(), nullptr});
}

void Checker::input(const char* name, const TensorView& view, const Shape& shape, Dtype dtype) {
  layout(name, view, shape, dtype, Rows::apart);
  inputs_.add({name, &view, view.as<char>(), nullptr});
}

void Checker::output(const char* name, const TensorView& view, const Shape& shape, Dtype dtype) {
  output_in_place(name, view, shape, dtype, nullptr);
}

void Checker::output_in_place(const char* name, const TensorView& view, const Shape& shape, Dtype dtype,
                              const char* input) {
  layout(name, view, shape, dtype, Rows::apart);
  outputs_.add({name, &view, view.as<char>(), input});
}

void Checker::dropout(const AttentionDropout& dropout) {
  if (!(dropout.probability >= 0 && dropout.probability < 1)) {
    fail("dropout: expected a probability in [0, 1), got " + std::to_string(dropout.probability));
  }
  optional_input("dropout.counter", dropout.counter, {1}, Dtype::int64);
}

void Checker::rows_apart(const char* name, const Layout& layout) {
  if (layout.shape[0] > 1 && layout.stride[0] == 0) {
    fail(std::string(name) + ": expected a row stride of at least " + std::to_string(layout.row_size()) + ", got 0");
  }
}

void Checker::contiguous(const char* name, const Layout& layout) {
  if (layout.ndim > 0 && layout.shape[0] > 1 && layout.stride[0] != layout.row_size()) {
    fail(std::string(name) + ": expected contiguous memory, got a row stride of " + std::to_string(layout.stride[0]));
  }
}

void Checker::absent(const char* name, const Layout& layout, const char* why) {
  if (layout.ndim > 0) fail(std::string(name) + ": expected none " + why + ", got shape " + shape_of(layout));
}

void Checker::check_overlaps() const {
  const auto check = [](const Argument& output, const Argument& other) {
    if (output.layout->count() == 0 || other.layout->count() == 0) return;
    const bool same = output.data == other.data && output.layout->row_stride() == other.layout->row_stride();
    if (same && output.may_equal != nullptr && std::strcmp(output.may_equal, other.name) == 0) return;
    if (overlap(extent_of(*output.layout, output.data), extent_of(*other.layout, other.data))) {
      fail(std::string(output.name) + ": expected memory of its own, got memory that overlaps " + other.name);
    }
  };
  for (const Argument& output : outputs_) {
    for (const Argument& input : inputs_) check(output, input);
    for (const Argument* later = &output + 1; later != outputs_.end(); ++later) check(output, *later);
  }
}

void Checker::check_memory() const {
  for (const Arguments* kind : {&inputs_, &outputs_}) {
    for (const Argument& argument : *kind) {
      if (argument.data == nullptr && argument.layout->count() > 0) {
        fail(std::string(argument.name) + ": expected memory, got a null pointer");
      }
    }
  }
}

void Checker::check_classes() const {
  if (classes_.view == nullptr || device_.type == DeviceType::cuda) return;
  const std::int32_t* number = classes_.view->as<std::int32_t>();
  for (std::int64_t row = 0; row < classes_.view->shape[0]; ++row, number += classes_.view->row_stride()) {
    if ((*number >= 0 && *number < classes_.count) || *number == classes_.ignored) continue;
    throw Error(ErrorCode::out_of_range, std::string(classes_.name) + ": expected a class in [0, " +
                                             std::to_string(classes_.count) + ") or " +
                                             std::to_string(classes_.ignored) + " to ignore the row, got " +
                                             std::to_string(*number) + " in row " + std::to_string(row));
  }
}

void Checker::finish() const {
  check_memory();
  check_overlaps();
  check_classes();
}

void Checker::workspace(const Workspace& workspace, std::size_t needed) {
  if (needed == 0) return;
  if (workspace.data == nullptr || workspace.bytes < needed) {
    throw Error(ErrorCode::workspace_too_small, "workspace: expected at least " + std::to_string(needed) +
                                                    " bytes, got " +
                                                    std::to_string(workspace.data == nullptr ? 0 : workspace.bytes));
  }
  if (reinterpret_cast<std::uintptr_t>(workspace.data) % kWorkspaceAlignment != 0) {
    fail("workspace: expected memory aligned to " + std::to_string(kWorkspaceAlignment) + " bytes");
  }
}

}  // namespace warpgnn
