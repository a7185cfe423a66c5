// SPDX-License-Identifier: MIT
#include "draw/chart.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "draw/svg.hpp"

namespace train {
namespace {

constexpr double kWidth = 640, kHeight = 380;
constexpr double kLeft = 62, kRight = 22, kTop = 52, kBottom = 50;
constexpr const char* kInk = "#1f2933";
constexpr const char* kFaintInk = "#66717d";
constexpr const char* kGrid = "#e3e7eb";

/// One axis: the range it shows, round steps, and where values land.
struct Axis {
  double low, high, step;
  double pixel_low, pixel_high;

  double pixel(double value) const {
    const double t = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return pixel_low + t * (pixel_high - pixel_low);
  }
  int digits() const { return std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9))); }
};

double deviation_at(const Curve& curve, std::size_t place) {
  return curve.deviation.empty() ? 0 : curve.deviation[place];
}

double round_step(double range, int most_steps) {
  const double rough = range / most_steps;
  const double decade = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= rough * (1 - 1e-9)) return factor * decade;
  }
  return 10 * decade;
}

Axis y_axis(const Chart& chart) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Curve& curve : chart.curves) {
    for (std::size_t i = 0; i < curve.mean.size(); ++i) {
      if (!std::isfinite(curve.mean[i]) || !std::isfinite(deviation_at(curve, i))) continue;
      low = std::min(low, curve.mean[i] - deviation_at(curve, i));
      high = std::max(high, curve.mean[i] + deviation_at(curve, i));
    }
  }
  if (low > high) low = 0, high = 1;
  low = std::max(low, chart.low_limit);
  high = std::min(high, chart.high_limit);
  if (high - low <= 1e-9 * std::max(std::abs(low), std::abs(high))) {
    const double margin = low == 0 && high == 0 ? 0.5 : std::abs(high) / 2;
    low -= margin, high += margin;
  }
  const double step = round_step(high - low, 6);
  return {std::max(chart.low_limit, step * std::floor(low / step + 1e-9)),
          std::min(chart.high_limit, step * std::ceil(high / step - 1e-9)), step, kHeight - kBottom, kTop};
}

Axis x_axis(const Chart& chart) {
  std::size_t count = 1;
  for (const Curve& curve : chart.curves) count = std::max(count, curve.mean.size());
  const double last = std::max(2.0, static_cast<double>(count));
  return {1, last, std::max(1.0, round_step(last, 6)), kLeft, kWidth - kRight};
}

void draw_text(std::ostream& svg, double x, double y, const char* anchor, const char* colour, int size,
               const std::string& text, const char* more = "") {
  svg << "<text x=\"" << format_number(x, 1) << "\" y=\"" << format_number(y, 1) << "\" text-anchor=\"" << anchor
      << "\" fill=\"" << colour << "\" font-size=\"" << size << '"' << more << '>' << escape_markup(text)
      << "</text>\n";
}

void draw_line(std::ostream& svg, double x1, double y1, double x2, double y2, const char* colour) {
  svg << "<line x1=\"" << format_number(x1, 1) << "\" y1=\"" << format_number(y1, 1) << "\" x2=\""
      << format_number(x2, 1) << "\" y2=\"" << format_number(y2, 1) << "\" stroke=\"" << colour << "\"/>\n";
}

void draw_frame(std::ostream& svg, const Chart& chart, const Axis& x, const Axis& y) {
  for (double value = y.step * std::ceil(y.low / y.step - 1e-9); value <= y.high + y.step * 1e-6; value += y.step) {
    draw_line(svg, kLeft, y.pixel(value), kWidth - kRight, y.pixel(value), kGrid);
    draw_text(svg, kLeft - 8, y.pixel(value) + 4, "end", kFaintInk, 12, format_fixed(value, y.digits()));
  }
  for (double value = 0; value <= x.high + 1e-6; value += x.step) {
    const double tick = std::max(1.0, value);
    draw_line(svg, x.pixel(tick), kHeight - kBottom, x.pixel(tick), kHeight - kBottom + 5, kFaintInk);
    draw_text(svg, x.pixel(tick), kHeight - kBottom + 20, "middle", kFaintInk, 12, format_fixed(tick, 0));
  }
  draw_line(svg, kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, kFaintInk);
  draw_text(svg, kLeft, 28, "start", kInk, 16, chart.title, " font-weight=\"600\"");
  draw_text(svg, (kLeft + kWidth - kRight) / 2, kHeight - 10, "middle", kFaintInk, 12, chart.x_label);
}

void draw_curve(std::ostream& svg, const Curve& curve, const Axis& x, const Axis& y) {
  std::ostringstream line, upper;
  std::vector<std::string> lower;
  for (std::size_t i = 0; i < curve.mean.size(); ++i) {
    if (!std::isfinite(curve.mean[i]) || !std::isfinite(deviation_at(curve, i))) continue;
    const std::string at = format_number(x.pixel(static_cast<double>(i + 1)), 1) + ",";
    line << at << format_number(y.pixel(curve.mean[i]), 1) << ' ';
    upper << at << format_number(y.pixel(curve.mean[i] + deviation_at(curve, i)), 1) << ' ';
    lower.push_back(at + format_number(y.pixel(curve.mean[i] - deviation_at(curve, i)), 1));
  }
  std::reverse(lower.begin(), lower.end());
  svg << "<polygon points=\"" << upper.str();
  for (const std::string& point : lower) svg << point << ' ';
  svg << "\" fill=\"" << curve.colour << "\" fill-opacity=\"0.13\"/>\n<polyline points=\"" << line.str()
      << "\" fill=\"none\" stroke=\"" << curve.colour
      << "\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n";
}

void draw_legend(std::ostream& svg, const Chart& chart) {
  double x = kWidth - kRight;
  for (auto curve = chart.curves.rbegin(); curve != chart.curves.rend(); ++curve) {
    draw_text(svg, x, 28, "end", kInk, 13, curve->label);
    x -= 8.0 * static_cast<double>(curve->label.size()) + 6;
    svg << "<line x1=\"" << format_number(x - 22, 1) << "\" y1=\"23.5\" x2=\"" << format_number(x, 1)
        << "\" y2=\"23.5\" stroke=\"" << curve->colour << "\" stroke-width=\"3\" stroke-linecap=\"round\"/>\n";
    x -= 40;
  }
}

}  // namespace

std::string render_chart(const Chart& chart) {
  const Axis x = x_axis(chart), y = y_axis(chart);
  std::ostringstream svg;
  svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight << "\" width=\""
      << kWidth << "\" height=\"" << kHeight << "\" role=\"img\" aria-label=\"" << escape_markup(chart.title)
      << "\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n"
      << "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  draw_frame(svg, chart, x, y);
  for (const Curve& curve : chart.curves) draw_curve(svg, curve, x, y);
  draw_legend(svg, chart);
  svg << "</svg>\n";
  return std::move(svg).str();
}

}  // namespace train
