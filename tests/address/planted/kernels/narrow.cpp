// Four products that the scan must find, and as many that it must not.

#include <cstdint>

float narrow(const float* data, std::int64_t row, int stride, int step, unsigned lanes) {
  constexpr int kWidth = 4;
  float sum = 0;
  sum += data[stride * step];                                           // found: an index
  sum += *(data + row + 1 + stride * step);                             // found: widened into an offset
  sum += *(data + stride * step);                                       // found: an offset
  sum += static_cast<float>(static_cast<std::int64_t>(stride * step));  // found: widened too late
  sum += data[static_cast<std::int64_t>(stride) * step];
  sum += *(data + row * stride + kWidth * stride);
  sum += static_cast<float>(lanes * lanes);
  sum += static_cast<float>(stride * step);
  return sum;
}
