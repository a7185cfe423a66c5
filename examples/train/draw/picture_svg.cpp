// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "draw/picture.hpp"
#include "draw/svg.hpp"

namespace train {
namespace {

constexpr double kUnit = 46;  // pixels per edge length
constexpr double kMargin = 26;
constexpr double kLegendHeight = 40;
constexpr double kNarrowest = 250;
constexpr double kRadius = 12;
constexpr Colour kWeakLink{196, 203, 210};
constexpr Colour kStrongLink{176, 28, 92};
constexpr const char* kPlainLink = "#58616b";
constexpr const char* kInk = "#1f2933";

std::string px(double value) {
  return format_number(value, 1);
}

/// The picture's frame: positions in pixels, y downwards.
struct Canvas {
  std::vector<Point> at;
  double width = 0, height = 0;
};

/// Turns the layout so that its longest direction lies flat.
std::vector<Point> lay_flat(std::vector<Point> points) {
  Point centre;
  for (const Point& p : points) centre.x += p.x, centre.y += p.y;
  const double count = std::max<double>(1, static_cast<double>(points.size()));
  centre = {centre.x / count, centre.y / count};
  double xx = 0, xy = 0, yy = 0;
  for (const Point& p : points) {
    xx += (p.x - centre.x) * (p.x - centre.x);
    xy += (p.x - centre.x) * (p.y - centre.y);
    yy += (p.y - centre.y) * (p.y - centre.y);
  }
  const double angle = 0.5 * std::atan2(2 * xy, xx - yy), c = std::cos(angle), s = std::sin(angle);
  for (Point& p : points) {
    const Point d{p.x - centre.x, p.y - centre.y};
    p = {c * d.x + s * d.y, -s * d.x + c * d.y};
  }
  return points;
}

Canvas make_canvas(const Picture& picture, const std::vector<Point>& positions) {
  Canvas canvas;
  canvas.at = picture.is_map ? positions : lay_flat(positions);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double left = kInfinity, right = -kInfinity, top = kInfinity, bottom = -kInfinity;
  for (Point& p : canvas.at) {
    p = {p.x * kUnit, -p.y * kUnit};
    left = std::min(left, p.x), right = std::max(right, p.x);
    top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  }
  canvas.width = std::max(kNarrowest, right - left + 2 * kMargin);
  const double shift = (canvas.width - (right - left)) / 2;
  for (Point& p : canvas.at) p = {p.x - left + shift, p.y - top + kMargin};
  const bool has_legend = picture.has_node_weights || picture.has_link_weights;
  canvas.height = bottom - top + 2 * kMargin + (has_legend ? kLegendHeight : 0);
  return canvas;
}

struct Stroke {
  std::string colour;
  double width;
};

Stroke stroke_of(const Picture& picture, const Picture::Link& link) {
  if (!picture.has_link_weights) return {kPlainLink, 1.8};
  const double strength = link_strength(picture, link.weight);
  return {hex(blend(kWeakLink, kStrongLink, strength)), 1.6 + 3.4 * strength};
}

/// One of a link's parallel lines, `offset` pixels to its left, shortened by `inset` at both ends.
void draw_parallel(std::ostream& svg, Point a, Point b, double offset, double inset, const Stroke& stroke,
                   const char* dashes = "") {
  const double length = std::max(1e-9, std::hypot(b.x - a.x, b.y - a.y));
  const Point along{(b.x - a.x) / length, (b.y - a.y) / length};
  const Point side{-along.y * offset, along.x * offset};
  svg << "<line x1=\"" << px(a.x + side.x + along.x * inset) << "\" y1=\"" << px(a.y + side.y + along.y * inset)
      << "\" x2=\"" << px(b.x + side.x - along.x * inset) << "\" y2=\"" << px(b.y + side.y - along.y * inset)
      << "\" stroke=\"" << stroke.colour << "\" stroke-width=\"" << px(stroke.width) << '"' << dashes << "/>\n";
}

/// +1 or -1: the side of a link on which more of the ring around it lies, judged by the ends' other neighbours.
double ring_side(const Picture& picture, const Canvas& canvas, const Picture::Link& link) {
  const Point a = canvas.at[link.a], b = canvas.at[link.b];
  double sum = 0;
  for (const Picture::Link& other : picture.links) {
    if (other.kind != Bond::aromatic || &other == &link) continue;
    for (const auto& [near, far] : {std::pair(other.a, other.b), std::pair(other.b, other.a)}) {
      if (near != link.a && near != link.b) continue;
      const Point p = canvas.at[far];
      const double cross = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
      sum += cross > 0 ? 1 : -1;
    }
  }
  return sum < 0 ? -1 : 1;
}

void draw_link(std::ostream& svg, const Picture& picture, const Canvas& canvas, const Picture::Link& link) {
  const Point a = canvas.at[link.a], b = canvas.at[link.b];
  const Stroke stroke = stroke_of(picture, link);
  const double gap = 2.6 + stroke.width / 2;
  const Stroke thin{stroke.colour, std::min(stroke.width, 1.8)};
  switch (link.kind) {
    case Bond::double_bond:
      draw_parallel(svg, a, b, gap / 1.3, 0, stroke);
      draw_parallel(svg, a, b, -gap / 1.3, 0, stroke);
      return;
    case Bond::triple:
      draw_parallel(svg, a, b, gap * 1.1, 0, thin);
      draw_parallel(svg, a, b, 0, 0, stroke);
      draw_parallel(svg, a, b, -gap * 1.1, 0, thin);
      return;
    case Bond::aromatic:
      draw_parallel(svg, a, b, 0, 0, stroke);
      draw_parallel(svg, a, b, ring_side(picture, canvas, link) * (gap + 2), kRadius + 1.5, thin,
                    " stroke-dasharray=\"3.2 2.4\"");
      return;
    case Bond::single:
    case Bond::plain: break;
  }
  draw_parallel(svg, a, b, 0, 0, stroke);
}

const char* element_colour(const std::string& symbol) {
  if (symbol == "N") return "#1d4ed8";
  if (symbol == "O") return "#c81e1e";
  if (symbol == "F" || symbol == "Cl" || symbol == "Br" || symbol == "I") return "#15803d";
  if (symbol == "S" || symbol == "P") return "#a16207";
  return kInk;
}

void draw_node(std::ostream& svg, const Picture& picture, const Picture::Node& node, const Point& at) {
  svg << "<circle cx=\"" << px(at.x) << "\" cy=\"" << px(at.y) << "\" r=\""
      << px(node.text.empty() ? 0.75 * kRadius : kRadius) << "\" fill=\"" << node_colour(picture, node.weight)
      << "\" stroke=\"" << (node.in_motif ? kInk : "#8a949e") << "\" stroke-width=\"" << (node.in_motif ? "2.4" : "1")
      << "\"><title>" << escape_markup(node.text);
  if (picture.has_node_weights) svg << " weight " << format_number(node.weight, 4);
  svg << "</title></circle>\n";
  if (node.text.empty()) return;
  svg << "<text x=\"" << px(at.x) << "\" y=\"" << px(at.y + 4.4) << "\" text-anchor=\"middle\" font-size=\""
      << (node.text.size() > 1 ? 11 : 13) << "\" font-weight=\"600\" fill=\""
      << (picture.is_molecule ? element_colour(node.text) : kInk) << "\" pointer-events=\"none\">"
      << escape_markup(node.text) << "</text>\n";
}

/// A bar of colours from `low` to `high` with numbers at its ends.
void draw_scale(std::ostream& svg, double left, double y, const std::string& label, double low, double high,
                const std::vector<std::string>& colours) {
  constexpr double kBar = 72, kSwatchHeight = 8;
  const double swatch = kBar / static_cast<double>(colours.size());
  const auto text = [&](double x, const char* anchor, const std::string& words) {
    svg << "<text x=\"" << px(x) << "\" y=\"" << px(y + 19) << "\" text-anchor=\"" << anchor
        << "\" font-size=\"10\" fill=\"#66717d\">" << escape_markup(words) << "</text>\n";
  };
  svg << "<text x=\"" << px(left) << "\" y=\"" << px(y - 5) << "\" font-size=\"10.5\" fill=\"" << kInk << "\">" << label
      << "</text>\n";
  for (std::size_t i = 0; i < colours.size(); ++i) {
    svg << "<rect x=\"" << format_number(left + swatch * static_cast<double>(i), 2) << "\" y=\"" << px(y)
        << "\" width=\"" << format_number(swatch + 0.3, 2) << "\" height=\"" << px(kSwatchHeight) << "\" fill=\""
        << colours[i] << "\"/>\n";
  }
  svg << "<rect x=\"" << px(left) << "\" y=\"" << px(y) << "\" width=\"" << px(kBar) << "\" height=\""
      << px(kSwatchHeight) << "\" fill=\"none\" stroke=\"#8a949e\" stroke-width=\"0.6\"/>\n";
  text(left, "start", format_number(low, 2));
  text(left + kBar, "end", format_number(high, 2));
}

void draw_legend(std::ostream& svg, const Picture& picture, const Canvas& canvas) {
  constexpr int kSteps = 24;
  const double y = canvas.height - 26;
  const auto scale = [&](double left, const std::string& label, double low, double high, const auto& colour) {
    std::vector<std::string> colours;
    for (int i = 0; i < kSteps; ++i) colours.push_back(colour(low + (high - low) * i / (kSteps - 1)));
    draw_scale(svg, left, y, label, low, high, colours);
  };
  if (picture.has_node_weights) {
    double low = 0, high = 0;
    for (const Picture::Node& node : picture.nodes) {
      low = std::min(low, node.weight), high = std::max(high, node.weight);
    }
    scale(14, "node " + picture.weight_name, low, high, [&](double weight) { return node_colour(picture, weight); });
  }
  if (picture.has_link_weights && !picture.links.empty()) {
    const auto [low, high] = std::minmax_element(picture.links.begin(), picture.links.end(),
                                                 [](const auto& a, const auto& b) { return a.weight < b.weight; });
    scale(picture.has_node_weights ? 130 : 14, "edge " + picture.weight_name, low->weight, high->weight,
          [&](double weight) { return hex(blend(kWeakLink, kStrongLink, link_strength(picture, weight))); });
  }
}

}  // namespace

std::string picture_svg(const Picture& picture, const std::vector<Point>& positions) {
  const Canvas canvas = make_canvas(picture, positions);
  std::ostringstream svg;
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << px(canvas.width) << ' ' << px(canvas.height)
      << "\" width=\"" << px(canvas.width) << "\" height=\"" << px(canvas.height) << "\" role=\"img\" aria-label=\""
      << escape_markup(picture.title)
      << "\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<g stroke-linecap=\"round\">\n";
  for (const Picture::Link& link : picture.links) draw_link(svg, picture, canvas, link);
  svg << "</g>\n";
  for (std::size_t n = 0; n < picture.nodes.size(); ++n) draw_node(svg, picture, picture.nodes[n], canvas.at[n]);
  draw_legend(svg, picture, canvas);
  svg << "</svg>\n";
  return std::move(svg).str();
}

}  // namespace train
