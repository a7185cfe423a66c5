// SPDX-License-Identifier: MIT
// What is the link predictor's own: its data, what it sees of the paths between two nodes, what it reaches.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/errors.hpp"
#include "core/statistics.hpp"
#include "links/surroundings.hpp"
#include "small_tasks.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train::links {
namespace {

using test::Words;
using test::operator+;

class LinkReader : public testing::Test {
 protected:
  LinkData read(const std::string& text) const {
    folder.write("L.txt", text);
    return read_links(folder.path(), "L", warpgnn::Dtype::float32);
  }
  void expect_error(const std::string& text, const std::string& part) const {
    try {
      read(text);
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  TemporaryFolder folder;
};

TEST_F(LinkReader, TakesTabsOrSpacesAndLeavesOutLoopsAndRepetitions) {
  const LinkData data = read("0\t1\n 2  1 \r\n1 0\n3 3\n\n");
  EXPECT_EQ(data.num_nodes, 4);
  EXPECT_EQ(data.links, (std::vector<Pair>{{0, 1}, {1, 2}}));
}

TEST_F(LinkReader, TakesAPackedList) {
  folder.write("L.txt.gz", "0 1\n1 2\n");
  ASSERT_TRUE(find_dataset("L", folder.path().string()).folder);
  EXPECT_EQ(read_links(folder.path(), "L", warpgnn::Dtype::float32).links.size(), 2u);
}

TEST_F(LinkReader, NamesTheLineThatIsWrong) {
  expect_error("0 1\n2\n", "L.txt:2: expected two node numbers");
  expect_error("0 1\n0 1 2\n", "L.txt:2: expected two node numbers");
  expect_error("0 x\n", "L.txt:1: expected two node numbers");
  expect_error("0 -1\n", "L.txt:1: expected node numbers from 0 on");
  expect_error("0 4294967296\n", "L.txt:1: expected node numbers from 0 on");
}

TEST(LinkSplits, PartsShareNoLinkAndPairsApartHaveNone) {
  const LinkData data = generate_small_world(3);
  EXPECT_NEAR(static_cast<double>(data.links.size()), 900, 30);
  const LinkSplit split = split_links(data, {0.8, 0.05, 0.15}, 7);
  std::set<Pair> all(split.train.begin(), split.train.end());
  all.insert(split.valid.begin(), split.valid.end());
  all.insert(split.test.begin(), split.test.end());
  EXPECT_EQ(all, std::set<Pair>(data.links.begin(), data.links.end()));
  EXPECT_EQ(split.train.size() + split.valid.size() + split.test.size(), data.links.size());
  EXPECT_EQ(split.test_apart.size(), split.test.size());
  for (const auto* part : {&split.valid_apart, &split.test_apart}) {
    for (const Pair& pair : *part) {
      EXPECT_LT(pair.first, pair.second);
      EXPECT_FALSE(all.contains(pair));
    }
  }
  EXPECT_NE(split_links(data, {0.8, 0.05, 0.15}, 8).train, split.train);
  EXPECT_THROW(split_links(data, {1, 0, 0}, 7), UsageError);
}

/// A square 0 1 2 3 with a tail 3 4 5 6 7 8 9 10, and node 11 alone.
class SmallStructure : public testing::Test {
 protected:
  std::vector<double> numbers(std::int32_t a, std::int32_t b) const {
    std::vector<double> row(Structure::kNumbers);
    structure.write({a, b}, row.data());
    return row;
  }
  int distance(std::int32_t a, std::int32_t b) const {
    const std::vector<double> row = numbers(a, b);
    EXPECT_EQ(std::count(row.begin() + 6, row.end(), 1.0), 1);
    return 2 + static_cast<int>(std::find(row.begin() + 6, row.end(), 1.0) - row.begin() - 6);
  }

  const std::vector<Pair> links{{0, 1}, {0, 3}, {1, 2}, {2, 3}, {3, 4}, {4, 5},
                                {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}};
  const Structure structure{12, links};
};

TEST_F(SmallStructure, CountsWhatLiesBetween) {
  const std::vector<double> diagonal = numbers(0, 2);
  EXPECT_NEAR(diagonal[0], 2 * std::log(3), 1e-12);
  EXPECT_NEAR(diagonal[1], 0, 1e-12);
  EXPECT_NEAR(diagonal[2], std::log(3), 1e-12);
  EXPECT_NEAR(diagonal[3], std::log1p(1 / std::log(2) + 1 / std::log(3)), 1e-12);
  EXPECT_NEAR(diagonal[4], std::log1p(1.0 / 2 + 1.0 / 3), 1e-12);
  EXPECT_EQ(diagonal[5], 0);
}

TEST_F(SmallStructure, LeavesOutTheLinkItself) {
  const std::vector<double> side = numbers(0, 1);
  EXPECT_NEAR(side[0], 2 * std::log(2), 1e-12);
  EXPECT_EQ(side[2], 0);
  EXPECT_NEAR(side[5], std::log(2), 1e-12);  // the way around
  EXPECT_EQ(distance(0, 1), 3);
  EXPECT_EQ(distance(4, 5), 7);  // nowhere near without it
}

TEST_F(SmallStructure, KnowsDistances) {
  EXPECT_EQ(distance(0, 2), 2);
  EXPECT_EQ(distance(3, 6), 3);
  EXPECT_EQ(distance(3, 7), 4);
  EXPECT_EQ(distance(3, 8), 5);
  EXPECT_EQ(distance(3, 9), 6);
  EXPECT_EQ(distance(3, 10), 7);
  EXPECT_EQ(distance(3, 11), 7);
}

class LinkModel : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(LinkModel, FindsLinksOfASmallWorld) {
  const auto [model, decoder] = GetParam();
  const test::Outcome outcome =
      test::train(test::links_task(), {"--dataset", "smallworld", "--model", model, "--decoder", decoder, "--repeats",
                                       "1", "--epochs", "150", "--lr", "0.01", "--weight-decay", "0", "--seed", "9"});
  EXPECT_TRUE(outcome.completed);
  EXPECT_GT(outcome.results.tests(0, Selection::valid, outcome.task->metrics())[0],
            decoder == std::string("paths") ? 0.85 : 0.6);
}

INSTANTIATE_TEST_SUITE_P(Models, LinkModel,
                         testing::Values(std::pair("gcn", "dot"), std::pair("gcn", "mlp"), std::pair("gcn", "paths"),
                                         std::pair("gat", "paths"), std::pair("gatv2", "dot"),
                                         std::pair("transformer", "mlp")),
                         [](const auto& each) { return std::string(each.param.first) + "_" + each.param.second; });

TEST(LinkPictures, ShowThePairAndWhatIsAround) {
  const LinkData data = generate_small_world(3);
  const auto [a, b] = data.links.front();
  const Picture picture = make_picture(data, {0.9, {a, b, 100, 101}, {0.5, 0.4, 0.3, 0.2}}, "attention");
  EXPECT_TRUE(picture.is_right);
  EXPECT_NE(picture.title.find("are linked, predicted 90 %"), std::string::npos) << picture.title;
  ASSERT_EQ(picture.nodes.size(), 4u);
  EXPECT_TRUE(picture.nodes[1].in_motif);
  EXPECT_FALSE(picture.nodes[2].in_motif);
  for (const Picture::Link& link : picture.links) EXPECT_FALSE(link.a == 0 && link.b == 1);
}

TEST(AveragePrecision, IsTheMeanOverPositives) {
  const std::vector<std::uint8_t> positive{1, 0, 1, 0};
  EXPECT_EQ(average_precision(std::vector{4.0, 3.0, 2.0, 1.0}, positive), (1 + 2.0 / 3) / 2);
  EXPECT_EQ(average_precision(std::vector{1.0, 1.0, 1.0, 1.0}, positive), 0.5);
  EXPECT_EQ(average_precision(std::vector{1.0}, std::vector<std::uint8_t>{0}), std::nullopt);
  EXPECT_THROW(average_precision(std::vector<double>{NAN, 1, 1, 1}, positive), TrainingError);
}

}  // namespace
}  // namespace train::links
