// SPDX-License-Identifier: MIT
// What is shown: curves, molecules and their layout.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "draw/chart.hpp"
#include "draw/child_process.hpp"
#include "draw/layout.hpp"
#include "draw/svg.hpp"
#include "graphs/explanation.hpp"
#include "graphs/motif_generator.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train::graphs {
namespace {

TEST(Chart, LeavesOutValuesThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg =
      render_chart({"Loss & co", "epoch", {{"train", "#000000", {1, nan, 3}, {0.1, 0.1, 0.1}}}, 0, 10});
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("Loss &amp; co"), std::string::npos);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
}

TEST(Chart, EmptyAndConstantCurvesHaveAxes) {
  EXPECT_EQ(render_chart({"t", "x", {}, 0, 1}).find("nan"), std::string::npos);
  EXPECT_EQ(render_chart({"t", "x", {{"c", "#000000", {1, 1}, {0, 0}}}, 0, 1}).find("nan"), std::string::npos);
}

TEST(Chart, CurvesOfAnySizeHaveAxes) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto heights = [&](double unit) {
    const std::string svg = render_chart({"t", "x", {{"c", "#000000", {1 * unit, 3 * unit}, {0, 0}}}, 0, inf});
    EXPECT_EQ(svg.find("nan"), std::string::npos) << unit;
    const std::size_t line = svg.find("<polyline");
    return svg.substr(line, svg.find("fill", line) - line);
  };
  for (const double unit : {1e-12, 1e-300, 1e12, 1e300}) EXPECT_EQ(heights(unit), heights(1)) << unit;
  for (const double value : {1e-12, 1e30}) {
    EXPECT_EQ(render_chart({"t", "x", {{"c", "#000000", {value, value}, {0, 0}}}, 0, inf}).find("nan"),
              std::string::npos);
  }
}

TEST(Svg, ZeroHasNoSign) {
  EXPECT_EQ(format_fixed(-1e-9, 2), "0.00");
  EXPECT_EQ(format_fixed(-0.0, 0), "0");
  EXPECT_EQ(format_number(-1e-9, 2), "0");
  EXPECT_EQ(format_fixed(-0.01, 2), "-0.01");
}

/// A square with a diagonal and weights.
Picture square() {
  Picture picture;
  picture.name = "square";
  picture.title = "a \"square\" <1>";
  picture.has_node_weights = picture.has_link_weights = true;
  picture.nodes = {{"C", 1}, {"N", -2}, {"O", 0}, {"Cl", 0.5}};
  picture.links = {{0, 1, Bond::aromatic, 0.1},
                   {1, 2, Bond::double_bond, 0.2},
                   {2, 3, Bond::single, 0.3},
                   {3, 0, Bond::triple, 0.4}};
  return picture;
}

TEST(Picture, ColoursRunFromBlueOverWhiteToOrange) {
  const Picture picture = square();
  EXPECT_EQ(node_colour(picture, 0), "#ffffff");
  EXPECT_NE(node_colour(picture, 1), node_colour(picture, -1));
  EXPECT_EQ(link_strength(picture, 0.1), 0);
  EXPECT_EQ(link_strength(picture, 0.4), 1);
}

TEST(Picture, DotQuotesItsText) {
  const std::string dot = picture_dot(square(), 1);
  EXPECT_NE(dot.find("label=\"a \\\"square\\\" <1>\""), std::string::npos) << dot;
  EXPECT_NE(dot.find("n1 -- n2"), std::string::npos);
}

