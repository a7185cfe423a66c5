// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/backends.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/nn_subject.hpp"

namespace warpgnn::test {

/// What is particular to some layers, beside the checks of layer_checks_test.cpp.
class LayerTest : public OpTest {
 protected:
  static constexpr auto kInvalid = ErrorCode::invalid_argument;
  using Names = std::vector<std::string>;

  Tensor tensor(const Shape& shape, const oracle::Reals& values) const {
    return tensor_of(context(), dtype(), shape, values);
  }
  oracle::Reals reals(const ConstTensorView& view) const { return reals_of(context(), view); }

  template <class Layer>
  static Names names(Layer&& layer) {
    nn::ParameterList list;
    layer.collect(list);
    Names result;
    for (const nn::Parameter* each : list) result.push_back(each->name);
    return result;
  }
};

/// Inputs for layers of width 3: those that fit a graph of four nodes and three edges, and those that do not.
class LayerErrorsTest : public LayerTest {
 protected:
  void SetUp() override {
    LayerTest::SetUp();
    if (IsSkipped()) return;
    graph = edges_from_four_nodes(4).upload(context());
    bipartite = edges_from_four_nodes(3).upload(context());
    x = tensor({4, 3}, oracle::Reals(12, 1));
    long_x = tensor({5, 3}, oracle::Reals(15, 1));
    wide_x = tensor({4, 7}, oracle::Reals(28, 1));
    edge_weight = tensor({3}, oracle::Reals(3, 1));
    edge_features = tensor({3, 2}, oracle::Reals(6, 1));
    session.emplace(context(), dtype(), 3);
  }

  static TestGraph edges_from_four_nodes(std::int64_t destinations) {
    return {"", {4, destinations, {0, 1, 2}, {1, 2, 2}}};
  }

  Graph graph, bipartite;
  Tensor x, long_x, wide_x, edge_weight, edge_features;
  std::optional<nn::Session> session;
};

}  // namespace warpgnn::test
