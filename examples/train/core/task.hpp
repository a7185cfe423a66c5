// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/results.hpp"
#include "core/run_options.hpp"
#include "core/training.hpp"
#include "draw/gallery.hpp"

namespace train {

/// What can be trained: its settings, its data, its model, and how results are shown. The core reads the settings,
/// drives the trainings, and writes checkpoints, logs and reports.
class Task {
 public:
  virtual ~Task() = default;

  // Settings. They decide all numbers that a training computes.

  /// One word, behind the program's name.
  virtual std::string name() const = 0;
  /// One or two lines for help: what is trained, and with what data and model by default.
  virtual std::string about() const = 0;
  /// Those of the task alone, and what it says of those that all have.
  virtual Fields own_fields() = 0;
  virtual TrainingWords training_words() const { return {}; }
  /// All of them.
  Fields fields();
  /// Gives settings the defaults that hang on others, of which those that were given are known.
  virtual void take_defaults() {}
  /// Fills in what is left open. Throws UsageError for what does not fit together.
  virtual void settle() {}
  const TrainingSettings& training() const { return training_; }
  virtual std::int64_t folds() const { return 1; }  ///< trainings of one repeat
  virtual bool has_valid() const { return true; }   ///< whether there are items for validation
  virtual Metrics metrics() const = 0;              ///< one or more, the one that decides first
  virtual std::vector<Finding> findings() const { return {}; }
  RunRules rules() const;

  // Data.

  /// Whether the data are made by the program, and --data has no use.
  virtual bool is_generated() const { return false; }
  /// Reads or generates the data. Throws DataError.
  virtual void load(const RunOptions& options) = 0;
  /// "MUTAG: 188 graphs, ..." in one line.
  virtual std::string describe_data() const = 0;
  /// Name, counts and a hash, to notice a resume on other data.
  virtual std::string fingerprint() const = 0;
  /// Brings the data to the device on which trainings will run.
  virtual void move_to(const warpgnn::Context& context) = 0;

  // Trainings.

  /// What a training takes, for messages where there is no room for it, and its layers' widths from features to
  /// answers.
  virtual std::string describe_size() const = 0;
  virtual std::vector<std::int64_t> widths() const = 0;
  /// Bytes beside weights, their gradients and moments, as far as they are known.
  virtual double more_bytes() const { return 0; }
  virtual std::unique_ptr<Training> begin(std::int64_t repeat, std::int64_t fold) = 0;

  // What is shown.

  /// "gat on cora"
  virtual std::string title() const = 0;
  /// The model and what it reads, in one line.
  virtual std::string describe_model() const = 0;
  /// Counts of the data, for metrics.json.
  virtual nlohmann::json facts() const = 0;
  /// Names and values of settings and data, for the page; the core adds those of the training.
  virtual std::vector<std::pair<std::string, std::string>> describe() const = 0;
  /// What --pictures counts.
  virtual std::string pictured() const = 0;
  /// Looks at what a finished training, one of begin's, attends to, in the epoch that counts: up to `count` items,
  /// which draw understands. Sets findings.
  virtual nlohmann::json look(Training& training, std::int64_t count, std::map<std::string, double>& findings) = 0;
  /// Throws DataError unless items from a file are such as look makes of this data with these settings.
  virtual void expect_seen(const nlohmann::json& seen) const = 0;
  /// Draws items into a folder.
  virtual Gallery draw(const nlohmann::json& seen, const std::filesystem::path& folder) const = 0;
  /// Stands above the pictures.
  virtual std::string how_to_read() const = 0;

 protected:
  TrainingSettings training_;
};

/// A word and the task that it makes.
struct TaskEntry {
  const char* name;
  std::unique_ptr<Task> (*make)();
};

}  // namespace train
