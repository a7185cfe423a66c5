// SPDX-License-Identifier: MIT
#pragma once

#include "simt/simt.hpp"

namespace simt {

// Nothing is kept unless Options::log_work asks for it.
void log_work(const std::string& name);
void log_allocation();
void log_wait();

}  // namespace simt
