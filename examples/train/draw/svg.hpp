// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace train {

/// `value` with `digits` after the point, without a trailing ".0...".
std::string format_number(double value, int digits);
/// `value` with exactly `digits` after the point; zero has no sign.
std::string format_fixed(double value, int digits);
/// "41 s" or "3 min 20 s".
std::string format_duration(double seconds);
/// "512 bytes" or "3.4 GB".
std::string format_bytes(double bytes);
/// Text for XML and HTML, in elements and in quoted attributes.
std::string escape_markup(std::string_view text);

struct Colour {
  double red, green, blue;  ///< 0 to 255
};
/// The colour at `t` in [0, 1] between two others.
Colour blend(const Colour& from, const Colour& to, double t);
/// #rrggbb
std::string hex(const Colour& colour);

}  // namespace train
