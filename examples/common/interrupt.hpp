#pragma once

namespace examples {

/// From now on the first SIGINT or SIGTERM only sets a flag; a second one ends the program at once.
void watch_interrupts();
bool interrupted();

}  // namespace examples
