// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "draw/gallery.hpp"

namespace train {

/// What a finished training shows. All texts are plain; the page escapes them.
struct Page {
  struct Number {
    std::string value, name;
  };
  /// One training: its name first. The cells of all rows fit Page::run_head.
  using Row = std::vector<std::string>;

  std::string title, subtitle;
  std::vector<Number> numbers;      ///< the headline figures
  std::vector<std::string> charts;  ///< SVG
  std::string how_to_read;          ///< stands above the figures
  std::vector<Figure> figures;      ///< none: their section is left out
  Row run_head;
  std::vector<Row> runs;
  std::vector<std::pair<std::string, std::string>> settings;  ///< names and values
};

/// One self-contained HTML page.
std::string render_page(const Page& page);

}  // namespace train
