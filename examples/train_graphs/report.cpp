// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "common/files.hpp"
#include "common/run_files.hpp"
#include "graph_picture.hpp"
#include "page.hpp"

namespace examples::train_graphs {
namespace {

namespace fs = std::filesystem;

/// Draws the explained graphs; returns those that Graphviz could lay out.
std::vector<Figure> write_pictures(const fs::path& folder, const Summary& summary, Report& report) {
  std::vector<Picture> pictures;
  for (const Explanation& explanation : summary.results.explanations) {
    pictures.push_back(make_picture(summary.dataset, explanation));
  }
  if (pictures.empty()) return {};
  Gallery gallery = write_gallery(folder, "graph_", pictures);
  report.files.push_back(folder);
  if (!gallery.remark.empty()) report.remarks.push_back(gallery.remark);
  return std::move(gallery.figures);
}

}  // namespace

Report write_report(const fs::path& folder, const Summary& summary) {
  Report report;
  make_folder(folder);
  const auto write = [&](const char* name, const std::string& text) {
    write_file(folder / name, text);
    report.files.push_back(folder / name);
  };
  const auto histories = summary.results.histories();
  std::vector<std::string> charts{render_chart(loss_chart(histories)), render_chart(accuracy_chart(histories))};
  write(kMetricsFile, metrics_json(summary).dump(2) + "\n");
  write(kLossFile, charts[0]);
  write(kAccuracyFile, charts[1]);
  std::vector<Figure> figures = write_pictures(folder / kPicturesFolder, summary, report);
  write(kPageFile, render_page(make_page(summary, std::move(charts), std::move(figures))));
  return report;
}

}  // namespace examples::train_graphs
