// SPDX-License-Identifier: MIT
#include "core/report.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "core/run_files.hpp"
#include "core/statistics.hpp"
#include "draw/svg.hpp"

namespace train {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// What the outputs ask for again and again.
struct Numbers {
  explicit Numbers(const Summary& summary)
      : results(summary.results),
        rules(summary.task.rules()),
        metrics(rules.epochs.metrics),
        select(summary.task.training().select) {}

  std::vector<double> tests(std::size_t metric) const { return results.tests(metric, select, metrics); }
  std::size_t chosen(const RunResult& run) const { return *chosen_epoch(run.epochs, select, metrics[0]); }
  double epoch_milliseconds() const { return median_of(results.epoch_milliseconds()); }
  /// Whether there is more than one epoch to choose, by validation.
  bool has_choice() const { return rules.epochs.has_valid && select != Selection::last; }

  const Results& results;
  RunRules rules;
  Metrics metrics;
  Selection select;
};

std::string mean_and_spread(const std::vector<double>& values, const Metric& metric, const char* plus_minus) {
  if (values.size() < 2) return metric.show(mean_of(values));
  return metric.number(mean_of(values)) + " " + plus_minus + " " + metric.show(deviation_of(values));
}

std::vector<Page::Number> headline(const Summary& summary, const Numbers& numbers) {
  std::vector<Page::Number> list;
  const bool has_spread = numbers.results.runs.size() > 1;
  for (std::size_t k = 0; k < numbers.metrics.size(); ++k) {
    list.push_back({mean_and_spread(numbers.tests(k), numbers.metrics[k], "±"),
                    "test " + numbers.metrics[k].name + (has_spread ? ", mean and standard deviation" : "")});
  }
  for (const Finding& finding : numbers.rules.findings) {
    const std::vector<double> found = numbers.results.findings(finding.key);
    if (!found.empty()) list.push_back({format_fixed(mean_of(found), 3), finding.name + ": " + finding.meaning});
  }
  list.push_back({format_fixed(numbers.epoch_milliseconds(), 2) + " ms", "one training epoch, median"});
  list.push_back({std::to_string(summary.parameters), "parameters"});
  list.push_back({format_duration(summary.seconds), "in all"});
  return list;
}

Page::Row run_head(const Numbers& numbers) {
  Page::Row head{"training"};
  for (const Metric& metric : numbers.metrics) head.push_back("test " + metric.name);
  if (numbers.rules.epochs.has_valid) head.push_back("validation " + numbers.metrics[0].name);
  head.insert(head.end(), {"test loss", "train loss", "epoch"});
  return head;
}

std::vector<Page::Row> run_rows(const Numbers& numbers) {
  std::vector<Page::Row> rows;
  for (const RunResult& run : numbers.results.runs) {
    const std::size_t chosen = numbers.chosen(run);
    const EpochRecord& epoch = run.epochs[chosen];
    Page::Row row{numbers.rules.name_of(run)};
    for (std::size_t k = 0; k < numbers.metrics.size(); ++k) {
      row.push_back(numbers.metrics[k].show(epoch.test->metrics[k]));
    }
    if (numbers.rules.epochs.has_valid) row.push_back(numbers.metrics[0].show(epoch.valid->metrics[0]));
    row.insert(row.end(), {format_fixed(epoch.test->loss, 4), format_fixed(epoch.train.loss, 4),
                           std::to_string(chosen + 1) + " of " + std::to_string(run.epochs.size())});
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::pair<std::string, std::string>> settings_rows(const Summary& summary, const Numbers& numbers) {
  const TrainingSettings& settings = summary.task.training();
  auto rows = summary.task.describe();
  rows.emplace_back("parameters", std::to_string(summary.parameters));
  std::string training = (settings.patience > 0 ? "at most " : "") + std::to_string(settings.epochs) +
                         " epochs, Adam with learning rate " + format_number(settings.learning_rate, 8);
  if (settings.weight_decay > 0) training += ", weight decay " + format_number(settings.weight_decay, 8);
  if (settings.patience > 0) {
    training += ", stopped after " + std::to_string(settings.patience) + " epochs without progress in validation";
  }
  rows.emplace_back("training", training);
  rows.emplace_back("epoch that counts", what_counts(settings.select, numbers.metrics[0]));
  rows.emplace_back("trainings", std::to_string(numbers.rules.num_runs()));
  rows.emplace_back("seed", std::to_string(settings.seed));
  rows.emplace_back("device", summary.device + ", " + name_in(kDtypes, settings.dtype));
  return rows;
}

}  // namespace

json metrics_json(const Summary& summary) {
  const Numbers numbers(summary);
  json metrics = summary.task.facts();
  metrics.update({{"task", summary.task.name()},
                  {"device", summary.device},
                  {"threads", summary.threads},
                  {"folds", numbers.rules.folds},
                  {"repeats", numbers.rules.repeats},
                  {"epoch_ms_median", numbers.epoch_milliseconds()},
                  {"seconds", summary.seconds},
                  {"parameters", summary.parameters},
                  {"settings", to_json(summary.task.fields())}});
  for (std::size_t k = 0; k < numbers.metrics.size(); ++k) {
    const std::string key = "test_" + numbers.metrics[k].key;
    metrics[key] = numbers.tests(k);
    metrics[key + "_mean"] = mean_of(numbers.tests(k));
    metrics[key + "_std"] = deviation_of(numbers.tests(k));
    if (!numbers.rules.epochs.has_valid) continue;
    for (const auto& choice : kSelections) {
      const std::vector<double> values = numbers.results.tests(k, choice.value, numbers.metrics);
      metrics[key + "_by_selection"][std::string(choice.name)] = {{"mean", mean_of(values)},
                                                                  {"std", deviation_of(values)}};
    }
  }
  for (const Finding& finding : numbers.rules.findings) {
    const std::vector<double> found = numbers.results.findings(finding.key);
    if (!found.empty()) metrics[finding.key] = mean_of(found);
  }
  json epochs = json::array();
  for (const RunResult& run : summary.results.runs) epochs.push_back(run.epochs.size());
  metrics["epochs"] = std::move(epochs);
  return metrics;
}

std::string result_table(const Summary& summary) {
  const Numbers numbers(summary);
  std::vector<std::pair<std::string, std::string>> trainings, totals;
  for (std::size_t run = 0; run < numbers.results.runs.size(); ++run) {
    const RunResult& result = numbers.results.runs[run];
    const std::size_t chosen = numbers.chosen(result);
    std::string text;
    for (std::size_t k = 0; k < numbers.metrics.size(); ++k) {
      const std::string value = numbers.metrics[k].show(result.epochs[chosen].test->metrics[k]);
      text += (k == 0 ? "" : "  ") + std::string(8 - std::min<std::size_t>(8, value.size()), ' ') + value;
    }
    if (numbers.has_choice()) {
      text += "  (epoch " + std::to_string(chosen + 1) + " of " + std::to_string(result.epochs.size()) + ")";
    }
    trainings.emplace_back(numbers.rules.name_of(result), text);
  }
  for (std::size_t k = 0; k < numbers.metrics.size(); ++k) {
    totals.emplace_back("test " + numbers.metrics[k].name, mean_and_spread(numbers.tests(k), numbers.metrics[k], "+-"));
  }
  for (const auto& choice : kSelections) {
    if (!numbers.has_choice()) break;
    totals.emplace_back(
        "  " + what_counts(choice.value, numbers.metrics[0]),
        mean_and_spread(numbers.results.tests(0, choice.value, numbers.metrics), numbers.metrics[0], "+-") +
            (choice.value == numbers.select ? "  <-" : ""));
  }
  for (const Finding& finding : numbers.rules.findings) {
    const std::vector<double> found = numbers.results.findings(finding.key);
    if (!found.empty()) {
      totals.emplace_back(finding.name, format_fixed(mean_of(found), 3) + " (" + finding.meaning + ")");
    }
  }
  totals.emplace_back("parameters", std::to_string(summary.parameters));
  totals.emplace_back("epoch", format_fixed(numbers.epoch_milliseconds(), 2) + " ms (median, training only)");
  totals.emplace_back("time", format_duration(summary.seconds));

  std::size_t widest = 0;
  for (const auto* rows : {&trainings, &totals}) {
    for (const auto& [name, value] : *rows) widest = std::max(widest, name.size());
  }
  std::string table;
  const auto add = [&](const std::string& name, const std::string& value) {
    table += "  " + name + std::string(widest + 2 - name.size(), ' ') + value + "\n";
  };
  for (const auto& [name, value] : trainings) add(name, value);
  table += "  " + std::string(widest + 10, '-') + "\n";
  for (const auto& [name, value] : totals) add(name, "  " + value);
  return table;
}

Page make_page(const Summary& summary, std::vector<std::string> charts, std::vector<Figure> figures) {
  const Numbers numbers(summary);
  return {.title = summary.task.title(),
          .subtitle = summary.task.describe_data(),
          .numbers = headline(summary, numbers),
          .charts = std::move(charts),
          .how_to_read = summary.task.how_to_read(),
          .figures = std::move(figures),
          .run_head = run_head(numbers),
          .runs = run_rows(numbers),
          .settings = settings_rows(summary, numbers)};
}

Report write_report(const fs::path& folder, const Summary& summary) {
  Report report;
  make_folder(folder);
  const auto write = [&](const char* name, const std::string& text) {
    write_file(folder / name, text);
    report.files.push_back(folder / name);
  };
  const std::vector<Epochs> histories = summary.results.histories();
  std::vector<std::string> charts{render_chart(loss_chart(histories)),
                                  render_chart(metric_chart(histories, summary.task.metrics()))};
  write(kMetricsFile, metrics_json(summary).dump(2) + "\n");
  write(kLossFile, charts[0]);
  write(kScoreFile, charts[1]);
  Gallery gallery;
  if (!summary.results.seen.empty()) {
    gallery = summary.task.draw(summary.results.seen, folder / kPicturesFolder);
    report.files.push_back(folder / kPicturesFolder);
  }
  report.remark = gallery.remark;
  write(kPageFile, render_page(make_page(summary, std::move(charts), std::move(gallery.figures))));
  return report;
}

}  // namespace train
