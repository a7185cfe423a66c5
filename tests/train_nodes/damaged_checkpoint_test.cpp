// SPDX-License-Identifier: MIT
// Checkpoints that were edited or damaged: each is refused by an error that names the file, or goes on as a sound one.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/errors.hpp"
#include "tests/support/damaged_files.hpp"
#include "tests/support/temporary_folder.hpp"
#include "train_nodes/block_generator.hpp"
#include "train_nodes/neighbourhoods.hpp"
#include "train_nodes/page.hpp"
#include "train_nodes/trainer.hpp"

namespace examples::train_nodes {
namespace {

using nlohmann::json;

class DamagedNodeCheckpoint : public testing::Test {
 protected:
  DamagedNodeCheckpoint() : data(generate_blocks(5)) {}

  static Options options(std::vector<const char*> more) {
    std::vector<const char*> words{"train_nodes", "--dataset", "blocks", "--epochs",   "2", "--repeats",
                                   "3",           "--hidden",  "4",      "--pictures", "2"};
    words.insert(words.end(), more.begin(), more.end());
    return parse_options(static_cast<int>(words.size()), words.data());
  }

  DeviceGraph on_device(const Settings& settings) const {
    return {warpgnn::Context::cpu(1), settings.dtype, data, data.features};
  }

  /// A checkpoint made after so many questions whether to stop.
  std::string checkpoint(Options given, int questions) const {
    given.checkpoint = (folder.path() / "sound.safetensors").string();
    const DeviceGraph graph = on_device(given.settings);
    Trainer trainer(given, data, graph, {.stop = [&] { return --questions < 0; }, .epoch_done = {}, .run_done = {}},
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
      const DeviceGraph graph = on_device(given.settings);
      Trainer trainer(given, data, graph, {.stop = [] { return true; }, .epoch_done = {}, .run_done = {}},
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
    const Summary summary{.settings = settings, .data = data, .results = results, .device = "test"};
    EXPECT_FALSE(metrics_json(summary).dump().empty());
    EXPECT_FALSE(result_table(summary).empty());
    EXPECT_FALSE(make_page(summary, {}, {}).runs.empty());
    for (const Neighbourhood& item : results.neighbourhoods) make_picture(data, item, settings.model);
  }

  std::string path() const { return (folder.path() / "damaged.safetensors").string(); }

  TemporaryFolder folder;
  NodeData data;
};

struct Edit {
  const char* document;
  const char* pointer;
  json value;
  const char* expected;  ///< part of the message
};

TEST_F(DamagedNodeCheckpoint, EditsAreRefusedByName) {
  const std::string sound = checkpoint(options({"--model", "gat", "--heads", "2", "--patience", "0"}), 3);
  ASSERT_EQ(resume(sound), "");
  const std::vector<Edit> edits{
      {"settings", "/epochs", 0, "--epochs"},
      {"settings", "/epochs", -1, "--epochs"},
      {"settings", "/epochs", 1, "epochs: expected at most 1"},
      {"settings", "/epochs", 3, "a finished training: expected 3 epochs, found 2"},
      {"settings", "/repeats", 1'000'000'000'000'000'000, "--repeats"},
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
      {"results", "/runs/0", json::array(), "a finished training: expected 2 epochs, found 0"},
      {"results", "/runs/0/0/1", nullptr, "an epoch: expected a validation score"},
      {"results", "/runs/0/0/0/0", nullptr, "loss"},
      {"results", "/neighbourhoods/0/nodes", json::array(), "a neighbourhood of 0 is not drawn"},
      {"results", "/neighbourhoods/0/weight", json::array(), "expected one weight for each node"},
      {"results", "/neighbourhoods/0/nodes/1", 600, "there is no node 600"},
      {"results", "/neighbourhoods/0/nodes/1", -1, "nodes"},
      {"results", "/neighbourhoods/0/predicted", 4, "predicted class"},
      {"present", "", json(3, nullptr), "an epoch"},
      {"dropout_state", "", -3, "dropout_state"},
  };
  for (const Edit& edit : edits) {
    json header = warpgnn::test::header_of(sound);
    json& text = header.at("__metadata__").at(edit.document);
    if (json document = json::parse(text.get<std::string>()); document.is_structured()) {
      document[json::json_pointer(edit.pointer)] = edit.value;
      text = document.dump();
    } else {
      text = edit.value.dump();
    }
    const std::string error = resume(warpgnn::test::with_header(sound, header));
    EXPECT_NE(error.find(edit.expected), std::string::npos)
        << edit.document << edit.pointer << " = " << edit.value << ": " << (error.empty() ? "accepted" : error);
  }
}

TEST_F(DamagedNodeCheckpoint, NoneOfThousandsIsTrusted) {
  const std::vector<std::string> sound{checkpoint(options({}), 3),
                                       checkpoint(options({"--model", "gat", "--heads", "2", "--patience", "2"}), 4)};
  constexpr std::uint64_t kCases = 2000;
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
}  // namespace examples::train_nodes
