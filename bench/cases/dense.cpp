// SPDX-License-Identifier: MIT
#include "case_parts.hpp"

namespace warpgnn::bench {

Case linear_case(const Context& context, std::int64_t rows, std::int64_t in, std::int64_t out, Direction direction,
                 Dtype storage) {
  struct Memory {
    Tensor x, weight, y, dy, dx, dweight;
  };
  const auto m = std::make_shared<Memory>(Memory{.x = random_tensor(context, {rows, in}, storage),
                                                 .weight = random_tensor(context, {out, in}, storage),
                                                 .y = empty(context, {rows, out}, storage),
                                                 .dy = random_tensor(context, {rows, out}, storage),
                                                 .dx = empty(context, {rows, in}, storage),
                                                 .dweight = empty(context, {out, in})});
  const Sizes sizes{.nodes = static_cast<double>(rows),
                    .width = static_cast<double>(out),
                    .stored = static_cast<double>(size_of(storage))};
  const double flops = 2 * static_cast<double>(rows) * static_cast<double>(in) * static_cast<double>(out);
  return choose(direction,
                {call_of(context, linear_forward, Linear{.x = m->x, .weight = m->weight}, LinearResult{.y = m->y}),
                 linear_forward_bytes(sizes, static_cast<double>(in)), flops},
                {call_of(context, linear_backward, Linear{.x = m->x, .weight = m->weight},
                         LinearGradients{.dy = m->dy, .dx = m->dx, .dweight = m->dweight}),
                 linear_backward_bytes(sizes, static_cast<double>(in)), 2 * flops},
                m);
}

}  // namespace warpgnn::bench
