// SPDX-License-Identifier: MIT
#pragma once

/// Validation of op arguments: every message names the argument, what was expected and what was given.

#include <array>
#include <initializer_list>
#include <string>

#include "host/core/dispatch.hpp"
#include "warpgnn/ops/attention_dropout.hpp"

namespace warpgnn {

/// An expected shape: written out, or that of another tensor.
struct Shape {
  std::array<std::int64_t, kMaxDims> size{};
  int ndim = 0;

  Shape(std::initializer_list<std::int64_t> sizes) {
    for (const std::int64_t s : sizes) size.at(static_cast<std::size_t>(ndim++)) = s;
  }
  explicit Shape(const Layout& layout) : size(layout.shape), ndim(layout.ndim) {}
};

/// A view of nothing yet, for what an op writes.
inline TensorView described(const Shape& shape, Dtype dtype) {
  return {contiguous_layout(dtype, {shape.size.data(), static_cast<std::size_t>(shape.ndim)}), nullptr};
}

[[noreturn]] inline void fail(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

/// Refuses a number that no enumerator has: by `last`, the last of them, which count from 0.
template <class Enum>
void expect_option(const char* name, Enum value, Enum last) {
  const auto number = static_cast<int>(value), most = static_cast<int>(last);
  if (number >= 0 && number <= most) return;
  fail(std::string(name) + ": expected an enumerator (0 to " + std::to_string(most) + "), got " +
       std::to_string(number));
}

/// The checks of one op call. Outputs and inputs are remembered, so that finish() can refuse an output that overlaps
/// another argument.
class Checker {
 public:
  explicit Checker(const Context& context) : device_(context.device()) {}

  void graph(const Graph& graph) const;
  /// Its rows may be one and the same, seen as often as there are rows: a row stride of 0.
  void input(const char* name, const ConstTensorView& view, const Shape& shape, Dtype dtype);
  /// Of what a forward wrote. Views are remembered by address, so none may be a temporary.
  void input(const char* name, const TensorView& view, const Shape& shape, Dtype dtype);
  void input(const char* name, ConstTensorView&& view, const Shape& shape, Dtype dtype) = delete;
  void output(const char* name, const TensorView& view, const Shape& shape, Dtype dtype);
  /// An output that may be the very same view as an input of that name, but not overlap it otherwise.
  void output_in_place(const char* name, const TensorView& view, const Shape& shape, Dtype dtype, const char* input);
  void optional_output_in_place(const char* name, const TensorView& view, const Shape& shape, Dtype dtype,
                                const char* input) {
    if (view.defined()) output_in_place(name, view, shape, dtype, input);
  }
  /// The same for what `result_of` describes.
  void output(const char* name, const TensorView& view, const TensorView& expected) {
    output(name, view, Shape(expected), expected.dtype);
  }
  void optional_output(const char* name, const TensorView& view, const TensorView& expected) {
    if (view.defined()) output(name, view, expected);
  }
  void output_in_place(const char* name, const TensorView& view, const TensorView& expected, const char* input) {
    output_in_place(name, view, Shape(expected), expected.dtype, input);
  }
  /// Input and output at once: its own content is updated.
  void updated(const char* name, const TensorView& view, const Shape& shape, Dtype dtype) {
    output(name, view, shape, dtype);
  }
  /// The same for arguments that may be left out.
  void optional_input(const char* name, const ConstTensorView& view, const Shape& shape, Dtype dtype) {
    if (view.defined()) input(name, view, shape, dtype);
  }
  void optional_output(const char* name, const TensorView& view, const Shape& shape, Dtype dtype) {
    if (view.defined()) output(name, view, shape, dtype);
  }
  /// A probability, and the counter if there is one.
  void dropout(const AttentionDropout& dropout);
  /// Refuses an input of row stride 0, for what a library multiplies or copies.
  static void rows_apart(const char* name, const Layout& layout);
  /// Elements side by side: for parameter vectors and flat updates.
  static void contiguous(const char* name, const Layout& layout);
  static void absent(const char* name, const Layout& layout, const char* why);
  /// Numbers of classes, or `ignored`. Only the CPU's can be read; finish() does, once all else is right.
  void classes(const char* name, const ConstTensorView& view, std::int64_t count, std::int32_t ignored) {
    classes_ = {name, &view, count, ignored};
  }

  /// Refuses overlapping outputs, memory that is missing and classes out of range.
  void finish() const;
  /// Refuses a workspace that is short or not aligned.
  static void workspace(const Workspace& workspace, std::size_t needed);

 private:
  struct Argument {
    const char* name;
    const Layout* layout;
    const char* data;
    const char* may_equal;  // the input that this output may share memory with
  };

  enum class Rows : std::uint8_t { apart, any };
  void layout(const char* name, const Layout& layout, const Shape& shape, Dtype dtype, Rows rows) const;
  void check_memory() const;
  void check_classes() const;
  void check_overlaps() const;

  /// The arguments of one kind; no op has more than this many.
  struct Arguments {
    std::array<Argument, 16> items;
    std::size_t count = 0;

    void add(const Argument& argument) { items.at(count++) = argument; }
    const Argument* begin() const { return items.data(); }
    const Argument* end() const { return items.data() + count; }
  };

  struct Classes {
    const char* name;
    const ConstTensorView* view = nullptr;
    std::int64_t count;
    std::int32_t ignored;
  };

  Device device_;
  Arguments inputs_, outputs_;
  Classes classes_{};
};

/// The checks of each op's arguments and the layouts of its results, in host/ops.
#define WARPGNN_OP(name, Arguments, ...) Checker checked(const Context& context, const Arguments& op);
#define WARPGNN_RESULT(Problem, Result) Result result_of(const Problem& op, Purpose purpose);
#include "host/core/ops.def"

/// The real dtype of a call, taken from its leading tensor.
Dtype expect_real(const char* name, const Layout& layout);
/// The same for ops whose rows may be stored in 16 bits.
Dtype expect_storage(const char* name, const Layout& layout);
/// Fails unless the tensor has this many dimensions.
void expect_dims(const char* name, const Layout& layout, int ndim);
/// Fails unless it is [N, F] with F >= 1.
Shape expect_rows(const char* name, const Layout& layout);
/// Fails unless it is [N, H, C] with at least one head and one channel: attention without them has no meaning.
void expect_heads(const char* name, const Layout& layout);

}  // namespace warpgnn
