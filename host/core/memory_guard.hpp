// SPDX-License-Identifier: MIT
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "warpgnn/error.hpp"

namespace warpgnn {

/// Calls action(); where the host has no memory for it, Error says for what: what().
template <class What, class Action>
decltype(auto) with_host_memory(const What& what, Action&& action) {
  try {
    return std::forward<Action>(action)();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "memory: the host has not enough for " + std::string(what()));
  } catch (const std::length_error&) {  // more than a std::vector can ever hold
    throw Error(ErrorCode::out_of_memory, "memory: the host has not enough for " + std::string(what()));
  }
}

}  // namespace warpgnn
