// SPDX-License-Identifier: MIT
#include "draw/page.hpp"

#include <sstream>

#include "draw/svg.hpp"

namespace train {
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

void add_numbers(std::ostream& html, const std::vector<Page::Number>& numbers) {
  html << "<ul class=\"numbers\">\n";
  for (const Page::Number& number : numbers) {
    html << "<li><strong>" << escape_markup(number.value) << "</strong><span>" << escape_markup(number.name)
         << "</span></li>\n";
  }
  html << "</ul>\n";
}

void add_figures(std::ostream& html, const Page& page) {
  if (page.figures.empty()) return;
  html << "<h2>What the model looks at</h2>\n<p class=\"faint\">" << escape_markup(page.how_to_read) << "</p>\n"
       << "<div class=\"grid\">\n";
  for (const Figure& figure : page.figures) {
    html << "<figure>\n"
         << figure.svg << "<figcaption><span class=\"mark " << (figure.is_right ? "right" : "wrong") << "\">"
         << (figure.is_right ? "✓" : "✗") << "</span>" << escape_markup(figure.caption) << "</figcaption></figure>\n";
  }
  html << "</div>\n";
}

void add_runs(std::ostream& html, const Page& page) {
  html << "<h2>All trainings</h2>\n<div class=\"scroll\"><table>\n<tr>";
  for (const std::string& name : page.run_head) html << "<th>" << escape_markup(name) << "</th>";
  html << "</tr>\n";
  for (const Page::Row& row : page.runs) {
    html << "<tr>";
    for (std::size_t cell = 0; cell < row.size(); ++cell) {
      html << (cell == 0 ? "<td>" : "<td class=\"number\">") << escape_markup(row[cell]) << "</td>";
    }
    html << "</tr>\n";
  }
  html << "</table></div>\n";
}

void add_settings(std::ostream& html, const Page& page) {
  html << "<h2>Settings</h2>\n<div class=\"scroll\"><table>\n";
  for (const auto& [name, value] : page.settings) {
    html << "<tr><th>" << escape_markup(name) << "</th><td>" << escape_markup(value) << "</td></tr>\n";
  }
  html << "</table></div>\n";
}

}  // namespace

std::string render_page(const Page& page) {
  const std::string title = escape_markup(page.title);
  std::ostringstream html;
  html << "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
       << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" << title
       << "</title>\n<style>" << kStyle << "</style>\n</head>\n<body>\n<main>\n<h1>" << title
       << "</h1>\n<div class=\"faint\">" << escape_markup(page.subtitle) << "</div>\n";
  add_numbers(html, page.numbers);
  html << "<h2>Training</h2>\n<div class=\"grid wide\">\n";
  for (const std::string& chart : page.charts) html << "<figure>\n" << chart << "</figure>\n";
  html << "</div>\n";
  add_figures(html, page);
  add_runs(html, page);
  add_settings(html, page);
  html << "</main>\n</body>\n</html>\n";
  return std::move(html).str();
}

}  // namespace train
