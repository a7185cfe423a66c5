// SPDX-License-Identifier: MIT
#include "core/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace train {
namespace {

volatile std::sig_atomic_t flag = 0;

extern "C" void on_signal(int) {
  flag = 1;
}

}  // namespace

void watch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  // One delivery each, then the default action; and blocking calls go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction present = {};
    sigaction(signal, nullptr, &present);
    if (present.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
  return flag != 0;
}

}  // namespace train