TEST(Picture, SvgEscapesItsTextAndDrawsEveryAtom) {
  const std::string svg = picture_svg(square(), {{0, 0}, {1, 0}, {1, 1}, {0, 1}});
  EXPECT_NE(svg.find("a &quot;square&quot; &lt;1&gt;"), std::string::npos);
  for (const char* atom : {">C<", ">N<", ">O<", ">Cl<"}) EXPECT_NE(svg.find(atom), std::string::npos) << atom;
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Picture, BondsMergeBothDirections) {
  Dataset dataset = generate_ba2motifs(1, 2);
  Explanation explanation;
  explanation.graph = 1;
  explanation.label = 1;
  explanation.edge_weight.assign(50, 0);
  for (std::size_t e = 0; e < 50; ++e) explanation.edge_weight[e] = e % 2 == 0 ? 1.0 : 0.5;
  const Picture picture = make_picture(dataset, explanation);
  EXPECT_EQ(picture.nodes.size(), 25u);
  ASSERT_EQ(picture.links.size(), 25u);
  for (const Picture::Link& link : picture.links) EXPECT_EQ(link.weight, 0.75);
  EXPECT_EQ(std::count_if(picture.nodes.begin(), picture.nodes.end(), [](const auto& node) { return node.in_motif; }),
            5);
}

TEST(Layout, CountsCrossingsAndOverlaps) {
  const Picture picture = square();
  EXPECT_EQ(count_tangles(picture, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}), 0);
  EXPECT_EQ(count_tangles(picture, {{0, 0}, {1, 1}, {1, 0}, {0, 1}}), 1);
  EXPECT_EQ(count_tangles(picture, {{0, 0}, {1, 0}, {1, 1}, {0.1, 0}}), 1);
}

TEST(Layout, ReadsGraphvizPlainOutput) {
  const auto positions =
      parse_layout("graph 1 2 2\nnode n1 0.5 1.5 0.4 0.4\nnode n0 1 2 0.4 0.4\nedge n0 n1\nstop\n", 2);
  ASSERT_TRUE(positions);
  EXPECT_EQ((*positions)[1].y, 1.5);
  EXPECT_FALSE(parse_layout("graph 1 2 2\nnode n0 1 2\n", 2));
  EXPECT_FALSE(parse_layout("node n7 1 2\n", 2));
  EXPECT_FALSE(parse_layout("", 1));
}

TEST(ChildProcess, PassesArgumentsAsTheyAre) {
  const TemporaryFolder folder;
  folder.write("input", "hello\n");
  const ChildOutput echo = run_program("echo", {"$(id)", "; false"}, folder.path() / "input");
  EXPECT_TRUE(echo.succeeded);
  EXPECT_EQ(echo.standard_output, "$(id) ; false\n");
  EXPECT_EQ(run_program("cat", {}, folder.path() / "input").standard_output, "hello\n");
  EXPECT_FALSE(run_program("no-such-program-at-all", {}, folder.path() / "input").found);
  EXPECT_FALSE(run_program("false", {}, folder.path() / "input").succeeded);
}

TEST(Pictures, ShowRightAndWrongAnswersOfAllClasses) {
  const Dataset dataset = generate_ba2motifs(1, 40);
  std::vector<Explanation> explanations(40);
  for (std::size_t i = 0; i < 40; ++i) {
    explanations[i].graph = static_cast<std::int64_t>(i);
    explanations[i].label = dataset.graph_labels.index[i];
    explanations[i].predicted = i < 10 ? 1 - explanations[i].label : explanations[i].label;
    explanations[i].probability = 0.5 + 0.01 * static_cast<double>(i);
  }
  const std::vector<Explanation> chosen = choose_for_pictures(explanations, dataset, 6);
  ASSERT_EQ(chosen.size(), 6u);
  EXPECT_EQ(std::count_if(chosen.begin(), chosen.end(), [](const auto& e) { return e.label != e.predicted; }), 2);
  EXPECT_EQ(std::count_if(chosen.begin(), chosen.end(), [](const auto& e) { return e.label == 0; }), 3);
  EXPECT_TRUE(choose_for_pictures(explanations, dataset, 0).empty());
  explanations.resize(3);
  EXPECT_EQ(choose_for_pictures(explanations, dataset, 6).size(), 3u);
}

}  // namespace
}  // namespace train::graphs
