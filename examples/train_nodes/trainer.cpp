// SPDX-License-Identifier: MIT
#include "trainer.hpp"

#include <array>
#include <filesystem>

#include "common/checkpoint_file.hpp"
#include "common/divergence.hpp"
#include "common/errors.hpp"
#include "common/memory.hpp"

namespace examples::train_nodes {

Trainer::Trainer(const Options& options, const NodeData& data, const DeviceGraph& graph, TrainerEvents events,
                 std::optional<TrainingState> resumed)
    : options_(options),
      data_(data),
      graph_(graph),
      events_(std::move(events)),
      resumed_(std::move(resumed)),
      fingerprint_(fingerprint(data)) {
  if (data.num_classes() < 2) throw DataError(data.name + ": all nodes have the same class, nothing to learn");
  if (!resumed_) return;
  if (resumed_->data != fingerprint_) {
    throw DataError(options.resume + " was made with other data: " + resumed_->data + "; here: " + fingerprint_);
  }
  naming_file(options.resume, [&] { expect_fits(*resumed_, data); });
  expect_room_for_weights(options.resume, widths(), options.settings.dtype);
  results_ = resumed_->results;
  keep_first(results_.neighbourhoods, options.pictures);
}

std::array<std::int64_t, 3> Trainer::widths() const {
  const Settings& settings = options_.settings;
  const std::int64_t hidden = settings.hidden * (has_edge_attention(settings.model) ? settings.heads : 1);
  return {data_.features.columns, hidden, data_.num_classes()};
}

bool Trainer::train() {
  const auto size = static_cast<double>(warpgnn::size_of(options_.settings.dtype));
  const auto [in, hidden, classes] = widths();
  // A weight has a gradient and two moments; every node has states behind the layers, and their gradients.
  const double bytes = 4 * bytes_of_weights(widths(), options_.settings.dtype) +
                       2 * size * static_cast<double>(data_.num_nodes()) * static_cast<double>(hidden + classes);
  return naming_memory("a model of widths " + std::to_string(in) + " x " + std::to_string(hidden) + " x " +
                           std::to_string(classes) + " on " + std::to_string(data_.num_nodes()) +
                           " nodes (--hidden and --heads make it smaller)",
                       bytes, [&] { return train_all(); });
}

bool Trainer::train_all() {
  for (auto repeat = static_cast<std::int64_t>(results_.runs.size()); repeat < options_.settings.repeats; ++repeat) {
    const auto begin = [&] { return make_run(repeat); };
    const std::unique_ptr<TrainingRun> run = resumed_ ? naming_file(options_.resume, begin) : begin();
    num_parameters_ = run->num_parameters();
    if (!train_run(*run)) return false;
    results_.runs.push_back(run->epochs());
    if (repeat == 0) results_.neighbourhoods = run->look_around(options_.pictures);
    if (events_.run_done) events_.run_done(results_);
  }
  return true;
}

std::unique_ptr<TrainingRun> Trainer::make_run(std::int64_t repeat) {
  auto run = std::make_unique<TrainingRun>(graph_, data_, options_.settings, repeat);
  if (!resumed_) return run;
  run->restore(resumed_->present, resumed_->dropout_state,
               [&](const std::vector<warpgnn::nn::NamedTensor>& tensors) { load_tensors(options_.resume, tensors); });
  resumed_.reset();
  return run;
}

bool Trainer::train_run(TrainingRun& run) {
  while (!run.finished()) {
    if (events_.stop && events_.stop()) {
      checkpoint(run);
      return false;
    }
    const std::string place =
        "training " + std::to_string(results_.runs.size() + 1) + ", epoch " + std::to_string(run.epochs().size() + 1);
    const Settings& settings = options_.settings;
    naming_epoch(place, settings.learning_rate, settings.dtype, [&] { run.train_epoch(); });
    if (events_.epoch_done) events_.epoch_done(results_, run.epochs());
    const bool is_due = static_cast<std::int64_t>(run.epochs().size()) % options_.checkpoint_every == 0;
    if (!options_.checkpoint.empty() && (is_due || run.finished())) checkpoint(run);
  }
  return true;
}

void Trainer::checkpoint(TrainingRun& run) const {
  save_checkpoint(checkpoint_path(options_),
                  {.settings = options_.settings,
                   .data = fingerprint_,
                   .results = results_,
                   .present = run.epochs(),
                   .dropout_state = run.dropout_state()},
                  run.tensors());
}

}  // namespace examples::train_nodes
