// SPDX-License-Identifier: MIT
#include "warpgnn/nn/saved_state.hpp"

#include <exception>
#include <string>

#include "warpgnn/error.hpp"

namespace warpgnn::nn {

void SavedState::expect(const char* layer) {
  if (!whole_) {
    throw Error(ErrorCode::invalid_argument,
                std::string(layer) + ": backward expects a forward of a training session before it");
  }
  if (second_) {
    throw Error(ErrorCode::invalid_argument,
                std::string(layer) +
                    ": backward expects one training forward since the backward before, got more, and a layer keeps "
                    "the state of one forward (Session::end_step forgets those that no backward followed)");
  }
  unanswered_ = false;
}

ForwardPass::ForwardPass(Session& session, SavedState& state)
    : session_(&session), state_(&state), exceptions_(std::uncaught_exceptions()) {
  state.whole_ = false;
  if (session.forwards_under_way_++ > 0 || state.step_ != session.step()) state.unanswered_ = state.second_ = false;
  state.step_ = session.step();
}

ForwardPass::~ForwardPass() {
  --session_->forwards_under_way_;
  if (std::uncaught_exceptions() > exceptions_ || !session_->training()) return;
  state_->whole_ = true;
  state_->second_ = state_->unanswered_;
  state_->unanswered_ = true;
}

}  // namespace warpgnn::nn
