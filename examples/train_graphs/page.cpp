#include "page.hpp"

#include <sstream>

#include "common/svg.hpp"

namespace examples::train_graphs {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; --ink: #1f2933; --faint: #66717d; --line: #dde2e7; --ground: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 12px; }
p { max-width: 70ch; } .faint { color: var(--faint); }
.numbers { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0 0; padding: 0; list-style: none; }
.numbers li { flex: 1 1 150px; background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.numbers strong { display: block; font-size: 24px; font-weight: 650; font-variant-numeric: tabular-nums; }
.numbers span { color: var(--faint); font-size: 14px; }
.grid { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
figure { margin: 0; background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 10px;
  display: flex; flex-direction: column; }
figure svg { width: 100%; height: auto; max-height: 380px; margin: auto; }
figcaption { border-top: 1px solid var(--line); margin-top: 10px; padding: 8px 4px 0; font-size: 14px; }
.mark { font-weight: 700; margin-right: 6px; } .right { color: #15803d; } .wrong { color: #c81e1e; }
table { border-collapse: collapse; background: #fff; border: 1px solid var(--line); border-radius: 10px; }
.scroll { overflow-x: auto; }
th, td { text-align: left; padding: 6px 14px; border-top: 1px solid var(--line); vertical-align: top; font-size: 15px; }
tr:first-child > * { border-top: 0; } th { font-weight: 500; color: var(--faint); white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
)";

std::string percent(double fraction) {
  return format_fixed(100 * fraction, 1) + " %";
}

void add_numbers(std::ostream& html, const Summary& summary) {
  const auto add = [&](const std::string& value, const std::string& name) {
    html << "<li><strong>" << escape_markup(value) << "</strong><span>" << escape_markup(name) << "</span></li>\n";
  };
  html << "<ul class=\"numbers\">\n";
  const bool has_spread = summary.results.runs.size() > 1;
  add(percent(summary.test_mean()) + (has_spread ? " ± " + format_fixed(100 * summary.test_deviation(), 1) : ""),
      has_spread ? "test accuracy, mean and standard deviation" : "test accuracy");
  if (const auto auc = summary.motif_auc()) add(format_fixed(*auc, 3), "AUC of node attention against the true motif");
  add(format_fixed(summary.epoch_milliseconds(), 2) + " ms", "one training epoch, median");
  add(std::to_string(summary.parameters), "parameters");
  add(format_duration(summary.seconds), "in all");
  html << "</ul>\n";
}

std::string how_to_read(const Settings& settings) {
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
  return text;
}

void add_figures(std::ostream& html, const Summary& summary, const std::vector<Figure>& figures) {
  if (figures.empty()) return;
  html << "<h2>What the model looks at</h2>\n<p class=\"faint\">" << escape_markup(how_to_read(summary.settings))
       << (summary.dataset.motif_nodes.empty() ? "" : " Nodes with a bold rim belong to the true motif.") << "</p>\n"
       << "<div class=\"grid\">\n";
  for (const Figure& figure : figures) {
    html << "<figure>\n"
         << figure.svg << "<figcaption><span class=\"mark " << (figure.is_right ? "right" : "wrong") << "\">"
         << (figure.is_right ? "✓" : "✗") << "</span>" << escape_markup(figure.caption) << "</figcaption></figure>\n";
  }
  html << "</div>\n";
}

void add_accuracies(std::ostream& html, const Summary& summary) {
  html << "<h2>All trainings</h2>\n<div class=\"scroll\"><table>\n<tr><th>training</th><th>test accuracy</th>"
       << "<th>test loss</th><th>train loss</th><th>epoch</th></tr>\n";
  for (const RunResult& run : summary.results.runs) {
    const std::size_t epoch = run.chosen_epoch(summary.settings.select);
    html << "<tr><td>" << escape_markup(run_name(summary.settings, run)) << "</td><td class=\"number\">"
         << percent(run.epochs[epoch].test.accuracy) << "</td><td class=\"number\">"
         << format_fixed(run.epochs[epoch].test.loss, 4) << "</td><td class=\"number\">"
         << format_fixed(run.epochs[epoch].train.loss, 4) << "</td><td class=\"number\">" << epoch + 1
         << "</td></tr>\n";
  }
  html << "</table></div>\n";
}

void add_settings(std::ostream& html, const Summary& summary) {
  html << "<h2>Settings</h2>\n<div class=\"scroll\"><table>\n";
  for (const auto& [name, value] : describe(summary)) {
    html << "<tr><th>" << escape_markup(name) << "</th><td>" << escape_markup(value) << "</td></tr>\n";
  }
  html << "</table></div>\n";
}

}  // namespace

std::string render_page(const Summary& summary, const std::vector<std::string>& charts,
                        const std::vector<Figure>& figures) {
  const std::string title = name_in(kModels, summary.settings.model) + " on " + summary.dataset.name;
  std::ostringstream html;
  html << "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
       << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" << escape_markup(title)
       << "</title>\n<style>" << kStyle << "</style>\n</head>\n<body>\n<main>\n<h1>" << escape_markup(title)
       << "</h1>\n<div class=\"faint\">" << escape_markup(describe_data(summary.dataset)) << "</div>\n";
  add_numbers(html, summary);
  html << "<h2>Training</h2>\n<div class=\"grid wide\">\n";
  for (const std::string& chart : charts) html << "<figure>\n" << chart << "</figure>\n";
  html << "</div>\n";
  add_figures(html, summary, figures);
  add_accuracies(html, summary);
  add_settings(html, summary);
  html << "</main>\n</body>\n</html>\n";
  return std::move(html).str();
}

}  // namespace examples::train_graphs
