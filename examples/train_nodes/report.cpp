// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <algorithm>

#include "common/files.hpp"
#include "common/gallery.hpp"
#include "common/run_files.hpp"
#include "common/statistics.hpp"
#include "common/svg.hpp"
#include "neighbourhoods.hpp"
#include "page.hpp"

namespace examples::train_nodes {

namespace fs = std::filesystem;

namespace {

std::string mean_and_deviation(const std::vector<double>& fractions) {
  std::string text = format_fixed(100 * mean_of(fractions), 2);
  if (fractions.size() > 1) text += " +- " + format_fixed(100 * deviation_of(fractions), 2);
  return text + " %";
}

}  // namespace

std::string what_counts(Selection selection) {
  switch (selection) {
    case Selection::accuracy: return "best validation accuracy";
    case Selection::loss: return "best validation loss";
    case Selection::both: return "best in both";
    case Selection::last: break;
  }
  return "last epoch";
}

nlohmann::json metrics_json(const Summary& summary) {
  const std::vector<double> accuracies = summary.results.test_accuracies(summary.settings.select);
  nlohmann::json by_selection;
  for (const auto& choice : kSelections) {
    const std::vector<double> values = summary.results.test_accuracies(choice.value);
    by_selection[std::string(choice.name)] = {{"mean", mean_of(values)}, {"std", deviation_of(values)}};
  }
  std::vector<std::size_t> epochs;
  for (const auto& run : summary.results.runs) epochs.push_back(run.size());
  return {
      {"dataset", summary.data.name},
      {"nodes", summary.data.num_nodes()},
      {"edges", summary.data.num_edges()},
      {"features", summary.data.features.columns},
      {"classes", summary.data.num_classes()},
      {"device", summary.device},
      {"threads", summary.threads},
      {"model", name_in(kModels, summary.settings.model)},
      {"repeats", summary.settings.repeats},
      {"test_accuracy_mean", mean_of(accuracies)},
      {"test_accuracy_std", deviation_of(accuracies)},
      {"test_accuracies", accuracies},
      {"test_accuracy_by_selection", std::move(by_selection)},
      {"epochs", epochs},
      {"epoch_ms_median", median_of(summary.results.epoch_milliseconds())},
      {"seconds", summary.seconds},
      {"parameters", summary.parameters},
      {"settings", to_json(summary.settings)},
  };
}

std::string result_table(const Summary& summary) {
  constexpr std::size_t kNameWidth = 28;
  std::string table;
  const auto row = [&](const std::string& name, const std::string& value) {
    table += "  " + name + std::string(kNameWidth - std::min(kNameWidth, name.size()), ' ') + value + "\n";
  };
  for (std::size_t run = 0; run < summary.results.runs.size(); ++run) {
    const auto& epochs = summary.results.runs[run];
    const std::size_t chosen = chosen_epoch(epochs, summary.settings.select);
    row("training " + std::to_string(run + 1), format_fixed(100 * epochs[chosen].test.accuracy, 2) + " %  (epoch " +
                                                   std::to_string(chosen + 1) + " of " + std::to_string(epochs.size()) +
                                                   ")");
  }
  row("test accuracy", mean_and_deviation(summary.results.test_accuracies(summary.settings.select)));
  for (const auto& choice : kSelections) {
    row("  " + what_counts(choice.value), mean_and_deviation(summary.results.test_accuracies(choice.value)) +
                                              (choice.value == summary.settings.select ? "  <-" : ""));
  }
  row("parameters", std::to_string(summary.parameters));
  row("epoch", format_fixed(median_of(summary.results.epoch_milliseconds()), 2) + " ms (median, training only)");
  row("time", format_duration(summary.seconds));
  return table;
}

Report write_report(const fs::path& folder, const Summary& summary) {
  Report report;
  make_folder(folder);
  const auto write = [&](const char* name, const std::string& text) {
    write_file(folder / name, text);
    report.files.push_back(folder / name);
  };
  write(kMetricsFile, metrics_json(summary).dump(2) + "\n");
  std::vector<std::string> charts{render_chart(loss_chart(summary.results.runs)),
                                  render_chart(accuracy_chart(summary.results.runs))};
  write(kLossFile, charts[0]);
  write(kAccuracyFile, charts[1]);
  std::vector<Picture> pictures;
  for (const Neighbourhood& item : summary.results.neighbourhoods) {
    pictures.push_back(make_picture(summary.data, item, summary.settings.model));
  }
  Gallery gallery;
  if (!pictures.empty()) {
    gallery = write_gallery(folder / kPicturesFolder, "node_", pictures);
    report.files.push_back(folder / kPicturesFolder);
  }
  report.remark = gallery.remark;
  write(kPageFile, render_page(make_page(summary, std::move(charts), std::move(gallery.figures))));
  return report;
}

}  // namespace examples::train_nodes
