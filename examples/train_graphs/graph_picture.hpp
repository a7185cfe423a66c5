// SPDX-License-Identifier: MIT
#pragma once

#include "common/picture.hpp"
#include "dataset.hpp"
#include "results.hpp"

namespace examples::train_graphs {

/// The graph of an explanation with its weights.
Picture make_picture(const Dataset& dataset, const Explanation& explanation);

}  // namespace examples::train_graphs
