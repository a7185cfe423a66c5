// SPDX-License-Identifier: MIT
// What is trained on: files, features, the generator, splits, and the figures made of the results.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "core/errors.hpp"
#include "core/statistics.hpp"
#include "graphs/features.hpp"
#include "graphs/motif_generator.hpp"
#include "graphs/splits.hpp"
#include "graphs/tu_reader.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train::graphs {
namespace {

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
  ASSERT_EQ(dataset.node_labels.size(), 1u);
  EXPECT_EQ(dataset.node_labels[0].index, (std::vector<std::int32_t>{2, 0, 2, 1, 1}));
  EXPECT_EQ(dataset.edge_labels.at(0).count(), 2);
  EXPECT_EQ(dataset.node_attributes.columns, 2);
  EXPECT_EQ(dataset.node_attributes.values[3], 1000);
  EXPECT_EQ(dataset.edge_attributes.rows, 8);
}

TEST_F(TuReader, ReadsTheSetThatShipsWithTheProjectPackedAsItIs) {
  const DatasetLocation location = find_dataset("MUTAG", EXAMPLES_FOLDER "/data");
  ASSERT_TRUE(location.folder);
  const Dataset dataset = read_tu(*location.folder, "MUTAG");
  EXPECT_EQ(dataset.graph_offsets.size(), 189);
  EXPECT_EQ(dataset.num_nodes(), 3371);
  EXPECT_EQ(dataset.num_edges(), 7442);
  EXPECT_EQ(std::count(dataset.graph_labels.index.begin(), dataset.graph_labels.index.end(), 1), 125);
  EXPECT_EQ(dataset.node_labels.at(0).count(), 7);
  EXPECT_EQ(dataset.edge_labels.at(0).count(), 4);
  EXPECT_TRUE(find_dataset("MUTAG", "").folder);  // wherever the tests run
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
  EXPECT_EQ(dataset.edge_labels.at(0).index, (std::vector<std::int32_t>{0, 1}));
}

