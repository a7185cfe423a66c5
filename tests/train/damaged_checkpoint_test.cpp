// SPDX-License-Identifier: MIT
// Checkpoints that were edited or damaged: each is refused by an error that names the file, or goes on as a sound one.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/errors.hpp"
#include "core/report.hpp"
#include "small_tasks.hpp"
#include "tests/support/damaged_files.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train {
namespace {

using nlohmann::json;
using test::SmallTask;
using test::Words;
using test::operator+;

struct Edit {
  const char* document;
  const char* pointer;
  json value;
  const char* expected;  ///< part of the message
};

class DamagedCheckpoint : public testing::Test {
 protected:
  /// A checkpoint made after so many questions whether to stop.
  std::string checkpoint(const SmallTask& small, const Words& more, int questions) const {
    const std::string path = (folder.path() / "sound.safetensors").string();
    EXPECT_FALSE(test::train(small, more + Words{"--checkpoint", path, "--pictures", "2"}, questions).completed);
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Resumes as the program does, stops at once, and shows what is there. What it throws, or nothing.
  std::string resume(const SmallTask& small, const std::string& bytes) const {
    folder.write("damaged.safetensors", bytes);
    const Words words{"--resume", path(), "--checkpoint", (folder.path() / "next.safetensors").string()};
    try {
      const test::Outcome outcome = test::train(small, words, 0);
      if (!outcome.results.runs.empty()) show(outcome);
      return "";
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path())) << error.what();
      return error.what();
    }
  }

  void show(const test::Outcome& outcome) const {
    const Summary summary{.task = *outcome.task, .results = outcome.results, .device = "test"};
    EXPECT_FALSE(metrics_json(summary).dump().empty());
    EXPECT_FALSE(result_table(summary).empty());
    EXPECT_FALSE(make_page(summary, {}, {}).runs.empty());
  }

  void expect_refused(const SmallTask& small, const std::string& sound, const std::vector<Edit>& edits) const {
    ASSERT_EQ(resume(small, sound), "");
    for (const Edit& edit : edits) {
      json header = warpgnn::test::header_of(sound);
      json& text = header.at("__metadata__").at(edit.document);
      if (json document = json::parse(text.get<std::string>()); document.is_structured()) {
        document[json::json_pointer(edit.pointer)] = edit.value;
        text = document.dump();
      } else {
        text = edit.value.is_string() ? edit.value : json(edit.value.dump());
      }
      const std::string error = resume(small, warpgnn::test::with_header(sound, header));
      EXPECT_NE(error.find(edit.expected), std::string::npos)
          << edit.document << edit.pointer << " = " << edit.value << ": " << (error.empty() ? "accepted" : error);
    }
  }

  void expect_none_is_trusted(const SmallTask& small, const std::vector<std::string>& sound,
                              std::uint64_t cases) const {
    std::uint64_t refused = 0;
    for (std::uint64_t seed = 0; seed < cases; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      if (!resume(small, warpgnn::test::damaged(sound[seed % sound.size()], seed)).empty()) ++refused;
    }
    // Some damage is none: other bits of a weight, another seed or learning rate.
    EXPECT_GT(refused, cases / 2);
    EXPECT_LT(refused, cases);
  }

  std::string path() const { return (folder.path() / "damaged.safetensors").string(); }

  TemporaryFolder folder;
  const Words graphs{"--dataset", "ba2motifs", "--epochs",     "3", "--folds",  "3",
                     "--hidden",  "8",         "--batch-size", "6", "--select", "valid"};
  const Words nodes{"--dataset", "blocks", "--epochs", "2", "--repeats", "3", "--hidden", "4"};
};

