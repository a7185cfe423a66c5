// SPDX-License-Identifier: MIT
#include "draw/picture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "draw/svg.hpp"

namespace train {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kPositive{250, 152, 56};
constexpr Colour kNegative{116, 172, 236};

}  // namespace

std::string node_colour(const Picture& picture, double weight) {
  double largest = 0;
  for (const Picture::Node& node : picture.nodes) largest = std::max(largest, std::abs(node.weight));
  if (!std::isfinite(weight) || largest == 0) return hex(kWhite);
  return hex(blend(kWhite, weight > 0 ? kPositive : kNegative, std::abs(weight) / largest));
}

double link_strength(const Picture& picture, double weight) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Picture::Link& link : picture.links) {
    low = std::min(low, link.weight);
    high = std::max(high, link.weight);
  }
  return high > low ? (weight - low) / (high - low) : 0;
}

std::string picture_dot(const Picture& picture, int start) {
  const auto quoted = [](const std::string& text) {
    std::string quote = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') quote += '\\';
      quote += c;
    }
    return quote + '"';
  };
  std::ostringstream dot;
  dot << "graph " << quoted(picture.name) << " {\n"
      << "  graph [layout=neato, overlap=true, start=" << start
      << ", epsilon=0.00001, maxiter=2000, label=" << quoted(picture.title) << ", fontname=\"sans-serif\"];\n"
      << "  node [shape=circle, fixedsize=true, width=0.42, style=filled, fontname=\"sans-serif\", fontsize=13];\n"
      << "  edge [len=1, color=\"#58616b\"];\n";
  for (std::size_t n = 0; n < picture.nodes.size(); ++n) {
    const Picture::Node& node = picture.nodes[n];
    dot << "  n" << n << " [label=" << quoted(node.text) << ", fillcolor=\"" << node_colour(picture, node.weight) << '"'
        << (node.in_motif ? ", penwidth=2.5" : "") << "];\n";
  }
  for (const Picture::Link& link : picture.links) {
    dot << "  n" << link.a << " -- n" << link.b << " [";
    switch (link.kind) {
      case Bond::aromatic: dot << "color=\"#58616b:white:#aab2ba\", "; break;
      case Bond::double_bond: dot << "color=\"#58616b:white:#58616b\", "; break;
      case Bond::triple: dot << "color=\"#58616b:white:#58616b:white:#58616b\", "; break;
      case Bond::single:
      case Bond::plain: break;
    }
    const double strength = picture.has_link_weights ? link_strength(picture, link.weight) : 0.15;
    dot << "penwidth=" << format_number(1 + 4 * strength, 2) << "];\n";
  }
  dot << "}\n";
  return std::move(dot).str();
}

}  // namespace train
