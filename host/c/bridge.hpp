// SPDX-License-Identifier: MIT
#pragma once

/// From C to C++ and back: handles, views, choices, and exceptions as statuses.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "warpgnn/c/core.h"
#include "warpgnn/c/graph.h"
#include "warpgnn/warpgnn.hpp"

struct warpgnn_context {
  warpgnn::Context context;
  std::string description;
};

struct warpgnn_tensor {
  explicit warpgnn_tensor(warpgnn::Tensor&& made) : tensor(std::move(made)) {}
  warpgnn::Tensor tensor;
};

struct warpgnn_graph {
  explicit warpgnn_graph(warpgnn::Graph made) : graph(std::move(made)) {}
  warpgnn::Graph graph;
};

struct warpgnn_owned {
  template <class Result>
  explicit warpgnn_owned(warpgnn::Owned<Result>&& made)
      : memory(std::make_shared<const warpgnn::Owned<Result>>(std::move(made))) {}
  std::shared_ptr<const void> memory;
};

struct warpgnn_workspace {
  bool grows = true;
  warpgnn::WorkspaceBuffer buffer{};
  warpgnn::Workspace given{};
};

namespace warpgnn::c_interface {

/// Keeps the message of the exception being handled for warpgnn_last_error and says what to return.
warpgnn_status status_of_exception() noexcept;

/// The body of every function that can fail.
template <class Body>
warpgnn_status guarded(Body&& body) noexcept {
  try {
    body();
    return WARPGNN_OK;
  } catch (...) {
    return status_of_exception();
  }
}

[[noreturn]] void refuse(const std::string& message);

/// What a pointer of the caller's points to, which may not be null. `name` is the argument's.
template <class T>
T& given(const char* name, T* pointer) {
  if (pointer == nullptr) refuse(std::string(name) + ": expected one, got a null pointer");
  return *pointer;
}

/// The struct that a field is in, for its name in messages: "", "dropout." or "slots[2].".
struct Place {
  const char* outer = nullptr;
  std::int64_t index = -1;
};

TensorView view_of(const Place& place, const char* name, const warpgnn_view& view);
/// An argument of a function, which is not in a struct.
TensorView view_of(const char* name, const warpgnn_view* view);
warpgnn_view to_c(const TensorView& view);
/// Of what nobody writes; C has one type of views.
warpgnn_view to_c(const ConstTensorView& view);

/// Refuses a number outside [0, count), which the enumeration has no value for.
void expect_choice(const Place& place, const char* name, const char* type, std::int32_t value, std::int32_t count);

template <class Enum>
Enum choice_of(const Place& place, const char* name, const char* type, std::int32_t value, std::int32_t count) {
  expect_choice(place, name, type, value, count);
  return static_cast<Enum>(value);
}
Dtype checked_dtype(std::int32_t dtype);
Purpose purpose_of(std::int32_t purpose);

/// A struct's array. The memory is this thread's and is kept for the next call, which does not allocate then.
template <class To, class From, class Convert>
std::span<const To> converted(const char* name, const From* items, std::size_t count, Convert&& convert) {
  static thread_local std::vector<To> kept;
  if (count > 0) given(name, items);
  kept.clear();
  for (std::size_t k = 0; k < count; ++k) kept.push_back(convert(items[k], Place{name, static_cast<std::int64_t>(k)}));
  return kept;
}

/// A shape of the caller's.
std::span<const std::int64_t> shape_of(std::int32_t ndim, const std::int64_t* shape);

inline const Context& context_of(const warpgnn_context* context) {
  return given("context", context).context;
}
/// A field of a struct: an op says itself that it needs a graph.
inline Graph graph_of(const warpgnn_graph* graph) {
  return graph == nullptr ? Graph{} : graph->graph;
}
inline WorkspaceSource source_of(warpgnn_workspace* workspace) {
  if (workspace == nullptr) return {};
  return workspace->grows ? WorkspaceSource(workspace->buffer) : WorkspaceSource(workspace->given);
}

/// Gives the caller what was made.
inline void hand_over(warpgnn_tensor** to, std::unique_ptr<warpgnn_tensor> tensor) {
  if (to != nullptr) *to = tensor.release();
}
inline void hand_over(warpgnn_graph** to, std::unique_ptr<warpgnn_graph> graph) {
  if (to != nullptr) *to = graph.release();
}

}  // namespace warpgnn::c_interface
