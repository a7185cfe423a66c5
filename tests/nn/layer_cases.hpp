// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "tests/support/nn_subject.hpp"

namespace warpgnn::test {

/// Layers and models with their formulas, each defined by the test file of that name; layer_checks_test.cpp runs the
/// checks that all of them have to pass.
std::vector<SubjectCase> attention_layer_cases();
std::vector<SubjectCase> dense_layer_cases();
std::vector<SubjectCase> graph_layer_cases();
std::vector<SubjectCase> message_layer_cases();
std::vector<SubjectCase> model_cases();
std::vector<SubjectCase> pool_layer_cases();
std::vector<SubjectCase> relation_layer_cases();

}  // namespace warpgnn::test
