// SPDX-License-Identifier: MIT
#pragma once

namespace train {

/// From now on the first SIGINT, SIGTERM or SIGHUP only sets a flag; a second one ends the program at once. One that is
/// ignored already, as nohup does, stays ignored. Writing to a closed pipe is an error like any other, not the end.
void watch_interrupts();
bool interrupted();

}  // namespace train
