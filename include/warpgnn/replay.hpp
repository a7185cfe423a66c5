// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "warpgnn/context.hpp"

namespace warpgnn {

/// Work on a context that is the same each time: the same calls on the same memory.
///
/// On CUDA its first run is an ordinary one, which gives tensors and workspaces their sizes. The second calls `work`
/// once more, records what it gives to the stream (a CUDA graph) and runs that; all later ones only replay it, which
/// costs one launch. What `work` does on the host, it does twice in all: numbers that it passes by value, such as a
/// learning rate, stay those of the recording, while what ops read from memory is read at each run. On the CPU each
/// run calls `work`.
///
/// What was said of captures in context.hpp holds: what allocates or waits is refused with `capturing` at the second
/// run, tensors that took part must outlive the Replay, and all runs are on the context's stream.
class Replay {
 public:
  Replay(const Context& context, std::function<void()> work);
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  ~Replay();

  /// What `work` throws passes through; a run that throws is none, and the next is what it would have been.
  void run();
  /// Whether run() replays.
  bool recorded() const;

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;
};

}  // namespace warpgnn
