// SPDX-License-Identifier: MIT
#include "host/nn/heads.hpp"

namespace warpgnn::nn {

namespace {

/// One head of [rows, heads, channels] as [rows, channels].
template <class View>
View head_of(View rows, std::int64_t head) {
  const std::int64_t channels = rows.shape[2];
  rows.ndim = 2;
  rows.shape = {rows.shape[0], rows.shape[1] * channels};
  rows.stride = {rows.stride[0], rows.stride[2]};
  return columns(rows, head * channels, channels);
}

}  // namespace

SharedTensor average_heads(const Session& session, const ConstTensorView& y, Tensor& averaged) {
  const std::int64_t heads = y.shape[1];
  shape(session, averaged, {y.shape[0], y.shape[2]});
  averaged.fill_zero();
  for (std::int64_t h = 0; h < heads; ++h) {
    add_scaled(session.context(),
               {.scale = 1 / static_cast<double>(heads), .source = head_of(y, h), .target = averaged});
  }
  return averaged.share();
}

ConstTensorView spread_over_heads(const Session& session, const ConstTensorView& dy, std::int64_t heads,
                                  Tensor& dheads) {
  shape(session, dheads, {dy.shape[0], heads, dy.shape[1]});
  dheads.fill_zero();
  for (std::int64_t h = 0; h < heads; ++h) {
    add_scaled(session.context(),
               {.scale = 1 / static_cast<double>(heads), .source = dy, .target = head_of(dheads.view(), h)});
  }
  return dheads;
}

}  // namespace warpgnn::nn
