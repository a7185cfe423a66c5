// SPDX-License-Identifier: MIT
#include "common/command_line.hpp"

#include <limits>
#include <memory>

namespace examples {

namespace {

/// What was given, but has no use with the rest.
void refuse_unused(const RunOptions& options) {
  if (options.was_given("checkpoint-every") && options.checkpoint.empty()) {
    throw UsageError("--checkpoint-every needs --checkpoint");
  }
  if (options.was_given("threads") && options.device == DeviceChoice::cuda) {
    throw UsageError("--threads is for the CPU, not for --device cuda");
  }
}

}  // namespace

CLI::Validator not_empty() {
  const auto check = [](const std::string& word) -> std::string {
    return word.empty() ? "expected a file or folder, found nothing" : "";
  };
  return CLI::Validator(check, "");
}

CLI::Validator plain_name() {
  const auto check = [](const std::string& word) -> std::string {
    return is_plain_name(word) ? "" : "expected a name, found \"" + word + "\"; --data takes the folder";
  };
  return CLI::Validator(check, "");
}

void add_seed(CLI::App& app, std::uint64_t& seed, const std::string& of) {
  app.add_option("--seed", seed, of)
      ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()))
      ->type_name("N")
      ->capture_default_str()
      ->group("Training");
}

void add_machine_options(CLI::App& app, RunOptions& options, warpgnn::Dtype& dtype) {
  add_choice(app, "--device", kDevices, options.device, "where to compute")->default_str("auto")->group("Machine");
  app.add_option("--threads", options.threads,
                 "CPU threads; more than one pays off for large graphs and batches only; 0 takes all")
      ->check(whole_number(0, 4096))
      ->type_name("N")
      ->capture_default_str()
      ->group("Machine");
  add_choice(app, "--dtype", kDtypes, dtype, "precision")->default_str("float32")->group("Machine");
}

void add_output_options(CLI::App& app, RunOptions& options, const std::string& pictured) {
  const auto add = [&](const std::string& name, auto& target, const std::string& help, const char* type) {
    return app.add_option(name, target, help)->type_name(type)->group("Output");
  };
  add("--out", options.out, "folder for metrics, curves, pictures and the page", "DIR")
      ->check(not_empty())
      ->capture_default_str();
  add("--pictures", options.pictures, "how many " + pictured + " to draw", "N")
      ->check(whole_number(0, kMostPictures))
      ->capture_default_str();
  add("--log", options.log, "JSON lines, one record per epoch", "FILE")->check(not_empty());
  add("--checkpoint", options.checkpoint, "safetensors file to write while training", "FILE")->check(not_empty());
  add("--checkpoint-every", options.checkpoint_every, "epochs between two checkpoints of a training", "N")
      ->check(whole_number(1))
      ->capture_default_str();
  add("--resume", options.resume, "go on from a checkpoint, with its settings", "FILE")->check(not_empty());
}

bool parse_command_line(CLI::App& app, int argc, const char* const* argv, RunOptions& options) {
  app.formatter(std::make_shared<HelpFormatter>());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    options.help = app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + " (" + app.get_name() + " --help lists the options)");
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    std::string words;
    for (const std::string& word : option->results()) words += (words.empty() ? "" : ",") + word;
    options.given[option->get_name().substr(2)] = words;
  }
  refuse_unused(options);
  return true;
}

}  // namespace examples
