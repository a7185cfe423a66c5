// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "draw/picture.hpp"

namespace train {

/// A picture as it stands on a page.
struct Figure {
  std::string svg;
  std::string caption;
  bool is_right = false;
};

/// Pictures that were written, and a remark for the terminal where some could not be drawn.
struct Gallery {
  std::vector<Figure> figures;
  std::string remark;
};

/// Writes a DOT file for every picture, and an SVG file for those that Graphviz can lay out. Removes the files of an
/// earlier training, whose names begin with `prefix`, as these do.
Gallery write_gallery(const std::filesystem::path& folder, const std::string& prefix,
                      const std::vector<Picture>& pictures);

/// The same of figures that are drawn already, as files of these names.
Gallery write_figures(const std::filesystem::path& folder, const std::string& prefix, std::vector<Figure> figures,
                      const std::vector<std::string>& names);

}  // namespace train
