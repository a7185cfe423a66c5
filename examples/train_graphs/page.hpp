// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "common/page.hpp"
#include "summary.hpp"

namespace examples::train_graphs {

/// Result, curves, pictures, all accuracies and settings.
Page make_page(const Summary& summary, std::vector<std::string> charts, std::vector<Figure> figures);

}  // namespace examples::train_graphs