TEST_F(DamagedCheckpoint, OfGraphsIsRefusedByName) {
  const std::string sound = checkpoint(test::graphs_task(), graphs + Words{"--model", "gat", "--gate", "sigmoid"}, 8);
  expect_refused(test::graphs_task(), sound,
                 {
                     {"settings", "/epochs", 0, "--epochs"},
                     {"settings", "/epochs", -1, "--epochs"},
                     {"settings", "/epochs", "3", "--epochs"},
                     {"settings", "/epochs", 1, "epochs: expected at most 1"},
                     {"settings", "/epochs", 300, "a finished training: expected 300 epochs, found 3"},
                     {"settings", "/evaluate-every", 2, "an epoch: expected no validation score"},
                     {"settings", "/batch-size", 0, "--batch-size"},
                     {"settings", "/repeats", 1'000'000'000'000'000'000, "--repeats"},
                     {"settings", "/repeats", -1, "--repeats"},
                     {"settings", "/folds", 0, "--folds"},
                     {"settings", "/folds", -1, "--folds"},
                     {"settings", "/folds", 1'000'000, "--folds"},
                     {"settings", "/heads", -1, "--heads"},
                     {"settings", "/heads", 0, "--heads"},
                     {"settings", "/heads", nullptr, "--heads"},
                     {"settings", "/hidden", {1'000'000'000}, "--hidden"},
                     {"settings", "/hidden", {65536, 65536}, "the file has"},
                     {"settings", "/hidden", json::array(), "--hidden"},
                     {"settings", "/hidden", {8, 16}, "shape"},
                     {"settings", "/layers", 3, "--layers"},
                     {"settings", "/lr", -1, "--lr"},
                     {"settings", "/lr", "nan", "--lr"},
                     {"settings", "/model", "cnn", "--model"},
                     {"settings", "/model", "gcn", "--heads"},
                     {"settings", "/select", "last", "an epoch: expected no validation score"},
                     {"settings", "/dataset", "../secret", "--dataset"},
                     {"settings", "/log", "x", "settings: there is none called \"log\""},
                     {"settings", "", 3, "settings: expected an object"},
                     {"results", "/runs/0/epochs", json::array(), "a finished training: expected 3 epochs, found 0"},
                     {"results", "/runs/0/epochs/1/0/0", nullptr, "loss"},
                     {"results", "/runs/0/epochs/1/0/1", 1.5, "accuracy"},
                     {"results", "/runs/0/epochs/1/2", json::array(), "a score"},
                     {"results", "/runs/0/epochs/1/2", nullptr, "an epoch: expected a test score"},
                     {"results", "/runs/0/fold", 1, "fold"},
                     {"results", "/runs/0/findings", {{"motif_attention_auc", 7}}, "motif_attention_auc"},
                     {"results", "/runs/0/findings", {{"luck", 0.5}}, "there is none called \"luck\""},
                     {"results", "/runs/0/findings", 3, "findings: expected an object"},
                     {"results", "/runs", json(3, nullptr), "runs: expected fewer"},
                     {"results", "/seen", 3, "seen"},
                     {"results", "/seen/0", 3, "graph"},
                     {"results", "/seen/0/graph", 1'000'000, "there are 30 graphs"},
                     {"results", "/seen/0/graph", -1, "graph"},
                     {"results", "/seen/0/graph", 1.5, "graph"},
                     {"results", "/seen/0/label", 7, "label"},
                     {"results", "/seen/0/predicted", 2, "predicted class"},
                     {"results", "/seen/0/probability", nullptr, "probability"},
                     {"results", "/seen/0/node_weight", json::array(), "expected 25 weights of nodes, found 0"},
                     {"results", "/seen/0/edge_weight", {1, 2}, "weights of edges, found 2"},
                     {"present", "/fold", 2, "fold"},
                     {"present", "/findings", {{"motif_attention_auc", 0.5}}, "findings: expected none"},
                     {"step", "", -1, "step"},
                     {"step", "", 2, "step: expected at most"},
                     {"dropout_state", "", "all", "dropout_state"},
                 });
}

TEST_F(DamagedCheckpoint, OfNodesIsRefusedByName) {
  const std::string sound =
      checkpoint(test::nodes_task(), nodes + Words{"--model", "gat", "--heads", "2", "--patience", "0"}, 3);
  expect_refused(test::nodes_task(), sound,
                 {
                     {"settings", "/epochs", 3, "a finished training: expected 3 epochs, found 2"},
                     {"settings", "/repeats", 0, "--repeats"},
                     {"settings", "/repeats", 1, "runs: expected fewer"},
                     {"settings", "/heads", -1, "--heads"},
                     {"settings", "/heads", 1024, "the file has"},
                     {"settings", "/hidden", 1'000'000'000, "--hidden"},
                     {"settings", "/hidden", 65536, "the file has"},
                     {"settings", "/hidden", 5, "shape"},
                     {"settings", "/model", "gcn", "--heads"},
                     {"settings", "/split", "public", "--split"},
                     {"settings", "/dataset", "a/b", "--dataset"},
                     {"results", "/runs/0/epochs/0/1", nullptr, "an epoch: expected a validation score"},
                     {"results", "/seen/0/nodes", json::array(), "a neighbourhood of 0 is not drawn"},
                     {"results", "/seen/0/weight", json::array(), "expected one weight for each node"},
                     {"results", "/seen/0/nodes/1", 600, "there is no node 600"},
                     {"results", "/seen/0/nodes/1", -1, "nodes"},
                     {"results", "/seen/0/predicted", 4, "predicted class"},
                     {"present", "", json(3, nullptr), "repeat"},
                     {"dropout_state", "", -3, "dropout_state"},
                 });
}

TEST_F(DamagedCheckpoint, PicturesAreThoseThatAreAskedFor) {
  const std::string sound = checkpoint(test::graphs_task(), graphs, 8);
  json header = warpgnn::test::header_of(sound);
  json results = json::parse(header.at("__metadata__").at("results").get<std::string>());
  ASSERT_EQ(results.at("seen").size(), 2u);
  const auto with_seen = [&](const json& seen) {
    results["seen"] = seen;
    header["__metadata__"]["results"] = results.dump();
    return resume(test::graphs_task(), warpgnn::test::with_header(sound, header));
  };
  const json two = results["seen"];
  EXPECT_NE(with_seen({two[0], two[1], two[0]}).find("stands there twice"), std::string::npos);
  EXPECT_NE(with_seen(json(1001, two[0])).find("at most 1000"), std::string::npos);
}

TEST_F(DamagedCheckpoint, TensorsAreFinite) {
  std::string bytes = checkpoint(test::graphs_task(), graphs, 8);
  const json header = warpgnn::test::header_of(bytes);
  const std::size_t data = bytes.size() - [&] {
    std::size_t end = 0;
    for (const auto& [name, tensor] : header.items()) {
      if (tensor.contains("data_offsets")) end = std::max(end, tensor["data_offsets"][1].get<std::size_t>());
    }
    return end;
  }();
  const auto at = data + header.at("conv0.weight").at("data_offsets").at(0).get<std::size_t>();
  for (std::size_t byte = 0; byte < 4; ++byte) bytes[at + byte] = '\xFF';
  EXPECT_NE(resume(test::graphs_task(), bytes).find("conv0.weight has values that are not finite"), std::string::npos);
}

TEST_F(DamagedCheckpoint, OfGraphsIsNeverTrusted) {
  const SmallTask& task = test::graphs_task();
  expect_none_is_trusted(
      task,
      {checkpoint(task, graphs, 2),
       checkpoint(task, graphs + Words{"--model", "gat", "--gate", "sigmoid", "--patience", "2"}, 9),
       checkpoint(task, graphs + Words{"--model", "gin", "--dtype", "float64", "--repeats", "2"}, 26)},
      3000);
}

TEST_F(DamagedCheckpoint, OfNodesIsNeverTrusted) {
  const SmallTask& task = test::nodes_task();
  expect_none_is_trusted(task,
                         {checkpoint(task, nodes, 3),
                          checkpoint(task, nodes + Words{"--model", "gat", "--heads", "2", "--patience", "2"}, 4)},
                         2000);
}

}  // namespace
}  // namespace train
