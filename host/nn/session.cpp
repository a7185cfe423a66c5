// SPDX-License-Identifier: MIT
#include "warpgnn/nn/session.hpp"

#include <algorithm>
#include <cmath>

#include "host/core/memory_guard.hpp"
#include "host/core/shape_text.hpp"
#include "host/nn/run.hpp"
#include "warpgnn/random.hpp"

namespace warpgnn::nn {

Tensor upload(const Session& session, const std::vector<double>& values, std::initializer_list<std::int64_t> shape) {
  if (session.dtype() == Dtype::float64) {
    return Tensor::from<double>(session.context(), values, shape);
  }
  const std::vector<float> rounded(values.begin(), values.end());
  return Tensor::from<float>(session.context(), rounded, shape);
}

namespace {

bool has_shape(const Layout& given, std::initializer_list<std::int64_t> sizes) {
  if (static_cast<std::size_t>(given.ndim) != sizes.size()) return false;
  const auto same = [](std::int64_t size, std::int64_t wanted) { return wanted == kAnyRows || size == wanted; };
  return std::equal(given.shape.begin(), given.shape.begin() + given.ndim, sizes.begin(), same);
}

}  // namespace

void expect_tensor(const Session& session, const char* name, const ConstTensorView& given,
                   std::initializer_list<std::int64_t> sizes) {
  const auto refuse = [name](const std::string& expected, const std::string& got) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected " + expected + ", got " + got);
  };
  if (!has_shape(given, sizes)) {
    refuse("shape " + list_text({sizes.begin(), sizes.size()}),
           given.defined() ? list_text({given.shape.data(), static_cast<std::size_t>(given.ndim)}) : "none");
  }
  expect_dtype(session, name, given);
}

void expect_dtype(const Session& session, const char* name, const ConstTensorView& given) {
  if (!given.defined() || given.dtype == session.dtype()) return;  // the op that follows refuses none
  throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected " + name_of(session.dtype()) +
                                               " as in the session, got " + name_of(given.dtype));
}

void expect_nodes(const Session& session, const Graph& graph, const NodeInputs& x, std::int64_t columns,
                  std::int64_t destination_columns) {
  if (!x.one_set) {
    expect_matrix(session, "x.source", x.source, graph.num_sources(), columns);
    expect_matrix(session, "x.destination", x.destination, graph.num_destinations(), destination_columns);
    return;
  }
  if (columns != destination_columns) {
    throw Error(ErrorCode::invalid_argument, "x: expected features of two node sets, for the layer was made with in " +
                                                 std::to_string(columns) + " and in_destination " +
                                                 std::to_string(destination_columns) + ", got those of one");
  }
  expect_matrix(session, "x", x.source, graph.num_nodes(), columns);
}

void expect_edge_features(const Session& session, const Graph& graph, const ConstTensorView& given,
                          std::int64_t width) {
  if (given.defined() != (width > 0)) {
    throw Error(ErrorCode::invalid_argument, width > 0
                                                 ? "edge_features: expected a tensor, got none"
                                                 : "edge_features: expected none, for the layer was made without");
  }
  if (width > 0) expect_matrix(session, "edge_features", given, graph.num_edges(), width);
}

namespace {

std::size_t count_of(std::initializer_list<std::int64_t> shape) {
  return static_cast<std::size_t>(contiguous_layout(Dtype::float64, {shape.begin(), shape.size()}).count());
}

/// A parameter whose elements are value(), in their order.
template <class Value>
Parameter make(Session& session, std::string name, std::initializer_list<std::int64_t> shape, Value&& value) {
  const std::size_t count = count_of(shape);
  Tensor initial = with_host_memory([&] { return "parameter " + name + " (" + std::to_string(count) + " elements)"; },
                                    [&] {
                                      std::vector<double> values(count);
                                      for (double& each : values) each = value();
                                      return upload(session, values, shape);
                                    });
  Parameter parameter{std::move(name), std::move(initial), Tensor(session.context(), session.dtype(), shape), true};
  parameter.gradient.fill_zero();
  return parameter;
}

}  // namespace

Session::Session(Context context, Dtype dtype, std::uint64_t seed)
    : context_(std::move(context)), dtype_(dtype), generator_(seed) {
  if (!is_real(dtype)) {
    throw Error(ErrorCode::invalid_argument, std::string("dtype: expected float32 or float64, got ") + name_of(dtype));
  }
  dropout_counter_ = Tensor(context_, Dtype::int64, {1});
  set_dropout_state(seed ^ 0xD1B54A32D192ED03u);
}

void Session::end_step() {
  ++step_;
  if (dropout_seed_ == first_dropout_seed_) return;  // no mask was drawn
  dropout_seed_ = first_dropout_seed_;
  advance_counter(context_, {dropout_counter_});
}

std::uint64_t Session::dropout_state() const {
  return dropout_seed(dropout_seed_, dropout_counter_.to_host<std::int64_t>().front());
}

void Session::set_dropout_state(std::uint64_t state) {
  first_dropout_seed_ = dropout_seed_ = state;
  dropout_counter_.fill_zero();
}

Parameter zeros(Session& session, std::string name, std::initializer_list<std::int64_t> shape) {
  return make(session, std::move(name), shape, [] { return 0.0; });
}

Parameter ones(Session& session, std::string name, std::initializer_list<std::int64_t> shape) {
  return make(session, std::move(name), shape, [] { return 1.0; });
}

Parameter uniform(Session& session, std::string name, std::initializer_list<std::int64_t> shape, double bound) {
  // Not std::uniform_real_distribution, whose sequence is the standard library's own choice.
  return make(session, std::move(name), shape, [&] {
    const double unit = static_cast<double>(session.generator()() >> 11) * 0x1.0p-53;
    return bound * (2 * unit - 1);
  });
}

Parameter glorot(Session& session, std::string name, std::initializer_list<std::int64_t> shape, std::int64_t fan_in,
                 std::int64_t fan_out) {
  return uniform(session, std::move(name), shape, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
}

}  // namespace warpgnn::nn
