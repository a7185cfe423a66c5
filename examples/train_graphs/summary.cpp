// SPDX-License-Identifier: MIT
#include "summary.hpp"

#include <algorithm>

#include "common/statistics.hpp"
#include "common/svg.hpp"

namespace examples::train_graphs {

using nlohmann::json;

double Summary::test_mean() const {
  return mean_of(results.test_accuracies(settings.select));
}
double Summary::test_deviation() const {
  return deviation_of(results.test_accuracies(settings.select));
}
double Summary::epoch_milliseconds() const {
  return median_of(results.epoch_milliseconds());
}

std::optional<double> Summary::motif_auc() const {
  const std::vector<double> aucs = results.motif_aucs();
  if (aucs.empty()) return std::nullopt;
  return mean_of(aucs);
}

json metrics_json(const Summary& summary) {
  json metrics{
      {"dataset", summary.dataset.name},
      {"graphs", summary.dataset.num_graphs()},
      {"nodes", summary.dataset.num_nodes()},
      {"edges", summary.dataset.num_edges()},
      {"classes", summary.dataset.num_classes()},
      {"device", summary.device},
      {"threads", summary.threads},
      {"model", name_in(kModels, summary.settings.model)},
      {"folds", summary.settings.runs_per_repeat()},
      {"repeats", summary.settings.repeats},
      {"test_accuracy_mean", summary.test_mean()},
      {"test_accuracy_std", summary.test_deviation()},
      {"test_accuracies", summary.results.test_accuracies(summary.settings.select)},
      {"epoch_ms_median", summary.epoch_milliseconds()},
      {"seconds", summary.seconds},
      {"parameters", summary.parameters},
      {"settings", to_json(summary.settings)},
  };
  if (const auto auc = summary.motif_auc()) metrics["motif_attention_auc"] = *auc;
  return metrics;
}

namespace {

std::string percent(double fraction) {
  return format_fixed(100 * fraction, 1) + " %";
}

std::string joined(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

}  // namespace

std::string run_name(const Settings& settings, const RunResult& run) {
  std::string name;
  if (settings.repeats > 1) name = "repeat " + std::to_string(run.repeat + 1);
  if (settings.split) return name.empty() ? "split" : name;
  return name + (name.empty() ? "" : ", ") + "fold " + std::to_string(run.fold + 1);
}

std::string describe_data(const Dataset& dataset) {
  std::string text = dataset.name + ": " + std::to_string(dataset.num_graphs()) + " graphs, " +
                     std::to_string(dataset.num_nodes()) + " nodes, " + std::to_string(dataset.num_edges()) +
                     " directed edges, " + std::to_string(dataset.num_classes()) + " classes";
  if (dataset.duplicate_edges != 0) {
    text += " (" + std::to_string(dataset.duplicate_edges) + " edges that the file lists again were left out)";
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> describe(const Summary& summary) {
  const Settings& settings = summary.settings;
  std::vector<std::pair<std::string, std::string>> rows{
      {"data set", describe_data(summary.dataset)},
      {"node features", summary.features.node_source},
  };
  if (!summary.features.edge_source.empty()) {
    const bool used = reads_edge_features(settings.model);
    rows.emplace_back("edge features", summary.features.edge_source + (used ? "" : " (not used by this model)"));
  }
  rows.emplace_back("model",
                    name_in(kModels, settings.model) + ", layer widths " + joined(settings.widths) +
                        (has_edge_attention(settings.model) ? ", " + std::to_string(settings.heads) + " heads" : ""));
  rows.emplace_back("read-out", std::string(settings.readout == Readout::last ? "of the last layer" : "of all layers") +
                                    ", pool " + name_in(kPools, settings.pool) + ", gate " +
                                    name_in(kGates, settings.gate));
  rows.emplace_back("parameters", std::to_string(summary.parameters));
  std::string training = (settings.patience > 0 ? "at most " : "") + std::to_string(settings.epochs) +
                         " epochs, batches of " + std::to_string(settings.batch_size) + ", Adam with learning rate " +
                         format_number(settings.learning_rate, 8);
  if (settings.halve_rate_every > 0)
    training += ", halved every " + std::to_string(settings.halve_rate_every) + " epochs";
  if (settings.patience > 0) training += ", patience " + std::to_string(settings.patience);
  if (settings.weight_decay > 0) training += ", weight decay " + format_number(settings.weight_decay, 8);
  if (settings.dropout > 0) training += ", dropout " + format_number(settings.dropout, 4);
  if (settings.attention_dropout > 0) training += ", attention dropout " + format_number(settings.attention_dropout, 4);
  rows.emplace_back("training", training);
  const std::string parts = settings.split ? "one stratified split " + format_number((*settings.split)[0], 4) + ", " +
                                                 format_number((*settings.split)[1], 4) + ", " +
                                                 format_number((*settings.split)[2], 4)
                                           : std::to_string(settings.folds) + "-fold stratified cross-validation";
  rows.emplace_back("test", parts + ", repeated " + std::to_string(settings.repeats) + " times; accuracy of the " +
                                (settings.select == Selection::last ? "last epoch" : "epoch best in validation"));
  if (settings.repeats == 1) rows.back().second = parts + rows.back().second.substr(rows.back().second.find(';'));
  rows.emplace_back("seed", std::to_string(settings.seed));
  rows.emplace_back("device", summary.device + ", " + name_in(kDtypes, settings.dtype));
  return rows;
}

std::string result_table(const Summary& summary) {
  const std::vector<double> accuracies = summary.results.test_accuracies(summary.settings.select);
  std::size_t widest = std::string("test accuracy").size();
  for (const RunResult& run : summary.results.runs) {
    widest = std::max(widest, run_name(summary.settings, run).size());
  }
  std::string table;
  const auto row = [&](const std::string& name, const std::string& value) {
    table += "  " + name + std::string(widest + 2 - name.size(), ' ') + value + "\n";
  };
  for (std::size_t run = 0; run < accuracies.size(); ++run) {
    const std::string number = format_fixed(100 * accuracies[run], 1);
    row(run_name(summary.settings, summary.results.runs[run]),
        std::string(6 - std::min<std::size_t>(6, number.size()), ' ') + number + " %");
  }
  table += "  " + std::string(widest + 10, '-') + "\n";
  std::string mean = percent(summary.test_mean());
  if (accuracies.size() > 1) mean += " +- " + percent(summary.test_deviation());
  row("test accuracy", " " + mean);
  if (const auto auc = summary.motif_auc())
    row("motif AUC", "  " + format_fixed(*auc, 3) + " (node attention against the true motif)");
  row("parameters", "  " + std::to_string(summary.parameters));
  row("epoch", "  " + format_fixed(summary.epoch_milliseconds(), 2) + " ms (median, training only)");
  row("time", "  " + format_duration(summary.seconds));
  return table;
}

}  // namespace examples::train_graphs