TEST_F(TuReader, ReadsSeveralColumnsOfLabels) {
  folder.write("T_node_labels.txt", "0, 3\n0, 4\n1, 3\n0, 9\n1, 3\n");
  folder.write("T_edge_labels.txt", "0,1\n0,1\n0,1\n0,1\n0,2\n0,2\n0,2\n0,2\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  ASSERT_EQ(dataset.node_labels.size(), 2u);
  EXPECT_EQ(dataset.node_labels[0].index, (std::vector<std::int32_t>{0, 0, 1, 0, 1}));
  EXPECT_EQ(dataset.node_labels[1].value, (std::vector<std::int64_t>{3, 4, 9}));
  EXPECT_EQ(dataset.edge_labels.size(), 2u);
  const Features features = make_features(dataset);
  EXPECT_EQ(features.node.columns, 5);
  EXPECT_EQ(features.node_source, "2 + 3 labels, one-hot");
  EXPECT_EQ(std::vector<double>(features.node.values.begin() + 15, features.node.values.begin() + 20),
            (std::vector<double>{1, 0, 0, 0, 1}));
}

TEST_F(TuReader, ParallelEdgesMayDifferInAnyColumnOfLabels) {
  folder.write("T_A.txt", "1,2\n1,2\n1,2\n");
  folder.write("T_edge_labels.txt", "0,0\n0,1\n0,0\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  EXPECT_EQ(dataset.duplicate_edges, 1);
  EXPECT_EQ(dataset.edge_labels.at(1).index, (std::vector<std::int32_t>{0, 1}));
}

TEST_F(TuReader, ReadsTemporalLabels) {
  folder.write("T_node_labels.txt", "0, 0\n0, 0, 6, 1\n0, 0\n0, 0, 0, 1\n0, 0, 3, 1, 8, 2\n");
  folder.write("T_node_attributes.txt", "1\n2\n3\n4\n5\n");
  const Dataset dataset = read_tu(folder.path(), "T");
  ASSERT_EQ(dataset.node_labels.size(), 2u);
  EXPECT_EQ(dataset.node_labels[0].value, (std::vector<std::int64_t>{0}));
  EXPECT_EQ(dataset.node_labels[1].index, (std::vector<std::int32_t>{0, 1, 0, 1, 2}));
  EXPECT_EQ(dataset.node_attributes.columns, 2);
  EXPECT_EQ(dataset.node_attributes.values, (std::vector<double>{1, 0, 2, 6, 3, 0, 4, 0, 5, 8}));
}

TEST_F(TuReader, RefusesLabelsThatAreNeitherColumnsNorTemporal) {
  for (const char* line : {"0, 0, 6", "0, 0, 6, 1, 5, 0"}) {
    folder.write("T_node_labels.txt", "0, 0\n0, 0\n" + std::string(line) + "\n0, 0\n0, 0\n");
    expect_error("T_node_labels.txt:3: expected as many labels as in the other lines, or times in order");
  }
  folder.write("T_node_labels.txt", "0, 0\n0, x\n0, 0\n0, 0\n0, 0\n");
  expect_error("T_node_labels.txt:2: expected the label of one node");
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
  dataset.node_labels = {categorise({5, 9})};
  dataset.node_attributes = {2, 2, {1, 4, 3, 4}};
  const Features features = make_features(dataset);
  EXPECT_EQ(features.node.columns, 4);
  EXPECT_EQ(features.node.values, (std::vector<double>{1, 0, -1, 0, 0, 1, 1, 0}));
  EXPECT_EQ(features.edge.columns, 0);
}

/// As many nodes as labels, each with its own.
Dataset of_many_labels(std::int64_t count) {
  std::vector<std::int64_t> raw;
  for (std::int64_t label = 0; label < count; ++label) raw.push_back(7 * label);
  Dataset dataset;
  dataset.graph_offsets = {0, count};
  dataset.node_labels = {categorise(raw)};
  return dataset;
}

TEST(Features, ManyLabelsAreCodesWhoseWidthIsBounded) {
  EXPECT_EQ(make_features(of_many_labels(256)).node.columns, 256);  // one-hot
  EXPECT_EQ(make_features(of_many_labels(257)).node.columns, 256);
  EXPECT_EQ(make_features(of_many_labels(257), 300).node.columns, 257);
  const Features features = make_features(of_many_labels(20'000), 64);
  EXPECT_EQ(features.node.columns, 64);
  EXPECT_EQ(features.node_source, "20000 (as codes of 64) labels");
  std::set<std::vector<double>> codes;
  double largest = 0;
  for (std::ptrdiff_t node = 0; node < 20'000; ++node) {
    const auto begin = features.node.values.begin() + 64 * node;
    codes.emplace(begin, begin + 64);
    EXPECT_EQ(std::inner_product(begin, begin + 64, begin, 0.0), 1);
    if (node > 0) largest = std::max(largest, std::abs(std::inner_product(begin, begin + 64, begin - 64, 0.0)));
  }
  EXPECT_EQ(codes.size(), 20'000u);
  EXPECT_LT(largest, 0.7);  // of 20,000 pairs; one is about 1/8
  EXPECT_EQ(make_features(of_many_labels(20'000), 64).node.values, features.node.values);
}

TEST(Features, CodesStandBesideOneHotColumnsAndAttributes) {
  Dataset dataset = of_many_labels(5);
  dataset.node_labels.push_back(categorise({1, 0, 1, 0, 0}));
  dataset.node_attributes = {5, 1, {3, 3, 3, 3, 3}};
  const Features features = make_features(dataset, 4);
  EXPECT_EQ(features.node.columns, 4 + 2 + 1);
  EXPECT_EQ(features.node_source, "5 (as codes of 4) + 2 labels, one-hot + 1 attributes, standardised");
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(std::abs(features.node.values[k]), 0.5);
  EXPECT_EQ(features.node.values[4], 0);
  EXPECT_EQ(features.node.values[5], 1);
  EXPECT_EQ(features.node.values[6], 0);
}

TEST(Features, WhatNoMachineHoldsIsRefusedByName) {
  const Dataset dataset = of_many_labels(2'000'000);
  try {
    make_features(dataset, 10'000'000);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what())
                  .find("there is not enough memory for the features of 2000000 nodes of 2000000 "
                        "labels, one-hot (a smaller --label-width makes them narrower), which takes 32.0 TB"),
              0u)
        << error.what();
  }
}

TEST(Features, EdgesAreLeftOutWhereNobodyReadsThem) {
  Dataset dataset = of_many_labels(2);
  dataset.source = {0}, dataset.destination = {1};
  dataset.edge_labels = {categorise({4})};
  EXPECT_EQ(make_features(dataset).edge.columns, 1);
  EXPECT_EQ(make_features(dataset, 256, false).edge.columns, 0);
  EXPECT_EQ(make_features(dataset, 256, false).edge_source, "1 labels, one-hot");
}

/// Node features of two graphs of two nodes whose one attribute has these values.
std::vector<double> standardised(const std::vector<double>& attributes) {
  Dataset dataset;
  dataset.graph_offsets = {0, static_cast<std::int64_t>(attributes.size())};
  dataset.node_attributes = {dataset.num_nodes(), 1, attributes};
  return make_features(dataset).node.values;
}

TEST(Features, StandardisedDoNotDependOnTheUnit) {
  const std::vector<double> expected = standardised({1, 2, 4, -3});
  for (const double unit : {1e-300, 1e-160, 1e-13, 1e13, 1e160, 1e307}) {
    const std::vector<double> values = standardised({1 * unit, 2 * unit, 4 * unit, -3 * unit});
    for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(values[k], expected[k], 1e-14) << unit;
  }
  EXPECT_EQ(standardised({1e200, -1e200}), (std::vector<double>{1, -1}));
  const std::vector<double> huge = standardised({1e308, 1e307, 1e308, 1e307});
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(huge[k], k % 2 == 0 ? 1 : -1, 1e-14);
}

TEST(Features, OnlyEqualValuesAreAConstantColumn) {
  EXPECT_EQ(standardised({1e-30, 1e-30, 1e-30}), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(standardised({1e300, 1e300}), (std::vector<double>{0, 0}));
  // Naive sums of so many tenths are off by more than a small threshold.
  for (const double value : standardised(std::vector<double>(1'000'000, 0.1))) ASSERT_EQ(value, 0);
  const std::vector<double> close = standardised({1e15, 1e15 + 1, 1e15, 1e15 + 1});
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(close[k], k % 2 == 0 ? -1 : 1, 1e-14);
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
  EXPECT_EQ(count_right(std::vector<double>{0.9, 0.1, 0.2, 0.8, 0.6, 0.4}, std::vector<std::int32_t>{0, 1, 1}), 2);
}

TEST(Statistics, NeitherOverflowNorVanish) {
  EXPECT_EQ(mean_of(std::vector<double>{1e308, 1e308, 1e308}), 1e308);
  EXPECT_EQ(mean_of(std::vector<double>{5e-324, 5e-324}), 5e-324);
  EXPECT_NEAR(deviation_of(std::vector<double>{1e200, 3e200}) / 1e200, std::sqrt(2.0), 1e-12);
  EXPECT_NEAR(deviation_of(std::vector<double>{1e-200, 3e-200}) / 1e-200, std::sqrt(2.0), 1e-12);
}

TEST(Statistics, WhatIsNotFiniteWinsNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<std::uint8_t> positive{0, 1};
  const std::vector<std::int32_t> labels{0};
  for (const double bad : {nan, -nan, inf, -inf}) {
    EXPECT_THROW(place_of_largest(std::vector<double>{bad, 1}), TrainingError);
    EXPECT_THROW(place_of_largest(std::vector<double>{1, bad}), TrainingError);
    EXPECT_THROW(count_right(std::vector<double>{bad, bad}, labels), TrainingError);
    EXPECT_THROW(roc_area(std::vector<double>{bad, 1}, positive), TrainingError);
    EXPECT_THROW(finite(bad, "it"), TrainingError);
  }
  EXPECT_EQ(place_of_largest(std::vector<double>{1, 3, 3}), 1u);
}

}  // namespace
}  // namespace train::graphs
