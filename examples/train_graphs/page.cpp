// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "common/svg.hpp"

namespace examples::train_graphs {
namespace {

std::string percent(double fraction) {
  return format_fixed(100 * fraction, 1) + " %";
}

std::vector<Page::Number> numbers_of(const Summary& summary) {
  const bool has_spread = summary.results.runs.size() > 1;
  std::vector<Page::Number> numbers{
      {percent(summary.test_mean()) + (has_spread ? " ± " + format_fixed(100 * summary.test_deviation(), 1) : ""),
       has_spread ? "test accuracy, mean and standard deviation" : "test accuracy"}};
  if (const auto auc = summary.motif_auc()) {
    numbers.push_back({format_fixed(*auc, 3), "AUC of node attention against the true motif"});
  }
  numbers.push_back({format_fixed(summary.epoch_milliseconds(), 2) + " ms", "one training epoch, median"});
  numbers.push_back({std::to_string(summary.parameters), "parameters"});
  numbers.push_back({format_duration(summary.seconds), "in all"});
  return numbers;
}

std::string how_to_read(const Summary& summary) {
  const Settings& settings = summary.settings;
  std::string text = "Test graphs of the first training, drawn as the model saw them.";
  if (settings.gate != warpgnn::PoolGate::none) {
    text += " A node's colour is its weight in the pool";
    text += settings.gate == warpgnn::PoolGate::raw ? ": orange adds its state, blue subtracts it, white leaves it out."
                                                    : ": the stronger the orange, the more its state counts.";
  }
  if (has_edge_attention(settings.model)) {
    text += " A link's colour and width are the last layer's attention, mean over heads and both directions.";
  }
  if (settings.gate == warpgnn::PoolGate::none && !has_edge_attention(settings.model)) {
    text += " This model has no attention to show.";
  }
  if (!summary.dataset.motif_nodes.empty()) text += " Nodes with a bold rim belong to the true motif.";
  return text;
}

std::vector<Page::Row> rows_of(const Summary& summary) {
  std::vector<Page::Row> rows;
  for (const RunResult& run : summary.results.runs) {
    const std::size_t chosen = run.chosen_epoch(summary.settings.select);
    const EpochRecord& epoch = run.epochs[chosen];
    rows.push_back({run_name(summary.settings, run), percent(epoch.test.accuracy), format_fixed(epoch.test.loss, 4),
                    format_fixed(epoch.train.loss, 4), std::to_string(chosen + 1)});
  }
  return rows;
}

}  // namespace

Page make_page(const Summary& summary, std::vector<std::string> charts, std::vector<Figure> figures) {
  return {.title = name_in(kModels, summary.settings.model) + " on " + summary.dataset.name,
          .subtitle = describe_data(summary.dataset),
          .numbers = numbers_of(summary),
          .charts = std::move(charts),
          .how_to_read = how_to_read(summary),
          .figures = std::move(figures),
          .run_head = {"training", "test accuracy", "test loss", "train loss", "epoch"},
          .runs = rows_of(summary),
          .settings = describe(summary)};
}

}  // namespace examples::train_graphs
