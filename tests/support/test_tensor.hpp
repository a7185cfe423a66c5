// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <type_traits>
#include <vector>

#include "host/core/args.hpp"
#include "tests/oracle/types.hpp"
#include "tests/support/allocations.hpp"
#include "warpgnn/context.hpp"
#include "warpgnn/ops/linear.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::test {

/// How a test's tensor lies in memory.
enum class Place {
  contiguous,  ///< 64-byte aligned
  strided,     ///< rows three elements further apart than they are long
  misaligned,  ///< contiguous, but one element past an aligned address
};

inline constexpr Place kPlaces[] = {Place::contiguous, Place::strided, Place::misaligned};
const char* name_of(Place place);

using Shape = std::vector<std::int64_t>;

/// A tensor on a context's device between guard bytes. Guards and the gaps between rows hold NaN, so that an op that
/// reads them spoils its result; an op that writes them, or writes an input, fails the test when the tensor is
/// destroyed. Outputs start out full of the same NaN (integers: of a sentinel).
class TestTensor {
 public:
  TestTensor() = default;  // undefined: an optional argument that is not given
  /// An argument that must not change.
  static TestTensor input(const Context& context, Dtype dtype, const Shape& shape, const oracle::Reals& values,
                          Place place = Place::contiguous);
  static TestTensor input_ids(const Context& context, Dtype dtype, const Shape& shape, const oracle::Ids& values,
                              Place place = Place::contiguous);
  /// An argument that is read and written.
  static TestTensor inout(const Context& context, Dtype dtype, const Shape& shape, const oracle::Reals& values,
                          Place place = Place::contiguous);
  static TestTensor output(const Context& context, Dtype dtype, const Shape& shape, Place place = Place::contiguous);

  TestTensor(TestTensor&&) = default;
  TestTensor& operator=(TestTensor&&) = delete;
  ~TestTensor();

  const TensorView& view() const { return view_; }
  operator TensorView() const { return view_; }
  operator ConstTensorView() const { return view_; }
  Dtype dtype() const { return view_.dtype; }

  oracle::Reals reals() const;
  oracle::Ids ids() const;
  /// The elements' bytes, row after row.
  std::vector<unsigned char> bits() const;
  /// Whether nothing has been written since construction, guards included.
  bool untouched() const;

 private:
  enum class Role { input, inout, output };
  TestTensor(const Context& context, Dtype dtype, const Shape& shape, Place place, Role role);
  template <class Value>
  void fill(const std::vector<Value>& values);
  void upload();
  void mark() const;
  std::vector<unsigned char> download() const;
  std::size_t row_bytes() const;
  /// function(byte) with the place in image_ where each row begins, if there is anything in it.
  template <class Function>
  void for_each_row(const Function& function) const;
  /// function(element, byte) with the place of each.
  template <class Function>
  void for_each_element(const Function& function) const;
  void verify() const;

  Role role_ = Role::input;
  TensorView view_{};
  std::unique_ptr<Tensor> memory_;  // null once moved from
  std::size_t first_byte_ = 0;
  std::vector<unsigned char> image_;  // what memory_ held at the start
};

/// Whether the element at `bits` still holds what an output is filled with.
bool is_fill(const unsigned char* bits, Dtype dtype);

/// Exactly `bytes` of workspace full of NaN between guards, which are checked on destruction.
class GuardedWorkspace {
 public:
  GuardedWorkspace(const Context& context, std::size_t bytes);
  GuardedWorkspace(const GuardedWorkspace&) = delete;
  GuardedWorkspace& operator=(const GuardedWorkspace&) = delete;
  ~GuardedWorkspace();

  Workspace get() const { return workspace_; }

 private:
  Tensor memory_;
  Workspace workspace_{};
};

/// Dense products, for whose time their libraries may take memory.
template <class Part>
inline constexpr bool kMayAllocate = std::is_same_v<Part, Linear>;

/// Runs one op to its end, in an exact workspace full of NaN where it asks for one. On the CPU it must not allocate: on
/// CUDA, what the driver or the executor that plays it does is not the op's.
template <class... Parameters, class... Parts>
void run(const Context& context, void (*op)(const Context&, Parameters...), const Parts&... parts) {
  const auto run_op = [&](const auto&... arguments) {
    const std::int64_t before = allocations();
    op(context, arguments...);
    if (!context.is_cuda() && !(kMayAllocate<Parts> || ...)) {
      EXPECT_EQ(allocations(), before) << "the op allocates";
    }
    context.synchronize();
  };
  if constexpr (sizeof...(Parameters) > sizeof...(Parts)) {
    const GuardedWorkspace workspace(context, workspace_size(context, parts...));
    run_op(parts..., WorkspaceSource(workspace.get()));
  } else {
    run_op(parts...);
  }
}

/// The same for the parts that lie side by side in `arguments`.
template <class... Parameters, class... Parts>
void run(const Context& context, void (*op)(const Context&, Parameters...), const Args<Parts...>& arguments) {
  run(context, op, static_cast<const Parts&>(arguments)...);
}
template <class... Parts>
requires requires(const Context& context, const Parts&... parts) {
  warpgnn::workspace_size(context, parts...);
}
std::size_t workspace_size(const Context& context, const Args<Parts...>& arguments) {
  return warpgnn::workspace_size(context, static_cast<const Parts&>(arguments)...);
}

/// Calls a public function with the parts that lie side by side in `args`, and their workspace where it asks for one.
template <class... Parameters, class... Parts>
void call(const Context& context, void (*op)(const Context&, Parameters...), const Args<Parts...>& args) {
  if constexpr (sizeof...(Parameters) > sizeof...(Parts)) {
    op(context, static_cast<const Parts&>(args)..., args.workspace);
  } else {
    op(context, static_cast<const Parts&>(args)...);
  }
}
template <class Op>
void call(const Context& context, void (*op)(const Context&, const Op&), const Op& args) {
  op(context, args);
}

}  // namespace warpgnn::test
