#pragma once

#include <string>
#include <vector>

#include "common/gallery.hpp"
#include "summary.hpp"

namespace examples::train_graphs {

/// One self-contained HTML page: result, curves, pictures, all accuracies, settings.
std::string render_page(const Summary& summary, const std::vector<std::string>& charts,
                        const std::vector<Figure>& figures);

}  // namespace examples::train_graphs
