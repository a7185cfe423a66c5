// SPDX-License-Identifier: MIT
#include "work_log.hpp"

#include <utility>

namespace simt {
namespace {

WorkLog& work_log() {
  static WorkLog log;
  return log;
}

}  // namespace

void log_work(const std::string& name) {
  if (options().log_work) work_log().work.push_back(name);
}

void log_allocation() {
  if (options().log_work) ++work_log().allocations;
}

void log_wait() {
  if (options().log_work) ++work_log().waits;
}

WorkLog take_work_log() {
  return std::exchange(work_log(), {});
}

}  // namespace simt
