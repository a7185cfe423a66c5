#include "report.hpp"

#include "files.hpp"
#include "layout.hpp"
#include "page.hpp"
#include "picture.hpp"

namespace train_graphs {
namespace {

namespace fs = std::filesystem;

/// Removes the pictures of an earlier training, which would stand among the new ones.
void remove_old_pictures(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    const bool is_ours = entry.path().filename().string().starts_with("graph_");
    if (is_ours && (extension == ".dot" || extension == ".svg")) fs::remove(entry.path());
  }
}

/// Draws the explained graphs; returns those that Graphviz could lay out.
std::vector<PageFigure> write_pictures(const fs::path& folder, const Summary& summary, Report& report) {
  const std::vector<Explanation>& explanations = summary.results.explanations;
  if (explanations.empty()) return {};
  make_folder(folder);
  remove_old_pictures(folder);
  std::vector<PageFigure> figures;
  for (const Explanation& explanation : explanations) {
    const Picture picture = make_picture(summary.dataset, explanation);
    const auto positions = lay_out(picture, folder / (picture.name + ".dot"));
    if (!positions) continue;
    figures.push_back({picture_svg(picture, *positions), picture.title, picture.is_right});
    write_file(folder / (picture.name + ".svg"), figures.back().svg);
  }
  report.files.push_back(folder);
  if (figures.size() != explanations.size()) {
    report.remarks.push_back(
        "Graphviz's neato is not there or failed: " + std::to_string(explanations.size() - figures.size()) + " of " +
        std::to_string(explanations.size()) + " pictures are left as DOT files only.");
  }
  return figures;
}

}  // namespace

Report write_report(const fs::path& folder, const Summary& summary) {
  Report report;
  make_folder(folder);
  const auto write = [&](const char* name, const std::string& text) {
    write_file(folder / name, text);
    report.files.push_back(folder / name);
  };
  const std::vector<std::string> charts{render_chart(loss_chart(summary.results)),
                                        render_chart(accuracy_chart(summary.results))};
  write("metrics.json", metrics_json(summary).dump(2) + "\n");
  write("loss.svg", charts[0]);
  write("accuracy.svg", charts[1]);
  const std::vector<PageFigure> figures = write_pictures(folder / "pictures", summary, report);
  write("index.html", render_page(summary, charts, figures));
  return report;
}

}  // namespace train_graphs
