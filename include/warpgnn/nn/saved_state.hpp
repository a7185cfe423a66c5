// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "warpgnn/nn/session.hpp"

namespace warpgnn::nn {

/// Whether a layer can go backward: it keeps the state of one forward, so that backward needs exactly one training
/// forward since the backward before. An evaluation forward saves nothing; a second training forward took the place of
/// the first. Another backward for the same forward is allowed. Forwards that no backward followed are forgotten when
/// their training step ends (Session::end_step).
class SavedState {
 public:
  /// Called by a backward. Throws `invalid_argument`, naming the layer.
  void expect(const char* layer);

 private:
  friend class ForwardPass;

  bool whole_ = false;       // what the last forward saved
  bool unanswered_ = false;  // a training forward that no backward followed
  bool second_ = false;      // another one after it
  std::uint64_t step_ = 0;   // of the session, in the last forward
};

/// Lives as long as a forward, whose layer saves nothing if it throws. Forwards of the layers within that layer do not
/// count, for they are no use of those layers' own.
class ForwardPass {
 public:
  ForwardPass(Session& session, SavedState& state);
  ~ForwardPass();
  ForwardPass(const ForwardPass&) = delete;
  ForwardPass& operator=(const ForwardPass&) = delete;

 private:
  Session* session_;
  SavedState* state_;
  int exceptions_;
};

}  // namespace warpgnn::nn
