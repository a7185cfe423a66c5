// SPDX-License-Identifier: MIT
#include "trainer.hpp"

#include <algorithm>

#include "common/checkpoint_file.hpp"
#include "common/divergence.hpp"
#include "common/errors.hpp"
#include "common/memory.hpp"
#include "common/random_bits.hpp"
#include "summary.hpp"

namespace examples::train_graphs {

Trainer::Trainer(const Options& options, const Dataset& dataset, const DeviceData& data, TrainerEvents events,
                 std::optional<TrainingState> resumed)
    : options_(options),
      dataset_(dataset),
      data_(data),
      events_(std::move(events)),
      resumed_(std::move(resumed)),
      fingerprint_(fingerprint(dataset)) {
  if (dataset.num_classes() < 2) throw DataError(dataset.name + ": all graphs have the same label, nothing to learn");
  if (!resumed_) return;
  if (resumed_->data != fingerprint_) {
    throw DataError(options.resume + " was made with other data: " + resumed_->data + "; here: " + fingerprint_);
  }
  naming_file(options.resume, [&] { expect_fits(*resumed_, dataset); });
  expect_room_for_weights(options.resume, widths(), options.settings.dtype);
  results_ = resumed_->results;
  keep_first(results_.explanations, options.pictures);
}

std::vector<Split> Trainer::splits_of(std::int64_t repeat) const {
  const Settings& settings = options_.settings;
  const std::uint64_t seed = mix_seed({settings.seed, static_cast<std::uint64_t>(repeat), 0x5B117});
  if (settings.split) return {make_split(dataset_.graph_labels, *settings.split, seed)};
  return make_folds(dataset_.graph_labels, settings.folds, seed, settings.select == Selection::valid);
}

std::vector<std::int64_t> Trainer::widths() const {
  std::vector<std::int64_t> widths{data_.node_features()};
  widths.insert(widths.end(), options_.settings.widths.begin(), options_.settings.widths.end());
  widths.push_back(dataset_.num_classes());
  return widths;
}

bool Trainer::train() {
  // A weight has a gradient and two moments.
  const double bytes = 4 * bytes_of_weights(widths(), options_.settings.dtype);
  const std::vector<std::int64_t>& layers = options_.settings.widths;
  return naming_memory("a model of " + std::to_string(layers.size()) + " layers up to " +
                           std::to_string(*std::max_element(layers.begin(), layers.end())) + " wide, on " +
                           std::to_string(data_.node_features()) + " features, and a step of " +
                           std::to_string(options_.settings.batch_size) +
                           " graphs (--hidden, --layers and --batch-size make them smaller)",
                       bytes, [&] { return train_all(); });
}

bool Trainer::train_all() {
  const std::int64_t folds = options_.settings.runs_per_repeat();
  for (auto run = static_cast<std::int64_t>(results_.runs.size()); run < options_.settings.num_runs(); ++run) {
    const auto begin = [&] { return make_run(run / folds, run % folds); };
    const std::unique_ptr<TrainingRun> training = resumed_ ? naming_file(options_.resume, begin) : begin();
    num_parameters_ = training->model().num_parameters();
    if (!train_run(*training)) return false;
    finish(*training);
  }
  return true;
}

template <class Train>
auto Trainer::checked(const TrainingRun& run, const Train& train) const {
  const Settings& settings = options_.settings;
  const RunResult& result = run.result();
  return naming_epoch(run_name(settings, result) + ", epoch " + std::to_string(result.epochs.size() + 1),
                      settings.learning_rate, settings.dtype, train);
}

std::unique_ptr<TrainingRun> Trainer::make_run(std::int64_t repeat, std::int64_t fold) {
  auto run = std::make_unique<TrainingRun>(data_, dataset_, options_.settings,
                                           splits_of(repeat)[static_cast<std::size_t>(fold)], repeat, fold);
  if (!resumed_) return run;
  run->restore(resumed_->present, resumed_->step, resumed_->dropout_state,
               [&](const std::vector<warpgnn::nn::NamedTensor>& tensors) { load_tensors(options_.resume, tensors); });
  resumed_.reset();
  return run;
}

bool Trainer::train_run(TrainingRun& run) {
  const auto stop = [this] { return events_.stop && events_.stop(); };
  while (!run.finished()) {
    if (stop() || !checked(run, [&] { return run.train_epoch(stop); })) {
      checked(run, [&] { expect_finite(run.tensors()); });  // it may have got so within the epoch
      checkpoint(run);
      return false;
    }
    if (events_.epoch_done) events_.epoch_done(run.result());
    const bool is_due = static_cast<std::int64_t>(run.result().epochs.size()) % options_.checkpoint_every == 0;
    if (!options_.checkpoint.empty() && (is_due || run.finished())) checkpoint(run);
  }
  return true;
}

void Trainer::finish(TrainingRun& run) {
  std::vector<Explanation> explanations = checked(run, [&] { return run.explain(); });
  if (results_.runs.empty()) {
    results_.explanations = choose_for_pictures(std::move(explanations), dataset_, options_.pictures);
  }
  results_.runs.push_back(run.result());
  if (events_.run_done) events_.run_done(results_);
}

void Trainer::checkpoint(TrainingRun& run) const {
  save_checkpoint(checkpoint_path(options_),
                  {.settings = options_.settings,
                   .data = fingerprint_,
                   .results = results_,
                   .present = run.result(),
                   .step = run.step(),
                   .dropout_state = run.dropout_state()},
                  run.tensors());
}

std::vector<Explanation> choose_for_pictures(std::vector<Explanation> explanations, const Dataset& dataset,
                                             std::int64_t count) {
  const auto nodes = [&](const Explanation& explanation) {
    const auto graph = static_cast<std::size_t>(explanation.graph);
    return dataset.graph_offsets[graph + 1] - dataset.graph_offsets[graph];
  };
  std::erase_if(explanations, [&](const auto& item) { return !is_drawable(nodes(item)); });
  std::stable_sort(explanations.begin(), explanations.end(),
                   [](const auto& a, const auto& b) { return a.probability > b.probability; });

  const auto take = [&](bool right, std::size_t most) {
    std::vector<Explanation> taken;
    for (std::int64_t label = 0, misses = 0; taken.size() < most && misses < dataset.num_classes();
         label = (label + 1) % dataset.num_classes()) {
      const auto found = std::find_if(explanations.begin(), explanations.end(), [&](const auto& item) {
        return item.label == label && (item.predicted == item.label) == right;
      });
      misses = found == explanations.end() ? misses + 1 : 0;
      if (found == explanations.end()) continue;
      taken.push_back(std::move(*found));
      explanations.erase(found);
    }
    return taken;
  };
  const auto wanted = static_cast<std::size_t>(count);
  std::vector<Explanation> wrong = take(false, wanted / 3);
  std::vector<Explanation> chosen = take(true, wanted - wrong.size());
  for (Explanation& more : wrong) chosen.push_back(std::move(more));
  for (Explanation& more : take(false, wanted - std::min(wanted, chosen.size()))) chosen.push_back(std::move(more));
  return chosen;
}

}  // namespace examples::train_graphs
