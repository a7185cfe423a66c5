// SPDX-License-Identifier: MIT
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "warpgnn/context.hpp"
#include "warpgnn/error.hpp"
#include "warpgnn/graph.hpp"
#include "warpgnn/ops/attention_dropout.hpp"
#include "warpgnn/tensor.hpp"

/// PyTorch's tensors as the library's views, in PyTorch's stable ABI: what all operators of this folder share.
namespace warpgnn::python {

using Tensor = torch::stable::Tensor;
using OptionalTensor = std::optional<Tensor>;
using TensorList = std::vector<Tensor>;

/// One call of an operator: where it runs, and what has to live until it has been given to the stream.
class Call {
 public:
  /// On the device of its leading tensor, and PyTorch's current stream there.
  Call(const char* name, const Tensor& leading);

  const Context& context() const { return context_; }

  /// An argument that is only read; copied where its rows are not contiguous.
  ConstTensorView read(const char* name, const Tensor& tensor);
  ConstTensorView read(const char* name, const OptionalTensor& tensor) {
    return tensor ? read(name, *tensor) : ConstTensorView{};
  }
  /// What a forward has written, for its backward, which only reads it.
  TensorView saved(const char* name, const Tensor& tensor) {
    const ConstTensorView view = read(name, tensor);
    return {view, const_cast<void*>(view.data)};
  }
  /// The same, or none where the forward did not write it.
  TensorView saved(const char* name, const OptionalTensor& tensor) {
    return tensor ? saved(name, *tensor) : TensorView{};
  }
  /// The graph of graph_from_coo's list.
  Graph graph(const TensorList& parts);
  /// A batch of graphs without edges, by where each graph's nodes begin: on the device, and the same on the host.
  Graph batch(const Tensor& offsets, const Tensor& host_offsets);
  /// The seed is a tensor, [1] int64, as a counter is: its content is read when the op runs.
  AttentionDropout dropout(double probability, const OptionalTensor& seed);

  /// New memory from PyTorch's allocator.
  Tensor empty(Dtype dtype, std::initializer_list<std::int64_t> shape) const;
  /// The same where it is wanted, else a tensor of no elements.
  Tensor empty_if(bool wanted, Dtype dtype, std::initializer_list<std::int64_t> shape) const {
    return wanted ? empty(dtype, shape) : empty(dtype, {0});
  }
  Workspace workspace(std::size_t bytes);

 private:
  std::deque<Tensor> kept_;
  Context context_;
};

/// A result's view, contiguous as Call::empty makes it.
TensorView written(const Tensor& tensor);
/// The same, or none where the result is not wanted.
inline TensorView written_if(bool wanted, const Tensor& tensor) {
  return wanted ? written(tensor) : TensorView{};
}

/// Bit k of a mask of gradients that are wanted.
inline bool wants(std::int64_t needs, int k) {
  return (needs >> k & 1) != 0;
}

/// Refuses a number that no enumerator of an option has, before it is made one.
template <class Enum>
Enum option(const char* name, std::int64_t value, Enum last) {
  const auto most = static_cast<std::int64_t>(last);
  if (value < 0 || value > most) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected 0 to " + std::to_string(most) + ", got " + std::to_string(value));
  }
  return static_cast<Enum>(value);
}

/// Runs a boxed operator; errors of the library leave it with the operator's name and the error's kind in front.
void run_boxed(const char* name, void (*boxed)(StableIValue*, std::uint64_t, std::uint64_t), StableIValue* stack,
               std::uint64_t arguments, std::uint64_t results);

/// The functions of one source for one dispatch key.
using Registration = torch::stable::detail::StableLibrary;
void register_graph(Registration& library);
void register_aggregate(Registration& library);
void register_messages(Registration& library);
void register_gat(Registration& library);
void register_attention(Registration& library);
void register_pool(Registration& library);
void register_relation(Registration& library);

}  // namespace warpgnn::python

/// Registers the function of an operator's name.
#define WARPGNN_OPERATOR(library, name)                                                           \
  (library).impl(#name, [](StableIValue* stack, std::uint64_t arguments, std::uint64_t results) { \
    ::warpgnn::python::run_boxed(#name, TORCH_BOX(&name), stack, arguments, results);             \
  })
