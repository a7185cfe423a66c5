// SPDX-License-Identifier: MIT
#include "core/command_line.hpp"

#include <memory>
#include <vector>

#include "core/errors.hpp"
#include "core/option_checks.hpp"

namespace train {

using nlohmann::json;

namespace {

/// Help with the default behind each description in place of CLI11's type and range list.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string standard = option->get_default_str();
    return option->get_description() + (standard.empty() ? "" : " [" + standard + "]");
  }
};

/// What is no setting: one can do otherwise on the next machine, and go on.
void add_run_options(CLI::App& app, RunOptions& options, const std::string& pictured) {
  const auto add = [&](const std::string& name, auto& target, const std::string& help, const char* type,
                       const char* group) { return app.add_option(name, target, help)->type_name(type)->group(group); };
  add("--data", options.data,
      "the folder of the data set, or one with a folder of its name; else $WARPGNN_DATA, examples/data, ../shared/data "
      "and ~/.cache/warpgnn are searched",
      "DIR", "Data")
      ->check(not_empty());
  const auto read_device = [&](const std::string& word) { options.device = *find_in(kDevices, word); };
  app.add_option_function<std::string>("--device", read_device, "where to compute: auto, cpu or cuda")
      ->check(one_of({"auto", "cpu", "cuda"}))
      ->type_name("WORD")
      ->default_str("auto")
      ->group("Machine");
  add("--threads", options.threads,
      "CPU threads; more than one pays off for large graphs and batches only; 0 takes all", "N", "Machine")
      ->check(whole_number(0, 4096))
      ->capture_default_str();
  add("--out", options.out, "folder for metrics, curves, pictures and the page", "DIR", "Output")
      ->check(not_empty())
      ->capture_default_str();
  add("--pictures", options.pictures, "how many " + pictured + " to draw", "N", "Output")
      ->check(whole_number(0, kMostPictures))
      ->capture_default_str();
  add("--log", options.log, "JSON lines, one record per epoch", "FILE", "Output")->check(not_empty());
  add("--checkpoint", options.checkpoint, "safetensors file to write while training", "FILE", "Output")
      ->check(not_empty());
  add("--checkpoint-every", options.checkpoint_every, "epochs between two checkpoints of a training", "N", "Output")
      ->check(whole_number(1, kMaxCount))
      ->capture_default_str();
  add("--resume", options.resume, "go on from a checkpoint, with its settings", "FILE", "Output")->check(not_empty());
}

void refuse_useless_data(const RunOptions& options, const Task& task) {
  if (options.was_given("data") && task.is_generated()) {
    throw UsageError("--data is of no use: the data set is generated");
  }
}

void refuse_useless_run_options(const RunOptions& options) {
  if (options.was_given("checkpoint-every") && options.checkpoint.empty()) {
    throw UsageError("--checkpoint-every needs --checkpoint");
  }
  if (options.was_given("threads") && options.device == DeviceChoice::cuda) {
    throw UsageError("--threads is for the CPU, not for --device cuda");
  }
}

GivenOptions given_in(const CLI::App& app) {
  GivenOptions given;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    std::string words;
    for (const std::string& word : option->results()) words += (words.empty() ? "" : ",") + word;
    given[option->get_name().substr(2)] = words;
  }
  return given;
}

void read_settings(Task& task, const GivenOptions& given) {
  read_options(given, task.fields());
  task.take_defaults();
  read_options(given, task.fields());
  task.settle();
  const TrainingSettings& training = task.training();
  if (training.patience > 0 && !task.has_valid()) {
    throw UsageError("--patience waits for a better validation: it needs data for it, as with --select valid");
  }
  refuse_useless(given, task.fields());
}

std::string word_of(const json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  if (!value.is_array()) throw DataError("--" + name + ": expected a word, a number or a list of numbers");
  std::string words;
  for (const json& number : value) {
    if (!number.is_number()) throw DataError("--" + name + ": expected a list of numbers");
    words += (words.empty() ? "" : ",") + number.dump();
  }
  return words;
}

/// The command line that makes settings; null is an option that was not given. What `given` says stands in place of
/// what is stored. So what is read from a file passes the checks of a command line.
std::vector<std::string> words_of(const json& stored, const GivenOptions& given) {
  if (!stored.is_object()) throw DataError("settings: expected an object");
  std::vector<std::string> words;
  for (const auto& [name, value] : stored.items()) {
    const auto found = given.find(name);
    if (found != given.end()) {
      words.push_back("--" + name + "=" + found->second);
    } else if (!value.is_null()) {
      words.push_back("--" + name + "=" + word_of(value, name));
    }
  }
  return words;
}

void parse_words(Task& task, const std::vector<std::string>& words) {
  const std::string program = task.name();
  std::vector<const char*> argv{program.c_str()};
  for (const std::string& word : words) argv.push_back(word.c_str());
  parse_options(task, static_cast<int>(argv.size()), argv.data());
}

/// Settings from a file must be those that their words made.
void expect_same_settings(const json& made, const json& stored) {
  for (const auto& [name, value] : stored.items()) {
    if (!made.contains(name)) throw DataError("settings: there is none called \"" + name + '"');
  }
  for (const auto& [name, value] : made.items()) {
    if (!stored.contains(name)) throw DataError("settings: --" + name + " is missing");
    if (stored.at(name) != value) throw DataError("settings: --" + name + " is not of the right kind");
  }
}

}  // namespace

RunOptions parse_options(Task& task, int argc, const char* const* argv) {
  RunOptions options;
  CLI::App app(task.about(), "warpgnn-train " + task.name());
  app.formatter(std::make_shared<HelpFormatter>());
  declare_options(app, task.fields());
  add_run_options(app, options, task.pictured());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.help = app.help();
    return options;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + " (" + app.get_name() + " --help lists the options)");
  }
  options.given = given_in(app);
  refuse_useless_run_options(options);
  if (!options.resume.empty()) return options;
  read_settings(task, options.given);
  refuse_useless_data(options, task);
  return options;
}

void take_settings(Task& task, const json& stored) {
  parse_words(task, words_of(stored, {}));
  expect_same_settings(to_json(task.fields()), stored);
}

void expect_kept_settings(Task& other, const RunOptions& options, const json& stored) {
  GivenOptions settings;
  for (const Field& field : other.fields()) {
    const auto found = options.given.find(field.name);
    if (found != options.given.end()) settings.insert(*found);
  }
  parse_words(other, words_of(stored, settings));
  const json wanted = to_json(other.fields());
  for (const auto& [name, value] : stored.items()) {
    if (wanted.at(name) == value) continue;
    throw UsageError("--" + name + " " + wanted.at(name).dump() + " differs from the checkpoint's " + value.dump() +
                     "; a resumed run keeps its settings");
  }
  refuse_useless(options.given, other.fields());
  refuse_useless_data(options, other);
}

}  // namespace train
