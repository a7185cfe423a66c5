// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "warpgnn/context.hpp"
#include "warpgnn/tensor.hpp"

namespace warpgnn::nn {

/// What the layers of one model share: where and in which dtype they compute, whether they train, the source of their
/// initial values and dropout masks, and one scratch buffer. Must outlive the layers. One session, one host thread.
class Session {
 public:
  Session(Context context, Dtype dtype, std::uint64_t seed);

  const Context& context() const { return context_; }
  Dtype dtype() const { return dtype_; }
  bool training() const { return training_; }
  void set_training(bool training) { training_ = training; }

  /// Initial values come from here: a fixed sequence for a seed, the same on every backend.
  std::mt19937_64& generator() { return generator_; }
  /// A fresh seed for one dropout mask, to be used with dropout_counter().
  std::uint64_t next_dropout_seed() { return dropout_seed_ += 0x9E3779B97F4A7C15u; }
  /// How many training steps that drew masks have ended: [1] int64 on the device.
  ConstTensorView dropout_counter() const { return dropout_counter_; }
  /// Ends a training step; Adam::step does it. The seeds start over and the counter advances on the device, so that all
  /// steps give the layers the same seeds and differ by the counter alone: a step that was captured draws fresh masks
  /// at every replay, those of the same step run eagerly. Call it between a backward and the next forward; also where a
  /// step ends without a backward, whose forwards are then of no account.
  void end_step();
  /// How many training steps have ended.
  std::uint64_t step() const { return step_; }
  /// For a checkpoint: the seed in force of the last mask, counter included. Waits for the stream, so not to be
  /// captured.
  std::uint64_t dropout_state() const;
  /// Masks go on from there. Work captured before holds seeds of its own.
  void set_dropout_state(std::uint64_t state);

  /// Scratch of the layers' ops, one after the other.
  WorkspaceBuffer& scratch() { return scratch_; }

 private:
  friend class ForwardPass;

  Context context_;
  Dtype dtype_;
  bool training_ = true;
  std::mt19937_64 generator_;
  std::uint64_t step_ = 0;
  int forwards_under_way_ = 0;            // a layer's, and those of layers within it
  std::uint64_t first_dropout_seed_ = 0;  // where every step starts
  std::uint64_t dropout_seed_ = 0;
  Tensor dropout_counter_;
  WorkspaceBuffer scratch_;
};

/// A trainable tensor and its gradient, or (trainable = false) a buffer that is saved with the model.
struct Parameter {
  std::string name;
  Tensor value;
  Tensor gradient;
  bool trainable = true;
};

/// Everything a layer or model learns or keeps. Layers append theirs; names are prefixed by the layer's own name.
using ParameterList = std::vector<Parameter*>;

/// The parameter of that name.
///
/// Errors. `invalid_argument` where none has it, with the names nearest to it, or several have.
Parameter& find(const ParameterList& parameters, std::string_view name);

/// A new parameter of zeros.
Parameter zeros(Session& session, std::string name, std::initializer_list<std::int64_t> shape);
/// The same of ones.
Parameter ones(Session& session, std::string name, std::initializer_list<std::int64_t> shape);
/// Uniform in [-bound, bound].
Parameter uniform(Session& session, std::string name, std::initializer_list<std::int64_t> shape, double bound);
/// Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Parameter glorot(Session& session, std::string name, std::initializer_list<std::int64_t> shape, std::int64_t fan_in,
                 std::int64_t fan_out);

}  // namespace warpgnn::nn
