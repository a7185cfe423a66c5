// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "common/statistics.hpp"
#include "common/svg.hpp"

namespace examples::train_nodes {
namespace {

std::string percent(double fraction) {
  return format_fixed(100 * fraction, 1) + " %";
}

std::vector<Page::Number> numbers_of(const Summary& summary) {
  const std::vector<double> accuracies = summary.results.test_accuracies(summary.settings.select);
  const bool has_spread = accuracies.size() > 1;
  const std::string spread = has_spread ? " ± " + format_fixed(100 * deviation_of(accuracies), 1) : "";
  return {{percent(mean_of(accuracies)) + spread,
           has_spread ? "test accuracy, mean and standard deviation" : "test accuracy"},
          {format_fixed(median_of(summary.results.epoch_milliseconds()), 2) + " ms", "one training epoch, median"},
          {std::to_string(summary.parameters), "parameters"},
          {format_duration(summary.seconds), "in all"}};
}

std::string how_to_read(const Settings& settings) {
  const std::string weight = settings.model == ModelKind::gcn
                                 ? "GCN's fixed weight of the edge, which depends on the degrees of its ends alone."
                                 : "its attention in the last layer: how much the node in the middle takes from it.";
  return "Test nodes of the first training with all their neighbours. The number in a node is its class, \"?\" where "
         "it has none. The colour "
         "is " +
         weight +
         " The node in the middle attends to itself too. A bold rim marks the class of the node in the middle.";
}

std::vector<Page::Row> rows_of(const Summary& summary) {
  std::vector<Page::Row> rows;
  for (const auto& epochs : summary.results.runs) {
    const std::size_t chosen = chosen_epoch(epochs, summary.settings.select);
    const EpochRecord& epoch = epochs[chosen];
    rows.push_back({std::to_string(rows.size() + 1), percent(epoch.test.accuracy), percent(epoch.valid->accuracy),
                    format_fixed(epoch.test.loss, 4), format_fixed(epoch.train.loss, 4),
                    std::to_string(chosen + 1) + " of " + std::to_string(epochs.size())});
  }
  return rows;
}

std::vector<std::pair<std::string, std::string>> describe(const Summary& summary) {
  const Settings& settings = summary.settings;
  const bool attends = settings.model != ModelKind::gcn;
  std::string model = name_in(kModels, settings.model) + ", two layers, hidden " +
                      (attends ? std::to_string(settings.heads) + " heads of " : "") + std::to_string(settings.hidden);
  std::string training = "at most " + std::to_string(settings.epochs) + " epochs, Adam with learning rate " +
                         format_number(settings.learning_rate, 8) + ", weight decay " +
                         format_number(settings.weight_decay, 8) + (attends ? "" : " of the first layer") +
                         ", dropout " + format_number(settings.dropout, 4);
  if (attends) training += ", attention dropout " + format_number(settings.attention_dropout, 4);
  std::string counted = "accuracy of the epoch that counts: " + what_counts(settings.select);
  if (settings.patience > 0) {
    counted += "; stopped after " + std::to_string(settings.patience) + " epochs without progress in validation";
  }
  return {{"data set", describe_data(summary.data)},
          {"split", settings.split},
          {"model", model},
          {"parameters", std::to_string(summary.parameters)},
          {"training", training},
          {"test", counted},
          {"trainings", std::to_string(settings.repeats)},
          {"seed", std::to_string(settings.seed)},
          {"device", summary.device + ", " + name_in(kDtypes, settings.dtype)}};
}

}  // namespace

Page make_page(const Summary& summary, std::vector<std::string> charts, std::vector<Figure> figures) {
  return {.title = name_in(kModels, summary.settings.model) + " on " + summary.data.name,
          .subtitle = describe_data(summary.data),
          .numbers = numbers_of(summary),
          .charts = std::move(charts),
          .how_to_read = how_to_read(summary.settings),
          .figures = std::move(figures),
          .run_head = {"training", "test accuracy", "validation accuracy", "test loss", "train loss", "epoch"},
          .runs = rows_of(summary),
          .settings = describe(summary)};
}

}  // namespace examples::train_nodes
