// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/errors.hpp"
#include "tests/support/test_tensor.hpp"

namespace warpgnn::test {

/// How an argument can be wrong.
enum class Flaw { missing, rows, dims, dtype, device, columns_apart, rows_overlap, null };
const char* name_of(Flaw flaw);
/// Whether a view of this layout can have the flaw at all.
bool applies(Flaw flaw, const Layout& layout);
/// Puts the flaw into a layout; `missing` and `null` are the caller's.
void spoil(Flaw flaw, Layout& layout);
/// What a message about the flaw must contain besides the argument's name.
std::vector<std::string> words_about(Flaw flaw, const Layout& spoiled);

inline constexpr Flaw kFlaws[] = {Flaw::missing, Flaw::rows,          Flaw::dims,         Flaw::dtype,
                                  Flaw::device,  Flaw::columns_apart, Flaw::rows_overlap, Flaw::null};

enum class Presence { required, optional };
/// Whether a wrong shape or dtype must be reported under the argument's own name. That of the argument from which an op
/// takes its sizes shows in the others.
enum class Blame { own, any };

/// Checks that an op refuses bad arguments: with the right code, a message that names the argument, and nothing
/// written.
template <class Op>
class Refusals {
 public:
  /// @param good a call that would be accepted, without a workspace; @param outputs all tensors that it writes.
  template <class... Parameters>
  Refusals(const Context& context, void (*op)(const Context&, Parameters...), const Op& good,
           std::vector<const TestTensor*> outputs)
      : context_(context),
        call_([op, &context](const Op& args) { call(context, op, args); }),
        good_(good),
        outputs_(std::move(outputs)),
        workspace_(context, bytes()) {
    if constexpr (kHasWorkspace) good_.workspace = workspace_.get();
  }

  /// Every flaw of one argument.
  template <class View, class Part>
  void argument(const char* name, View Part::*member, Presence presence = Presence::required,
                Blame blame = Blame::own) const {
    for (const Flaw flaw : kFlaws) {
      if (!applies(flaw, good_.*member)) continue;
      if (flaw == Flaw::missing && presence == Presence::optional) continue;
      SCOPED_TRACE(std::string(name) + ": " + name_of(flaw));
      Op bad = good_;
      View& view = bad.*member;
      if (flaw == Flaw::missing) view = {};
      if (flaw == Flaw::null) view.data = nullptr;
      spoil(flaw, view);
      // An input may be one row that stands for all.
      if (flaw == Flaw::rows_overlap && std::is_same_v<View, ConstTensorView> && view.stride[0] == 0) {
        view.stride[0] = -1;
      }
      const bool sized = flaw == Flaw::rows || flaw == Flaw::dtype;
      std::vector<std::string> words;
      if (blame == Blame::own || !sized) {
        words = words_about(flaw, view);
        words.insert(words.begin(), std::string(name) + ":");
      }
      refused(bad, words);
    }
  }

  /// An output that shares memory with an input, or with another output.
  template <class Part, class View, class OtherPart>
  void overlap(const char* name, TensorView Part::*output, View OtherPart::*other) const {
    SCOPED_TRACE(std::string(name) + ": overlap");
    Op bad = good_;
    (bad.*output).data = const_cast<void*>(static_cast<const void*>((good_.*other).data));
    (bad.*output).stride = contiguous_layout((bad.*output).dtype, shape_of(bad.*output)).stride;
    refused(bad, {std::string(name) + ":", "overlap"});
  }

  /// Any other mistake.
  template <class Spoil>
  void mistake(const std::vector<std::string>& words, Spoil spoil_op,
               ErrorCode code = ErrorCode::invalid_argument) const {
    Op bad = good_;
    spoil_op(bad);
    refused(bad, words, code);
  }

  /// Workspaces that are missing, one byte short, or not aligned.
  void workspace() const {
    if constexpr (kHasWorkspace) {
      SCOPED_TRACE("workspace");
      if (context_.is_cuda() && good_.workspace.bytes == 0) return;
      ASSERT_GT(good_.workspace.bytes, 0u) << "choose arguments for which the op needs a workspace";
      const std::size_t needed = good_.workspace.bytes;
      mistake(
          {"workspace:", std::to_string(needed), std::to_string(needed - 1)}, [](Op& op) { --op.workspace.bytes; },
          ErrorCode::workspace_too_small);
      mistake(
          {"workspace:", std::to_string(needed)}, [](Op& op) { op.workspace = {}; }, ErrorCode::workspace_too_small);
      mistake({"workspace:"}, [](Op& op) { op.workspace.data = static_cast<char*>(op.workspace.data) + 4; });
    }
  }

  /// The good call is accepted: what was refused was refused for its flaw.
  void accepted() const {
    call_(good_);
    context_.synchronize();
    for (const TestTensor* output : outputs_) EXPECT_FALSE(output->untouched()) << "an output was not written";
  }

 private:
  static constexpr bool kHasWorkspace = requires(const Context& context, const Op& op) { workspace_size(context, op); };

  std::size_t bytes() const {
    if constexpr (kHasWorkspace) return workspace_size(context_, good_);
    return 0;
  }

  static std::vector<std::int64_t> shape_of(const Layout& layout) {
    return {layout.shape.begin(), layout.shape.begin() + layout.ndim};
  }

  void refused(const Op& bad, const std::vector<std::string>& words,
               ErrorCode code = ErrorCode::invalid_argument) const {
    expect_error(code, words, [&] { call_(bad); });
    context_.synchronize();
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
      EXPECT_TRUE(outputs_[k]->untouched()) << "output " << k << " was written before validation had passed";
    }
  }

  const Context& context_;
  std::function<void(const Op&)> call_;
  Op good_;
  std::vector<const TestTensor*> outputs_;
  GuardedWorkspace workspace_;
};

/// Wrong counters of an attention's dropout.
template <class Op>
void refuse_dropout_counters(const Context& context, const Refusals<Op>& refuse) {
  const TestTensor counter = TestTensor::input_ids(context, Dtype::int64, {1}, {3});
  for (const Flaw flaw : {Flaw::rows, Flaw::dims, Flaw::dtype, Flaw::device, Flaw::null}) {
    SCOPED_TRACE(std::string("dropout.counter: ") + name_of(flaw));
    ConstTensorView bad = counter;
    spoil(flaw, bad);
    if (flaw == Flaw::null) bad.data = nullptr;
    std::vector<std::string> words = words_about(flaw, bad);
    words.insert(words.begin(), "dropout.counter:");
    refuse.mistake(words, [&](Op& op) { op.dropout.counter = bad; });
  }
}

}  // namespace warpgnn::test
