// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "warpgnn/dtype.hpp"

namespace warpgnn::test {

/// A tensor of a case. Without values, random numbers, or of integers the first ones.
struct Described {
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::float32;
  std::vector<std::int64_t> values{};
};

/// What an op is given, by the names of its structs' fields: options, inputs and outputs. The gradient of a field that
/// is there has its shape. Fields that are not there are not given.
struct OpCaseOf {
  std::string problem;  // the struct's name
  std::map<std::string, double> options;
  std::map<std::string, Described> tensors;
};

/// Edges of the batch of two graphs that all cases are about.
struct CaseGraph {
  std::vector<std::int32_t> source, destination;
  std::vector<std::int64_t> offsets;
};
const CaseGraph& case_graph();

/// At least one for each problem; all of a problem together give every field.
const std::vector<OpCaseOf>& cases_of_ops();

}  // namespace warpgnn::test
