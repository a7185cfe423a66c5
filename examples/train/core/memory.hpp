// SPDX-License-Identifier: MIT
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "warpgnn/error.hpp"

namespace train {

/// Throws DataError: there is no memory for `what`, which takes so many bytes at least.
[[noreturn]] void fail_for_memory(const std::string& what, double bytes);

/// Throws where something takes more than this machine has: the system would promise it, and end the program later.
void expect_memory(const std::string& what, double bytes);

/// What `make` returns, which takes so many bytes at least; where they are not there, an error that says what they are
/// for, and perhaps how to do with less.
template <class Make>
auto naming_memory(const std::string& what, double bytes, const Make& make) {
  expect_memory(what, bytes);
  try {
    return make();
  } catch (const std::bad_alloc&) {
    fail_for_memory(what, bytes);
  } catch (const std::length_error&) {
    fail_for_memory(what, bytes);
  } catch (const warpgnn::Error& error) {
    if (error.code() != warpgnn::ErrorCode::out_of_memory) throw;
    fail_for_memory(what, bytes);
  }
}

}  // namespace train
