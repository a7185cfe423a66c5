// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace train {

/// A line with a band of one standard deviation around it; x runs 1, 2, 3, ...
struct Curve {
  std::string label;
  std::string colour;
  std::vector<double> mean;
  std::vector<double> deviation;  ///< or none: no band
};

struct Chart {
  std::string title;
  std::string x_label;
  std::vector<Curve> curves;
  double low_limit, high_limit;  ///< the y axis never goes beyond these; infinite: no limit
};

/// A whole SVG file. Values that are not finite are left out of their line.
std::string render_chart(const Chart& chart);

}  // namespace train
