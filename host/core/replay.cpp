// SPDX-License-Identifier: MIT
#include "warpgnn/replay.hpp"

#include <utility>

#include "host/core/dispatch.hpp"

namespace warpgnn {

struct Replay::Recording {
  Context context;
  std::function<void()> work;
  void* recorded = nullptr;
  bool warm = false;

  Recording(Context where, std::function<void()> what) : context(std::move(where)), work(std::move(what)) {}
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() {
    with_exec(context, [&](const auto& exec) { backend::drop_recording(exec, recorded); });
  }

  void record() {
    with_exec(context, [](const auto& exec) { backend::begin_recording(exec); });
    const auto end = [&] { return with_exec(context, [](const auto& exec) { return backend::end_recording(exec); }); };
    try {
      work();
    } catch (...) {
      void* const unfinished = end();
      with_exec(context, [&](const auto& exec) { backend::drop_recording(exec, unfinished); });
      throw;
    }
    recorded = end();
    if (recorded == nullptr) {
      throw Error(ErrorCode::capturing,
                  "work: expected what can be captured into a CUDA graph, got what cannot: "
                  "another thread or library allocated or waited meanwhile");
    }
  }
};

Replay::Replay(const Context& context, std::function<void()> work)
    : recording_(std::make_unique<Recording>(context, std::move(work))) {
  if (!recording_->work) throw Error(ErrorCode::invalid_argument, "work: expected a function, got none");
}

Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

void Replay::run() {
  Recording& recording = *recording_;
  if (!recording.context.is_cuda() || !recording.warm) {
    recording.work();
    recording.warm = true;
    return;
  }
  if (recording.recorded == nullptr) recording.record();
  with_exec(recording.context, [&](const auto& exec) { backend::replay(exec, recording.recorded); });
}

bool Replay::recorded() const {
  return recording_->recorded != nullptr;
}

}  // namespace warpgnn
