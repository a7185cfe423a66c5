// SPDX-License-Identifier: MIT
// Products that the scan must find, and products that it must not.

#include <cstdint>

float narrow(const float* data, std::int64_t row, int stride, int step, int first, unsigned lanes) {
  constexpr int kWidth = 4;
  float sum = 0;
  sum += data[stride * step];                                           // found: an index
  sum += *(data + row + 1 + stride * step);                             // found: widened into an offset
  sum += *(data + stride * step);                                       // found: an offset
  sum += static_cast<float>(static_cast<std::int64_t>(stride * step));  // found: widened too late
  sum += data[first + stride * step];                                   // found: in a sum
  sum += data[lanes > 3 ? stride * step : 0];                           // found: in a choice
  const std::int64_t place = first + stride * step;                     // found: widened into a variable
  sum += data[place] + data[static_cast<std::int64_t>(stride) * step];
  sum += *(data + row * stride + kWidth * stride);
  sum += static_cast<float>(lanes * lanes);
  sum += static_cast<float>(stride * step);
  return sum;
}
