#pragma once

#include <string>
#include <vector>

#include "summary.hpp"

namespace train_graphs {

/// A picture as it stands on the page.
struct PageFigure {
  std::string svg;
  std::string caption;
  bool is_right = false;
};

/// One self-contained HTML page: result, curves, pictures, all accuracies, settings.
std::string render_page(const Summary& summary, const std::vector<std::string>& charts,
                        const std::vector<PageFigure>& figures);

}  // namespace train_graphs
