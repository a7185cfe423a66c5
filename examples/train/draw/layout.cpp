// SPDX-License-Identifier: MIT
#include "draw/layout.hpp"

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "core/files.hpp"
#include "draw/child_process.hpp"

namespace train {
namespace {

constexpr int kMostStarts = 16;

double turn(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

bool cross(const Point& a, const Point& b, const Point& c, const Point& d) {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

std::optional<std::vector<Point>> place(const Picture& picture, const std::filesystem::path& dot_file, int start) {
  write_file(dot_file, picture_dot(picture, start));
  const ChildOutput output = run_program("neato", {"-Tplain"}, dot_file);
  if (!output.succeeded) return std::nullopt;
  return parse_layout(output.standard_output, picture.nodes.size());
}

}  // namespace

std::optional<std::vector<Point>> parse_layout(const std::string& plain, std::size_t nodes) {
  std::vector<Point> positions(nodes);
  std::size_t placed = 0;
  std::istringstream lines(plain);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind, name;
    Point point;
    if (!(words >> kind >> name >> point.x >> point.y) || kind != "node" || name.size() < 2) continue;
    const std::size_t index = std::strtoull(name.c_str() + 1, nullptr, 10);
    if (index >= nodes) return std::nullopt;
    positions[index] = point;
    ++placed;
  }
  if (placed != nodes) return std::nullopt;
  return positions;
}

int count_tangles(const Picture& picture, const std::vector<Point>& positions) {
  constexpr double kTooNear = 0.5;
  int tangles = 0;
  for (std::size_t i = 0; i < picture.links.size(); ++i) {
    const Picture::Link& p = picture.links[i];
    for (std::size_t j = i + 1; j < picture.links.size(); ++j) {
      const Picture::Link& q = picture.links[j];
      if (p.a == q.a || p.a == q.b || p.b == q.a || p.b == q.b) continue;
      if (cross(positions[p.a], positions[p.b], positions[q.a], positions[q.b])) ++tangles;
    }
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (std::size_t j = i + 1; j < positions.size(); ++j) {
      if (std::hypot(positions[i].x - positions[j].x, positions[i].y - positions[j].y) < kTooNear) ++tangles;
    }
  }
  return tangles;
}

std::optional<std::vector<Point>> lay_out(const Picture& picture, const std::filesystem::path& dot_file) {
  std::optional<std::vector<Point>> best;
  int fewest = 0, best_start = 1;
  for (int start = 1; start <= kMostStarts; ++start) {
    std::optional<std::vector<Point>> positions = place(picture, dot_file, start);
    if (!positions) break;
    const int tangles = count_tangles(picture, *positions);
    if (best && tangles >= fewest) continue;
    best = std::move(positions);
    fewest = tangles;
    best_start = start;
    if (fewest == 0) break;
  }
  write_file(dot_file, picture_dot(picture, best_start));
  return best;
}

}  // namespace train
