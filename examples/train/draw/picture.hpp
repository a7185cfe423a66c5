// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace train {

/// How a link is drawn.
enum class Bond { plain, aromatic, single, double_bond, triple };

/// One graph as it is drawn: undirected, with weights.
struct Picture {
  struct Node {
    std::string text;
    double weight = 0;
    bool in_motif = false;
  };
  struct Link {
    std::size_t a = 0, b = 0;
    Bond kind = Bond::plain;
    double weight = 0;  ///< the mean over both directions
  };
  std::string name;  ///< for files: graph_17
  std::string title;
  bool is_right = false;
  bool is_molecule = false;
  bool is_map = false;  ///< positions have a meaning
  bool has_node_weights = false;
  bool has_link_weights = false;
  std::string weight_name = "attention";  ///< for the legend
  std::vector<Node> nodes;
  std::vector<Link> links;
};

struct Point {
  double x = 0, y = 0;
};

/// The colour of a node: white at 0, towards orange for positive and blue for negative weights, full at the largest
/// size of a weight in the picture.
std::string node_colour(const Picture& picture, double weight);
/// Where a link's weight lies between the smallest and the largest of the picture.
double link_strength(const Picture& picture, double weight);

/// Graphviz source that draws the picture by itself too (neato -Tsvg). `start` seeds neato's first guess.
std::string picture_dot(const Picture& picture, int start);
/// A whole SVG file. Positions are in lengths of a link; the picture is turned so that its longest direction lies flat,
/// but for one of a map.
std::string picture_svg(const Picture& picture, const std::vector<Point>& positions);

}  // namespace train
