// The parts of examples/train_graphs that decide what is trained and shown: data, splits, options, pictures, and that
// an interrupted training goes on to the same result.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "train_graphs/chart.hpp"
#include "train_graphs/child_process.hpp"
#include "train_graphs/errors.hpp"
#include "train_graphs/features.hpp"
#include "train_graphs/layout.hpp"
#include "train_graphs/motif_generator.hpp"
#include "train_graphs/options.hpp"
#include "train_graphs/picture.hpp"
#include "train_graphs/report.hpp"
#include "train_graphs/splits.hpp"
#include "train_graphs/statistics.hpp"
#include "train_graphs/svg.hpp"
#include "train_graphs/trainer.hpp"
#include "train_graphs/tu_reader.hpp"

namespace train_graphs {
namespace {

namespace fs = std::filesystem;

/// A folder of its own for each test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    path_ = fs::path(testing::TempDir()) / (std::string("train_graphs_") + test.test_suite_name() + "_" + test.name());
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

/// Two graphs: a triangle of nodes 1 to 3 and an edge between nodes 4 and 5.
class TuReader : public testing::Test {
 protected:
  TuReader() {
    folder.write("T_A.txt", "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n4, 5\n5, 4\n");
    folder.write("T_graph_indicator.txt", "1\n1\n1\n2\n2\n");
    folder.write("T_graph_labels.txt", "7\n-1\n");
  }

