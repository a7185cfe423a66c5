// SPDX-License-Identifier: MIT
// What is trained on: files, splits, features and the generated graph; and which epoch counts.

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.hpp"
#include "nodes/block_generator.hpp"
#include "nodes/ogb_reader.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train::nodes {
namespace {

/// Four nodes in a row, of two classes and two features.
constexpr auto kFloat32 = warpgnn::Dtype::float32;

class OgbReader : public testing::Test {
 protected:
  OgbReader() {
    fs::create_directories(folder.path() / "raw");
    fs::create_directories(folder.path() / "split" / "public");
    write("raw/num-node-list", "4\n");
    write("raw/num-edge-list", "3\n");
    write("raw/edge", "0,1\n2,1\n2,3\n");
    write("raw/node-feat", "1,0\n0.5,2\n0,0\n3,1\n");
    write("raw/node-label", "7\n7\n2\n2\n");
    write("split/public/train", "3\n0\n");
    write("split/public/valid", "1\n");
    write("split/public/test", "2\n");
  }

  /// Packed by gzip, as such files are.
  void write(const std::string& name, const std::string& text) const {
    const gzFile file = gzopen((folder.path() / (name + ".csv.gz")).c_str(), "wb");
    ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    gzclose(file);
  }

  void expect_error(const std::string& part) const {
    try {
      read_ogb(folder.path(), "T", "public", kFloat32);
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  TemporaryFolder folder;
};

TEST_F(OgbReader, ReadsAllAndMakesEdgesGoBothWays) {
  const NodeData data = read_ogb(folder.path(), "T", "public", kFloat32);
  EXPECT_EQ(data.source, (std::vector<std::int32_t>{0, 1, 1, 2, 2, 3}));
  EXPECT_EQ(data.destination, (std::vector<std::int32_t>{1, 0, 2, 1, 3, 2}));
  EXPECT_EQ(data.labels.index, (std::vector<std::int32_t>{1, 1, 0, 0}));
  EXPECT_EQ(data.labels.value, (std::vector<std::int64_t>{2, 7}));
  EXPECT_EQ(data.features.values, (std::vector<double>{1, 0, 0.5, 2, 0, 0, 3, 1}));
  EXPECT_EQ(data.split.train, (std::vector<std::int32_t>{0, 3}));
  EXPECT_EQ(data.split.valid, (std::vector<std::int32_t>{1}));
  EXPECT_EQ(data.split.test, (std::vector<std::int32_t>{2}));
}

TEST_F(OgbReader, TakesAnEdgeOnceThatStandsTwice) {
  write("raw/edge", "0,1\n1,0\n0,1\n");
  EXPECT_EQ(read_ogb(folder.path(), "T", "public", kFloat32).num_edges(), 2);
}

TEST_F(OgbReader, ReadsFilesThatAreNotPacked) {
  folder.write("raw/edge.csv.gz", "0,1\r\n2,1\r\n2,3\r\n");
  EXPECT_EQ(read_ogb(folder.path(), "T", "public", kFloat32).num_edges(), 6);
}

TEST_F(OgbReader, RefusesDamagedGzip) {
  const fs::path path = folder.path() / "raw/node-feat.csv.gz";
  fs::resize_file(path, fs::file_size(path) - 12);
  expect_error("node-feat.csv.gz: damaged gzip data");
}

TEST_F(OgbReader, NodesOfNoPartMayHaveNoClass) {
  write("raw/num-node-list", "5\n");
  write("raw/node-feat", "1,0\n0.5,2\n0,0\n3,1\n1,1\n");
  for (const char* labels : {"7\n7\n2\n2\nnan\n", "7\n7\n2\n2\n-1\n", "7.0\n7.0\n2.0\n2.0\nNaN\n"}) {
    write("raw/node-label", labels);
    const NodeData data = read_ogb(folder.path(), "T", "public", kFloat32);
    EXPECT_EQ(data.num_classes(), 2);
    EXPECT_EQ(data.labels.value, (std::vector<std::int64_t>{2, 7}));
    EXPECT_EQ(data.labels.index, (std::vector<std::int32_t>{1, 1, 0, 0, -1}));
    EXPECT_NE(describe_data(data).find("5 nodes, 1 without class"), std::string::npos);
  }
}

TEST_F(OgbReader, NodesOfAPartHaveAClass) {
  for (const char* labels : {"7\n7\nnan\n2\n", "7\n7\n-1\n2\n"}) {
    write("raw/node-label", labels);
    expect_error("test.csv.gz:1: node 2 has no class: node-label.csv.gz:3 says nan or -1");
  }
  write("raw/node-label", "7\n7\ninf\n2\n");
  expect_error("node-label.csv.gz:3: expected the class of one node");
}

TEST_F(OgbReader, NamesAMissingFile) {
  EXPECT_THROW(read_ogb(folder.path(), "T", "random", kFloat32), UsageError);
  fs::remove(folder.path() / "raw/node-label.csv.gz");
  expect_error("node-label.csv.gz: No such file");
}

TEST_F(OgbReader, RefusesNodesOutOfRange) {
  write("raw/edge", "0,1\n2,4\n2,3\n");
  expect_error("edge.csv.gz:2: expected a node number from 0 to 3, found 4");
  write("raw/edge", "0,1\n2,1\n-1,3\n");
  expect_error("edge.csv.gz:3: expected a node number from 0 to 3, found -1");
}

TEST_F(OgbReader, RefusesWhatIsNoNumber) {
  write("raw/edge", "0,1\n2;1\n2,3\n");
  expect_error("edge.csv.gz:2: expected two node numbers");
  write("raw/edge", "0,1\n2,1\n2,3\n");
  write("raw/node-feat", "1,0\n0.5\n0,0\n3,1\n");
  expect_error("node-feat.csv.gz:2: expected 2 numbers");
  write("raw/node-feat", "1,0\n0,nan\n0,0\n3,1\n");
  expect_error("node-feat.csv.gz:2:");
  write("raw/node-feat", "1,0\n0,0\n0,0\n3,1\n");
  write("raw/node-label", "7\n7\n2.5\n2\n");
  expect_error("node-label.csv.gz:3: expected the class of one node");
}

TEST_F(OgbReader, RefusesCountsThatDoNotFit) {
  write("raw/node-label", "7\n7\n2\n");
  expect_error("node-label.csv.gz: expected 4 lines");
  write("raw/num-edge-list", "5\n");
  expect_error("edge.csv.gz: expected 5 lines");
  write("raw/num-node-list", "2\n2\n");
  expect_error("num-node-list.csv.gz: expected 1 lines");
  write("raw/num-node-list", "-4\n");
  expect_error("num-node-list.csv.gz:1:");
}

TEST_F(OgbReader, RefusesSplitsThatOverlapOrLackNodes) {
  write("split/public/valid", "1\n3\n");
  expect_error("valid.csv.gz:2: node 3 is in the train part already");
  write("split/public/valid", "1\n1\n");
  expect_error("valid.csv.gz:2: node 1 is in the valid part already");
  write("split/public/valid", "4\n");
  expect_error("valid.csv.gz:1: expected a node number from 0 to 3");
  write("split/public/valid", "");
  expect_error("valid.csv.gz: the file is empty");
}

TEST_F(OgbReader, FindsTheFolder) {
  EXPECT_EQ(find_dataset("T", folder.path().string()).folder, folder.path());
  EXPECT_EQ(find_dataset(folder.path().filename().string(), folder.path().parent_path().string()).folder,
            folder.path());
  EXPECT_FALSE(find_dataset("T", (folder.path() / "raw").string()).folder);
  EXPECT_THROW(find_dataset("../T", folder.path().string()), UsageError);
}

TEST(NodeFeatures, RowsAreDividedByTheirSum) {
  Matrix features{3, 2, {1, 3, 0, 0, 2, 0}};
  EXPECT_TRUE(normalise_rows(features));
  EXPECT_EQ(features.values, (std::vector<double>{0.25, 0.75, 0, 0, 1, 0}));
  Matrix signed_features{1, 2, {2, -1}};
  EXPECT_FALSE(normalise_rows(signed_features));
  EXPECT_EQ(signed_features.values, (std::vector<double>{2, -1}));
}

TEST(NodeFeatures, RowsOfAnySizeHaveSumOne) {
  Matrix features{3, 2, {1e308, 1e308, 5e-324, 5e-324, 3e-310, 1e-310}};
  EXPECT_TRUE(normalise_rows(features));
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(features.values[k], 0.5);
  EXPECT_NEAR(features.values[4], 0.75, 1e-12);
}

TEST_F(OgbReader, RefusesFeaturesBeyondTheTypeTheyAreTakenIn) {
  write("raw/node-feat", "1,0\n0.5,-2\n0,-1e300\n3,1\n");
  expect_error("node-feat.csv.gz:3: expected numbers that float32 holds");
  EXPECT_EQ(read_ogb(folder.path(), "T", "public", warpgnn::Dtype::float64).features.values[5], -1e300);
  write("raw/node-feat", "1,0\n0.5,2\n0,1e300\n3,1\n");  // divided by the row's sum
  EXPECT_EQ(read_ogb(folder.path(), "T", "public", kFloat32).features.values[5], 1e300);
}

TEST(BlockGenerator, MakesFourClassesThatMostlyKeepToThemselves) {
  const NodeData data = generate_blocks(3);
  EXPECT_EQ(data.num_nodes(), 600);
  EXPECT_EQ(data.num_classes(), 4);
  EXPECT_EQ(data.split.train.size(), 80u);
  EXPECT_EQ(data.split.valid.size(), 120u);
  EXPECT_EQ(data.split.test.size(), 400u);
  std::set<std::int32_t> members;
  for (const auto* part : {&data.split.train, &data.split.valid, &data.split.test}) {
    members.insert(part->begin(), part->end());
  }
  EXPECT_EQ(members.size(), 600u);
  std::int64_t inside = 0;
  std::set<std::pair<std::int32_t, std::int32_t>> edges;
  for (std::size_t e = 0; e < data.source.size(); ++e) {
    edges.emplace(data.source[e], data.destination[e]);
    inside += data.source[e] % 4 == data.destination[e] % 4;
  }
  for (const auto& [from, to] : edges) EXPECT_TRUE(edges.contains({to, from}));
  EXPECT_NEAR(static_cast<double>(inside) / static_cast<double>(data.num_edges()), 0.75, 0.04);
  EXPECT_EQ(generate_blocks(3).source, data.source);
  EXPECT_NE(generate_blocks(4).source, data.source);
}

}  // namespace
}  // namespace train::nodes
