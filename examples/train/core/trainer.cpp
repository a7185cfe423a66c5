// SPDX-License-Identifier: MIT
#include "core/trainer.hpp"

#include <chrono>

#include "core/divergence.hpp"
#include "core/errors.hpp"
#include "core/memory.hpp"

namespace train {

namespace {

/// Only as many as were asked for, also of a file.
void keep_first(nlohmann::json& list, std::int64_t most) {
  while (static_cast<std::int64_t>(list.size()) > most) list.erase(list.size() - 1);
}

}  // namespace

Trainer::Trainer(const RunOptions& options, Task& task, TrainerEvents events, std::optional<TrainingState> resumed)
    : options_(options),
      task_(task),
      events_(std::move(events)),
      resumed_(std::move(resumed)),
      settings_(to_json(task.fields())),
      fingerprint_(task.fingerprint()),
      rules_(task.rules()) {
  if (!resumed_) return;
  if (resumed_->data != fingerprint_) {
    throw DataError(options.resume + " was made with other data: " + resumed_->data + "; here: " + fingerprint_);
  }
  naming_file(options.resume, [&] { task.expect_seen(resumed_->results.seen); });
  expect_room_for_weights(options.resume, task.widths(), task.training().dtype);
  results_ = resumed_->results;
  keep_first(results_.seen, options.pictures);
}

bool Trainer::train() {
  // A weight has a gradient, two moments, and the value of the epoch that counts.
  const double bytes = 5 * bytes_of_weights(task_.widths(), task_.training().dtype) + task_.more_bytes();
  return naming_memory(task_.describe_size(), bytes, [&] { return train_all(); });
}

bool Trainer::train_all() {
  for (auto place = static_cast<std::int64_t>(results_.runs.size()); place < rules_.num_runs(); ++place) {
    const auto begin = [&] { return make_run(place / rules_.folds, place % rules_.folds); };
    Run run = resumed_ ? naming_file(options_.resume, begin) : begin();
    num_parameters_ = run.training->num_parameters();
    if (!train_run(run)) return false;
    finish(run);
  }
  return true;
}

template <class Train>
auto Trainer::checked(const Run& run, const Train& train) const {
  const TrainingSettings& settings = task_.training();
  return naming_epoch(rules_.name_of(run.result) + ", epoch " + std::to_string(run.result.epochs.size() + 1),
                      settings.learning_rate, settings.dtype, train);
}

Trainer::Run Trainer::make_run(std::int64_t repeat, std::int64_t fold) {
  Run run{.training = task_.begin(repeat, fold),
          .result = {.repeat = repeat, .fold = fold, .epochs = {}, .findings = {}}};
  if (resumed_) restore(run);
  run.training->begin_epoch(static_cast<std::int64_t>(run.result.epochs.size()));
  if (resumed_) {
    load_tensors(options_.resume, run.training->tensors());
    const auto epochs = static_cast<std::int64_t>(run.result.epochs.size());
    run.training->expect_steps(epochs * run.training->steps() + run.step);
    resumed_.reset();
  }
  return run;
}

void Trainer::restore(Run& run) {
  run.result = resumed_->present;
  const std::int64_t most = finished(run) ? 0 : run.training->steps() - 1;
  if (resumed_->step > most) {
    throw DataError("step: expected at most " + std::to_string(most) + ", found " + std::to_string(resumed_->step));
  }
  run.step = resumed_->step;
  run.training->session().set_dropout_state(resumed_->dropout_state);
}

bool Trainer::finished(const Run& run) const {
  const Epochs& epochs = run.result.epochs;
  if (static_cast<std::int64_t>(epochs.size()) >= rules_.epochs.most) return true;
  return !epochs.empty() && epochs.back().test &&
         is_out_of_patience(epochs, task_.training().patience, rules_.epochs.metrics[0]);
}

bool Trainer::train_run(Run& run) {
  while (!finished(run)) {
    if (stop() || !checked(run, [&] { return train_epoch(run); })) {
      checked(run, [&] { expect_finite(run.training->tensors()); });  // it may have got so within the epoch
      checkpoint(run);
      return false;
    }
    if (events_.epoch_done) events_.epoch_done(run.result);
    const bool is_due = static_cast<std::int64_t>(run.result.epochs.size()) % options_.checkpoint_every == 0;
    if (!options_.checkpoint.empty() && (is_due || finished(run))) checkpoint(run);
  }
  return true;
}

bool Trainer::train_epoch(Run& run) {
  const auto begin = std::chrono::steady_clock::now();
  const std::int64_t steps = run.training->steps();
  bool stopped = false;
  while (run.step < steps && !stopped) {
    run.training->step(run.step++);
    stopped = run.step < steps && stop();
  }
  run.training->session().context().synchronize();
  run.milliseconds += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  if (!stopped) end_epoch(run);
  return !stopped;
}

void Trainer::end_epoch(Run& run) {
  const auto epoch = static_cast<std::int64_t>(run.result.epochs.size());
  Scores scores = run.training->scores(rules_.epochs.evaluates(epoch));
  expect_finite(run.training->tensors());
  run.result.epochs.push_back({.train = std::move(scores.train),
                               .valid = std::move(scores.valid),
                               .test = std::move(scores.test),
                               .milliseconds = run.milliseconds});
  if (is_chosen(run)) run.training->keep();
  run.step = 0;
  run.milliseconds = 0;
  run.training->begin_epoch(epoch + 1);
}

/// The last epoch's parameters are those that the training has.
bool Trainer::is_chosen(const Run& run) const {
  const Selection select = task_.training().select;
  return select != Selection::last &&
         chosen_epoch(run.result.epochs, select, rules_.epochs.metrics[0]) == run.result.epochs.size() - 1;
}

void Trainer::finish(Run& run) {
  if (task_.training().select != Selection::last) run.training->take_kept();
  const std::int64_t count = results_.runs.empty() ? options_.pictures : 0;
  nlohmann::json seen = checked(run, [&] { return task_.look(*run.training, count, run.result.findings); });
  if (results_.runs.empty()) results_.seen = std::move(seen);
  results_.runs.push_back(std::move(run.result));
  if (events_.run_done) events_.run_done(results_);
}

void Trainer::checkpoint(Run& run) const {
  save_checkpoint(checkpoint_path(options_), task_,
                  {.settings = settings_,
                   .data = fingerprint_,
                   .results = results_,
                   .present = run.result,
                   .step = run.step,
                   .dropout_state = run.training->session().dropout_state()},
                  run.training->tensors());
}

}  // namespace train