  void expect_error(const std::string& part) const {
    try {
      read_tu(folder.path(), "T");
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  TemporaryFolder folder;
};

TEST_F(TuReader, ReadsTheMinimum) {
  const Dataset dataset = read_tu(folder.path(), "T");
  EXPECT_EQ(dataset.graph_offsets, (std::vector<std::int64_t>{0, 3, 5}));
  EXPECT_EQ(dataset.source, (std::vector<std::int32_t>{0, 1, 1, 2, 0, 2, 3, 4}));
  EXPECT_EQ(dataset.destination, (std::vector<std::int32_t>{1, 0, 2, 1, 2, 0, 4, 3}));
  EXPECT_EQ(dataset.graph_labels.index, (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(dataset.graph_labels.value, (std::vector<std::int64_t>{-1, 7}));
  EXPECT_TRUE(dataset.node_labels.empty());
  EXPECT_EQ(dataset.duplicate_edges, 0);
}

TEST_F(TuReader, ReadsLabelsAndAttributes) {
  folder.write("T_node_labels.txt", "4\n-2\n4\n0\n0\n");
  folder.write("T_edge_labels.txt", "1\n1\n0\n0\n1\n1\n0\n0\n");
  folder.write("T_node_attributes.txt", "1.5, -2\n0, 1e3\n1, 2\n3, 4\n5, 6\n");
  folder.write("T_edge_attributes.txt", "0.5\n0.5\n1\n1\n2\n2\n3\n3\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  EXPECT_EQ(dataset.node_labels.index, (std::vector<std::int32_t>{2, 0, 2, 1, 1}));
  EXPECT_EQ(dataset.edge_labels.count(), 2);
  EXPECT_EQ(dataset.node_attributes.columns, 2);
  EXPECT_EQ(dataset.node_attributes.values[3], 1000);
  EXPECT_EQ(dataset.edge_attributes.rows, 8);
}

TEST_F(TuReader, AcceptsWindowsLineEndsSpacesAndBlankEnds) {
  folder.write("T_A.txt", "1 ,2\r\n 2,1\r\n2,\t3\r\n3,2\r\n1,3\r\n3,1 \r\n4,5\r\n5,4\r\n\r\n  \r\n");
  folder.write("T_graph_indicator.txt", "1\r\n1\r\n1\r\n2\r\n2");
  EXPECT_EQ(read_tu(folder.path(), "T").num_edges(), 8);
}

TEST_F(TuReader, LeavesOutRepeatedEdges) {
  folder.write("T_A.txt", "1,2\n2,1\n1,2\n2,1\n4,5\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  EXPECT_EQ(dataset.duplicate_edges, 2);
  EXPECT_EQ(dataset.source, (std::vector<std::int32_t>{0, 1, 3}));
}

TEST_F(TuReader, KeepsParallelEdgesOfDifferentKind) {
  folder.write("T_A.txt", "1,2\n1,2\n1,2\n");
  folder.write("T_edge_labels.txt", "0\n1\n0\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  EXPECT_EQ(dataset.duplicate_edges, 1);
  EXPECT_EQ(dataset.edge_labels.index, (std::vector<std::int32_t>{0, 1}));
}

TEST_F(TuReader, NamesAMissingFile) {
  fs::remove(folder.path() / "T_graph_labels.txt");
  expect_error("T_graph_labels.txt: No such file");
}

TEST_F(TuReader, RefusesNodeOutOfRange) {
  folder.write("T_A.txt", "1,2\n2,6\n");
  expect_error("T_A.txt:2: expected node numbers from 1 to 5");
  folder.write("T_A.txt", "0,2\n");
  expect_error("T_A.txt:1:");
}

TEST_F(TuReader, RefusesEdgeAcrossGraphs) {
  folder.write("T_A.txt", "1,2\n3,4\n");
  expect_error("T_A.txt:2: expected an edge inside one graph, found one from graph 1 to graph 2");
}

TEST_F(TuReader, RefusesWhatIsNoNumber) {
  for (const char* line : {"1,x", "1", "1,2,3", "", "1;2", "1,2.5", ",", "99999999999999999999,1"}) {
    folder.write("T_A.txt", std::string("1,2\n") + line + "\n2,1\n");
    expect_error("T_A.txt:2: expected two node numbers");
  }
}

TEST_F(TuReader, RefusesTruncatedFiles) {
  folder.write("T_graph_indicator.txt", "1\n1\n1\n");
  expect_error("the last node belongs to graph 1, but there are 2 graph labels");
  folder.write("T_graph_indicator.txt", "1\n1\n1\n2\n2\n");
  folder.write("T_node_labels.txt", "1\n2\n3\n");
  expect_error("T_node_labels.txt: expected 5 lines, one per node, found 3 (is the file truncated?)");
}

TEST_F(TuReader, RefusesGraphNumbersOutOfOrder) {
  folder.write("T_graph_indicator.txt", "1\n2\n1\n2\n2\n");
  expect_error("T_graph_indicator.txt:3:");
  folder.write("T_graph_indicator.txt", "1\n1\n1\n2\n3\n");
  expect_error("T_graph_indicator.txt:5: expected a graph number from 1 to 2");
}

TEST_F(TuReader, RefusesRaggedAndInfiniteAttributes) {
  folder.write("T_node_attributes.txt", "1,2\n1,2\n1\n1,2\n1,2\n");
  expect_error("T_node_attributes.txt:3: expected 2 numbers");
  folder.write("T_node_attributes.txt", "1\n1\ninf\n1\n1\n");
  expect_error("T_node_attributes.txt:3:");
}

TEST_F(TuReader, RefusesEmptyLabels) {
  folder.write("T_graph_labels.txt", "\n");
  expect_error("T_graph_labels.txt: the file is empty");
}

TEST_F(TuReader, FindsTheFolder) {
  EXPECT_EQ(find_dataset("T", folder.path().string()).folder, folder.path());
  fs::create_directories(folder.path() / "U");
  folder.write("U/U_A.txt", "");
  EXPECT_EQ(find_dataset("U", folder.path().string()).folder, folder.path() / "U");
  EXPECT_FALSE(find_dataset("V", folder.path().string()).folder);
  EXPECT_THROW(find_dataset("../T", folder.path().string()), UsageError);
}

TEST(Features, OneHotLabelsBesideStandardisedAttributes) {
  Dataset dataset;
  dataset.graph_offsets = {0, 2};
  dataset.node_labels = categorise({5, 9});
  dataset.node_attributes = {2, 2, {1, 4, 3, 4}};
  const Features features = make_features(dataset);
  EXPECT_EQ(features.node.columns, 4);
  EXPECT_EQ(features.node.values, (std::vector<double>{1, 0, -1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(features.edge.columns, 0);
}

TEST(Features, DegreesAreCapped) {
  Dataset dataset;
  dataset.graph_offsets = {0, 101};
  for (std::int32_t node = 1; node <= 100; ++node) {
    dataset.source.push_back(node);
    dataset.destination.push_back(0);
  }
  const Features features = make_features(dataset);
  EXPECT_EQ(features.node.columns, kDegreeCap + 1);
  EXPECT_EQ(features.node.values[static_cast<std::size_t>(kDegreeCap)], 1);
  EXPECT_EQ(features.node.values[static_cast<std::size_t>(features.node.columns)], 1);  // node 1 has degree 0
}

TEST(MotifGenerator, MakesTreesWithMotifs) {
  const Dataset dataset = generate_ba2motifs(3, 40);
  EXPECT_EQ(dataset.num_graphs(), 40);
  EXPECT_EQ(dataset.num_nodes(), 1000);
  EXPECT_EQ(std::count(dataset.motif_nodes.begin(), dataset.motif_nodes.end(), 1), 200);
  for (std::size_t graph = 0; graph < 40; ++graph) {
    const std::int64_t first = dataset.graph_offsets[graph];
    int edges = 0, motif_edges = 0, bridges = 0;
    std::set<std::pair<std::int32_t, std::int32_t>> seen;
    for (std::size_t e = 0; e < dataset.source.size(); ++e) {
      const std::int32_t from = dataset.source[e], to = dataset.destination[e];
      if (from < first || from >= first + 25) continue;
      EXPECT_TRUE(seen.insert({from, to}).second);
      EXPECT_NE(from, to);
      const int ends =
          dataset.motif_nodes[static_cast<std::size_t>(from)] + dataset.motif_nodes[static_cast<std::size_t>(to)];
      ++edges;
      motif_edges += ends == 2;
      bridges += ends == 1;
    }
    const int motif = dataset.graph_labels.index[graph] == 0 ? 6 : 5;
    EXPECT_EQ(motif_edges, 2 * motif);
    EXPECT_EQ(bridges, 2);
    EXPECT_EQ(edges, 2 * (19 + motif + 1));
  }
}

TEST(MotifGenerator, DependsOnTheSeedAlone) {
  EXPECT_EQ(generate_ba2motifs(1, 20).source, generate_ba2motifs(1, 20).source);
  EXPECT_NE(generate_ba2motifs(1, 20).source, generate_ba2motifs(2, 20).source);
}

Categories labels_of(int zeros, int ones) {
  std::vector<std::int64_t> raw(static_cast<std::size_t>(zeros), 0);
  raw.resize(static_cast<std::size_t>(zeros + ones), 1);
  return categorise(raw);
}

TEST(Splits, FoldsCoverAllOnceAndKeepTheClasses) {
  const Categories labels = labels_of(63, 125);
  std::vector<int> tested(188, 0);
  for (const Split& split : make_folds(labels, 10, 5, false)) {
    EXPECT_EQ(split.train.size() + split.test.size(), 188u);
    EXPECT_TRUE(split.test.size() == 18 || split.test.size() == 19);
    const auto zeros = std::count_if(split.test.begin(), split.test.end(), [](std::int64_t g) { return g < 63; });
    EXPECT_TRUE(zeros == 6 || zeros == 7);
    for (const std::int64_t graph : split.test) {
      ++tested[static_cast<std::size_t>(graph)];
      EXPECT_FALSE(std::binary_search(split.train.begin(), split.train.end(), graph));
    }
  }
  EXPECT_EQ(tested, std::vector<int>(188, 1));
}

TEST(Splits, ValidationIsTheNextFoldsTest) {
  const std::vector<Split> splits = make_folds(labels_of(20, 20), 4, 1, true);
  for (std::size_t fold = 0; fold < 4; ++fold) {
    EXPECT_EQ(splits[fold].valid, splits[(fold + 1) % 4].test);
    EXPECT_EQ(splits[fold].train.size(), 20u);
  }
}

TEST(Splits, SeedsGiveOtherFolds) {
  const Categories labels = labels_of(30, 30);
  EXPECT_EQ(make_folds(labels, 5, 1, false)[0].test, make_folds(labels, 5, 1, false)[0].test);
  EXPECT_NE(make_folds(labels, 5, 1, false)[0].test, make_folds(labels, 5, 2, false)[0].test);
}

TEST(Splits, FractionsAreTakenOfEachClass) {
  const Split split = make_split(labels_of(50, 100), {0.8, 0.1, 0.1}, 1);
  EXPECT_EQ(split.train.size(), 120u);
  EXPECT_EQ(split.valid.size(), 15u);
  EXPECT_EQ(std::count_if(split.test.begin(), split.test.end(), [](std::int64_t g) { return g < 50; }), 5);
}

TEST(Splits, RefuseWhatLeavesNothing) {
  EXPECT_THROW(make_folds(labels_of(2, 1), 10, 1, false), UsageError);
  EXPECT_THROW(make_folds(labels_of(5, 5), 2, 1, true), UsageError);
  EXPECT_THROW(make_split(labels_of(2, 2), {0.99, 0, 0.01}, 1), UsageError);
}

TEST(Statistics, MatchHandComputedValues) {
  const std::vector<double> values{1, 2, 3, 6};
  EXPECT_EQ(mean_of(values), 3);
  EXPECT_NEAR(deviation_of(values), std::sqrt(14.0 / 3), 1e-12);
  EXPECT_EQ(median_of({5, 1, 3}), 3);
  EXPECT_EQ(median_of({4, 1, 2, 8}), 3);
  const std::vector<std::uint8_t> positive{0, 1, 0, 1};
  EXPECT_EQ(roc_area(std::vector<double>{1, 2, 3, 4}, positive), 0.75);
  EXPECT_EQ(roc_area(std::vector<double>{5, 5, 5, 5}, positive), 0.5);
  EXPECT_FALSE(roc_area(std::vector<double>{1, 2}, std::vector<std::uint8_t>{1, 1}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(roc_area(std::vector<double>{nan, nan, 1, 2}, positive));
  EXPECT_EQ(count_right(std::vector<double>{0.9, 0.1, 0.2, 0.8, 0.6, 0.4}, std::vector<std::int32_t>{0, 1, 1}), 2);
}

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), "train_graphs");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST(Options, DefaultsAreTheAttentionModelOnMutag) {
  const Settings settings = parse({}).settings;
  EXPECT_EQ(settings, Settings{});
  EXPECT_EQ(settings.widths, (std::vector<std::int64_t>{32, 64}));
  EXPECT_EQ(settings.gate, warpgnn::PoolGate::raw);
}

TEST(Options, ModelsBringTheirOwnDefaults) {
  const Settings gin = parse({"--model", "gin"}).settings;
  EXPECT_EQ(gin.pool, warpgnn::PoolReduce::sum);
  EXPECT_EQ(gin.gate, warpgnn::PoolGate::none);
  EXPECT_EQ(gin.widths.size(), 3u);
  EXPECT_EQ(parse({"--hidden", "16", "--layers", "4"}).settings.widths, (std::vector<std::int64_t>{16, 16, 16, 16}));
  EXPECT_EQ(parse({"--hidden", "8,16,24"}).settings.widths, (std::vector<std::int64_t>{8, 16, 24}));
  EXPECT_EQ(parse({"--pool", "max"}).settings.gate, warpgnn::PoolGate::none);
}

TEST(Options, RefuseWhatMakesNoSense) {
  const std::vector<std::vector<const char*>> wrong{{"--model", "cnn"},
                                                    {"--epochs", "0"},
                                                    {"--epochs", "1.5"},
                                                    {"--lr", "nan"},
                                                    {"--seed", "-1"},
                                                    {"--split", "0.5,0.5"},
                                                    {"--split", "0.5,0.5,0.5"},
                                                    {"--folds", "1"},
                                                    {"--heads", "3", "--model", "gat"},
                                                    {"--unknown"},
                                                    {"--pool", "max", "--gate", "raw"},
                                                    {"stray"},
                                                    {"--hidden", "8,8", "--layers", "3"},
                                                    {"--folds", "5", "--split", "0.8,0.1,0.1"},
                                                    {"--select", "valid", "--split", "0.8,0,0.2"}};
  for (const auto& words : wrong) EXPECT_THROW(parse(words), UsageError) << words[0];
}

TEST(Options, HelpNamesEveryGroup) {
  const std::string help = parse({"--help"}).help;
  for (const char* part : {"--dataset", "--gate", "--folds", "--device", "--checkpoint-every", "[0.01]"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
}

TEST(Options, SettingsSurviveJson) {
  for (const Settings& settings :
       {parse({}).settings, parse({"--split", "0.7,0.1,0.2", "--model", "gat", "--lr", "0.003"}).settings}) {
    EXPECT_EQ(settings_from_json(to_json(settings)), settings);
  }
  EXPECT_THROW(settings_from_json({{"dataset", "MUTAG"}}), DataError);
}

TEST(Options, AResumedRunKeepsItsSettings) {
  const Settings stored = parse({"--model", "gin", "--lr", "0.005"}).settings;
  Options same = parse({"--lr", "0.005"});
  adopt_settings(same, stored);
  EXPECT_EQ(same.settings, stored);
  Options other = parse({"--lr", "0.01"});
  EXPECT_THROW(adopt_settings(other, stored), UsageError);
}

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

/// Trains on a small generated set, with all that makes a resume hard: dropout, running statistics, a last small batch.
class Training : public testing::TestWithParam<const char*> {
 protected:
  Training() : dataset(generate_ba2motifs(4, 30)), features(make_features(dataset)) {}

  Options options(std::vector<const char*> more) const {
    std::vector<const char*> words{"--dataset", "ba2motifs",    "--model", GetParam(),  "--epochs", "3",      "--folds",
                                   "3",         "--batch-size", "6",       "--dropout", "0.3",      "--seed", "9"};
    if (std::string(GetParam()) == "gat")
      words.insert(words.end(), {"--attention-dropout", "0.2", "--gate", "sigmoid"});
    words.insert(words.end(), more.begin(), more.end());
    Options parsed = parse(words);
    parsed.out = folder.path().string();
    return parsed;
  }

  Results train(const Options& given, int steps, std::optional<TrainingState> resumed, bool& completed) const {
    const warpgnn::Context context = warpgnn::Context::cpu(1);
    const DeviceData data(context, given.settings.dtype, dataset, features, needs_of(given.settings.model));
    int asked = 0;
    Trainer trainer(given, dataset, data, {.stop = [&] { return ++asked > steps; }, .epoch_done = {}, .run_done = {}},
                    std::move(resumed));
    completed = trainer.train();
    return trainer.results();
  }

  static nlohmann::json without_times(Results results) {
    for (RunResult& run : results.runs) {
      for (EpochRecord& epoch : run.epochs) epoch.milliseconds = 0;
    }
    return to_json(results);
  }

  TemporaryFolder folder;
  Dataset dataset;
  Features features;
};

TEST_P(Training, GoesOnToTheSameResultFromWhereverItStopped) {
  constexpr int kForever = std::numeric_limits<int>::max();
  bool completed = false;
  const Options whole = options({});
  const nlohmann::json expected = without_times(train(whole, kForever, std::nullopt, completed));
  ASSERT_TRUE(completed);
  for (const int steps : {0, 2, 4, 11, 17, 23}) {
    Options part = options({});
    part.checkpoint = (folder.path() / "stop.safetensors").string();
    train(part, steps, std::nullopt, completed);
    ASSERT_FALSE(completed);
    Options rest = options({});
    rest.resume = part.checkpoint;
    TrainingState state = read_checkpoint(rest.resume);
    adopt_settings(rest, state.settings);
    const Results results = train(rest, kForever, std::move(state), completed);
    EXPECT_TRUE(completed);
    EXPECT_EQ(without_times(results), expected) << "stopped after " << steps << " steps";
  }
}

TEST_P(Training, WritesAllOutputs) {
  bool completed = false;
  const Options whole = options({"--pictures", "2"});
  const Results results = train(whole, std::numeric_limits<int>::max(), std::nullopt, completed);
  write_report(folder.path(), {.settings = whole.settings,
                               .dataset = dataset,
                               .features = features,
                               .results = results,
                               .device = "test <device>",
                               .threads = 1,
                               .parameters = 1,
                               .seconds = 1});
  for (const char* file : {"metrics.json", "loss.svg", "accuracy.svg", "index.html"}) {
    EXPECT_GT(fs::file_size(folder.path() / file), 100u) << file;
  }
  const nlohmann::json metrics = nlohmann::json::parse(std::ifstream(folder.path() / "metrics.json"));
  for (const char* key : {"dataset", "device", "model", "folds", "test_accuracy_mean", "test_accuracy_std",
                          "epoch_ms_median", "parameters"}) {
    EXPECT_TRUE(metrics.contains(key)) << key;
  }
  EXPECT_EQ(metrics.contains("motif_attention_auc"), whole.settings.gate != warpgnn::PoolGate::none);
  const fs::directory_iterator pictures(folder.path() / "pictures");
  EXPECT_EQ(std::count_if(begin(pictures), end(pictures),
                          [](const auto& entry) { return entry.path().extension() == ".dot"; }),
            2);
}

TEST_P(Training, RefusesACheckpointOfOtherData) {
  bool completed = false;
  Options part = options({});
  part.checkpoint = (folder.path() / "stop.safetensors").string();
  train(part, 2, std::nullopt, completed);
  TrainingState state = read_checkpoint(part.checkpoint);
  state.data += "x";
  EXPECT_THROW(train(part, 2, state, completed), DataError);
  folder.write("broken.safetensors", "no checkpoint");
  EXPECT_ANY_THROW(read_checkpoint(folder.path() / "broken.safetensors"));
}

INSTANTIATE_TEST_SUITE_P(Models, Training, testing::Values("attention", "gcn", "gat", "gin"));

}  // namespace
}  // namespace train_graphs
