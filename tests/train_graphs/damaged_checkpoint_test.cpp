// SPDX-License-Identifier: MIT
// Checkpoints that were edited or damaged: each is refused by an error that names the file, or goes on as a sound one.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "common/errors.hpp"
#include "tests/support/damaged_files.hpp"
#include "tests/support/temporary_folder.hpp"
#include "train_graphs/features.hpp"
#include "train_graphs/graph_picture.hpp"
#include "train_graphs/motif_generator.hpp"
#include "train_graphs/page.hpp"
#include "train_graphs/trainer.hpp"

namespace examples::train_graphs {
namespace {

using nlohmann::json;

class DamagedCheckpoint : public testing::Test {
 protected:
  DamagedCheckpoint() : dataset(generate_ba2motifs(4, 30)), features(make_features(dataset)) {}

  static Options options(std::vector<const char*> more) {
    std::vector<const char*> words{
        "train_graphs", "--dataset", "ba2motifs", "--epochs", "3",          "--folds", "3", "--hidden", "8",
        "--batch-size", "6",         "--select",  "valid",    "--pictures", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return parse_options(static_cast<int>(words.size()), words.data());
  }

  DeviceData on_device(const Settings& settings) const {
    return {warpgnn::Context::cpu(1), settings.dtype, dataset, features, needs_of(settings.model)};
  }

  /// A checkpoint made after so many questions whether to stop.
  std::string checkpoint(Options given, int questions) const {
    given.checkpoint = (folder.path() / "sound.safetensors").string();
    const DeviceData data = on_device(given.settings);
    Trainer trainer(given, dataset, data, {.stop = [&] { return --questions < 0; }, .epoch_done = {}, .run_done = {}},
                    std::nullopt);
    EXPECT_FALSE(trainer.train());
    std::ifstream file(given.checkpoint, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Resumes as the program does, stops at once, and draws what is there. What it throws, or nothing.
  std::string resume(const std::string& bytes) const {
    folder.write("damaged.safetensors", bytes);
    Options given;
    given.resume = path();
    given.checkpoint = (folder.path() / "next.safetensors").string();
    try {
      std::optional<TrainingState> state = read_checkpoint(given.resume);
      adopt_settings(given, state->settings);
      const DeviceData data = on_device(given.settings);
      Trainer trainer(given, dataset, data, {.stop = [] { return true; }, .epoch_done = {}, .run_done = {}},
                      std::move(state));
      trainer.train();
      draw(given.settings, trainer.results());
      return "";
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path())) << error.what();
      return error.what();
    }
  }

  void draw(const Settings& settings, const Results& results) const {
    if (results.runs.empty()) return;
    const Summary summary{
        .settings = settings, .dataset = dataset, .features = features, .results = results, .device = "test"};
    EXPECT_FALSE(metrics_json(summary).dump().empty());
    EXPECT_FALSE(result_table(summary).empty());
    EXPECT_FALSE(make_page(summary, {}, {}).runs.empty());
    for (const Explanation& explanation : results.explanations) make_picture(dataset, explanation);
  }

  std::string path() const { return (folder.path() / "damaged.safetensors").string(); }

  TemporaryFolder folder;
  Dataset dataset;
  Features features;
};

struct Edit {
  const char* document;
  const char* pointer;
  json value;
  const char* expected;  ///< part of the message
};

TEST_F(DamagedCheckpoint, EditsAreRefusedByName) {
  const std::string sound = checkpoint(options({"--model", "gat", "--gate", "sigmoid"}), 8);
  ASSERT_EQ(resume(sound), "");
  const std::vector<Edit> edits{
      {"settings", "/epochs", 0, "--epochs"},
      {"settings", "/epochs", -1, "--epochs"},
      {"settings", "/epochs", "3", "--epochs"},
      {"settings", "/epochs", 1, "epochs: expected at most 1"},
      {"settings", "/epochs", 300, "a finished training: expected 300 epochs, found 3"},
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
      {"results", "/runs/0/fold", 1, "fold"},
      {"results", "/runs/0/motif_auc", 7, "motif_auc"},
      {"results", "/runs", json(3, nullptr), "runs: expected fewer"},
      {"results", "/explanations/0/graph", 1'000'000, "there are 30 graphs"},
      {"results", "/explanations/0/graph", -1, "graph"},
      {"results", "/explanations/0/graph", 1.5, "graph"},
      {"results", "/explanations/0/label", 7, "label"},
      {"results", "/explanations/0/predicted", 2, "predicted class"},
      {"results", "/explanations/0/probability", nullptr, "probability"},
      {"results", "/explanations/0/node_weight", json::array(), "expected 25 weights of nodes, found 0"},
      {"results", "/explanations/0/edge_weight", {1, 2}, "weights of edges, found 2"},
      {"present", "/fold", 2, "fold"},
      {"present", "/motif_auc", 0.5, "motif_auc"},
      {"step", "", -1, "step"},
      {"step", "", 2, "step: expected at most"},
      {"dropout_state", "", "all", "dropout_state"},
  };
  for (const Edit& edit : edits) {
    json header = warpgnn::test::header_of(sound);
    json& text = header.at("__metadata__").at(edit.document);
    if (json document = json::parse(text.get<std::string>()); document.is_structured()) {
      document[json::json_pointer(edit.pointer)] = edit.value;
      text = document.dump();
    } else {
      text = edit.value.is_string() ? edit.value : json(edit.value.dump());
    }
    const std::string error = resume(warpgnn::test::with_header(sound, header));
    EXPECT_NE(error.find(edit.expected), std::string::npos)
        << edit.document << edit.pointer << " = " << edit.value << ": " << (error.empty() ? "accepted" : error);
  }
}

TEST_F(DamagedCheckpoint, PicturesAreThoseThatAreAskedFor) {
  const std::string sound = checkpoint(options({}), 8);
  json header = warpgnn::test::header_of(sound);
  json results = json::parse(header.at("__metadata__").at("results").get<std::string>());
  ASSERT_EQ(results.at("explanations").size(), 2u);
  results["explanations"].push_back(results["explanations"][0]);
  header["__metadata__"]["results"] = results.dump();
  EXPECT_NE(resume(warpgnn::test::with_header(sound, header)).find("stands there twice"), std::string::npos);
  results["explanations"] = json(1001, results["explanations"][0]);
  header["__metadata__"]["results"] = results.dump();
  EXPECT_NE(resume(warpgnn::test::with_header(sound, header)).find("at most 1000"), std::string::npos);
}

TEST_F(DamagedCheckpoint, TensorsAreFinite) {
  std::string bytes = checkpoint(options({}), 8);
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
  EXPECT_NE(resume(bytes).find("conv0.weight has values that are not finite"), std::string::npos);
}

TEST_F(DamagedCheckpoint, NoneOfThousandsIsTrusted) {
  const std::vector<std::string> sound{
      checkpoint(options({}), 2), checkpoint(options({"--model", "gat", "--gate", "sigmoid", "--patience", "2"}), 9),
      checkpoint(options({"--model", "gin", "--dtype", "float64", "--repeats", "2"}), 26)};
  constexpr std::uint64_t kCases = 3000;
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    if (!resume(warpgnn::test::damaged(sound[seed % sound.size()], seed)).empty()) ++refused;
  }
  // Some damage is none: other bits of a weight, another seed or learning rate.
  EXPECT_GT(refused, kCases / 2);
  EXPECT_LT(refused, kCases);
}

}  // namespace
}  // namespace examples::train_graphs
