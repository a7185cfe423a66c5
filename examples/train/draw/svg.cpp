// SPDX-License-Identifier: MIT
#include "draw/svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace train {

std::string format_fixed(double value, int digits) {
  std::array<char, 400> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  const std::string_view all(text.data(),
                             static_cast<std::size_t>(std::clamp(length, 0, static_cast<int>(text.size()) - 1)));
  const bool is_minus_zero = all.starts_with('-') && all.find_first_not_of("-0.") == std::string_view::npos;
  return std::string(is_minus_zero ? all.substr(1) : all);
}

std::string format_number(double value, int digits) {
  std::string text = format_fixed(value, digits);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

std::string format_duration(double seconds) {
  if (seconds < 10) return format_fixed(seconds, 1) + " s";
  const auto whole = std::llround(seconds);
  if (whole < 120) return std::to_string(whole) + " s";
  if (whole < 7200) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

std::string format_bytes(double bytes) {
  constexpr std::array kUnits{"bytes", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return format_fixed(bytes, unit == 0 || bytes >= 100 ? 0 : 1) + " " + kUnits[unit];
}

std::string escape_markup(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

Colour blend(const Colour& from, const Colour& to, double t) {
  const auto mix = [t](double a, double b) { return a + std::clamp(t, 0.0, 1.0) * (b - a); };
  return {mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue)};
}

std::string hex(const Colour& colour) {
  const auto byte = [](double value) { return static_cast<unsigned>(std::lround(std::clamp(value, 0.0, 255.0))); };
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "#%02x%02x%02x", byte(colour.red), byte(colour.green), byte(colour.blue));
  return text.data();
}

}  // namespace train
