// SPDX-License-Identifier: MIT
#pragma once

/// What an edge sends, one channel at a time, from the source's row and its own.

#include <type_traits>

#include "host/math/activations.hpp"
#include "warpgnn/ops/message_aggregate.hpp"

namespace warpgnn::math {

/// Of zeros it is zero.
template <EdgeMessage kMessage, class V>
WARPGNN_MATH V message_of(V source, V edge) {
  if constexpr (kMessage == EdgeMessage::edge) {
    return edge;
  } else if constexpr (kMessage == EdgeMessage::multiply) {
    return source * edge;
  } else if constexpr (kMessage == EdgeMessage::relu_add) {
    return relu(source + edge);
  } else {
    return source + edge;
  }
}

/// The part of a message's gradient that reaches the sum within relu_add; all of it for other messages.
template <EdgeMessage kMessage, class V>
WARPGNN_MATH V inner_gradient(V source, V edge, V gradient) {
  if constexpr (kMessage == EdgeMessage::relu_add) {
    return relu_gradient(source + edge, gradient);
  } else {
    return gradient;
  }
}

/// Calls function(constant) with the message as a std::integral_constant.
template <class Function>
void with_message(EdgeMessage message, Function&& function) {
  switch (message) {
    case EdgeMessage::add: return function(std::integral_constant<EdgeMessage, EdgeMessage::add>{});
    case EdgeMessage::multiply: return function(std::integral_constant<EdgeMessage, EdgeMessage::multiply>{});
    case EdgeMessage::relu_add: return function(std::integral_constant<EdgeMessage, EdgeMessage::relu_add>{});
    case EdgeMessage::edge: return function(std::integral_constant<EdgeMessage, EdgeMessage::edge>{});
  }
}

}  // namespace warpgnn::math
