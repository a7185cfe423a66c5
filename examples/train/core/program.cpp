// SPDX-License-Identifier: MIT
#include "core/program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <iostream>

#include "core/command_line.hpp"
#include "core/epoch_log.hpp"
#include "core/errors.hpp"
#include "core/interrupt.hpp"
#include "core/memory.hpp"
#include "core/progress.hpp"
#include "core/report.hpp"
#include "core/run_files.hpp"
#include "core/trainer.hpp"

namespace train {

namespace {

constexpr const char* kProgram = "warpgnn-train";

/// A descriptor that the caller closed would be given to the next file, which would then get the program's messages.
/// Reads from what is opened in its place find the end, writes fail.
void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    [[maybe_unused]] const int opened = ::open("/dev/null", O_RDONLY);  // the lowest that is free: this one
  }
}

/// Throws DataError where standard output takes no more.
void expect_output() {
  errno = 0;
  if (!std::cout.flush()) {
    throw DataError(std::string("cannot write to standard output") + (errno != 0 ? ": " : "") +
                    (errno != 0 ? std::strerror(errno) : ""));
  }
}

/// Whether a training should stop before its end, saved: it is told to, or what it writes to takes no more.
bool should_stop(const EpochLog& log) {
  return interrupted() || !log.failure().empty() || !std::cout;
}

/// Says why a training was stopped and by which command it goes on; the exit status.
int report_stop(const EpochLog& log, const std::string& command) {
  const bool failed = !log.failure().empty() || !std::cout;
  const std::string why = !log.failure().empty() ? log.failure() : "cannot write to standard output";
  if (failed) throw DataError(why + "\nThe training is saved. To go on:\n  " + command);
  std::cout << "Interrupted. To go on:\n  " << command << std::endl;
  return kExitInterrupted;
}

void print_start(const Task& task, const warpgnn::Context& context) {
  std::cout << task.describe_data() << "\n"
            << task.describe_model() << "\n"
            << "On " << context.description() << ", " << name_in(kDtypes, task.training().dtype) << std::endl;
  expect_output();
}

void print_report(const Summary& summary, const Report& report) {
  std::cout << "\n" << result_table(summary) << "\n";
  if (!report.remark.empty()) std::cout << report.remark << "\n";
  std::cout << "Written:";
  for (const auto& file : report.files) std::cout << ' ' << file.string();
  std::cout << std::endl;
}

/// `program` is how the program was called; argv[0] is the task's word.
int run_task(const TaskEntry& entry, const std::string& program, int argc, char** argv) {
  const auto begin = std::chrono::steady_clock::now();
  const std::unique_ptr<Task> task = entry.make();
  const RunOptions options = parse_options(*task, argc, argv);
  if (!options.help.empty()) {
    std::cout << options.help;
    return 0;
  }
  expect_sound_targets(options);
  watch_interrupts();
  std::optional<TrainingState> resumed;
  if (!options.resume.empty()) {
    resumed = read_checkpoint(options.resume, *task);
    expect_kept_settings(*entry.make(), options, resumed->settings);
  }
  const auto load = [&] { naming_memory("the data set", 0, [&] { task->load(options); }); };
  resumed ? naming_file(options.resume, load) : load();
  const warpgnn::Context context = open_context(options.device, options.threads);
  print_start(*task, context);
  const RunFiles files(options);
  task->move_to(context);

  const RunRules rules = task->rules();
  EpochLog log =
      resumed ? EpochLog(options.log, log_lines(rules, resumed->results, resumed->present)) : EpochLog(options.log);
  ProgressDisplay progress(std::cout, rules, task->training().select, is_terminal(STDOUT_FILENO));
  const TrainerEvents events{
      .stop = [&] { return should_stop(log); },
      .epoch_done =
          [&](const RunResult& present) {
            log.write(log_line(rules, present, present.epochs.size() - 1));
            progress.epoch_done(present);
          },
      .run_done = [&](const Results& results) { progress.run_done(results); },
  };
  Trainer trainer(options, *task, events, std::move(resumed));
  const bool completed = trainer.train();
  progress.clear();
  if (!completed) {
    return report_stop(log, resume_command(options, shell_word(program) + " " + entry.name, checkpoint_path(options)));
  }
  const Summary summary{
      .task = *task,
      .results = trainer.results(),
      .device = context.description(),
      .threads = context.threads(),
      .parameters = trainer.num_parameters(),
      .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
  };
  print_report(summary, naming_memory("the report", 0, [&] { return write_report(options.out, summary); }));
  if (!log.failure().empty()) throw DataError(log.failure());
  return 0;
}

std::string help(std::span<const TaskEntry> tasks) {
  std::string text = "Trains graph networks, with or without attention, and shows what they look at.\n\nUsage: ";
  text += std::string(kProgram) + " TASK [OPTIONS]\n\nTasks:\n";
  for (const TaskEntry& entry : tasks) {
    const std::string name = entry.name, about = entry.make()->about();
    text += "  " + name + std::string(14 - name.size(), ' ') + about.substr(0, about.find('\n')) + "\n";
  }
  return text + "\n" + kProgram + " TASK --help lists the options of a task.\n";
}

int dispatch(std::span<const TaskEntry> tasks, int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h") {
    std::cout << help(tasks);
    return 0;
  }
  for (const TaskEntry& entry : tasks) {
    if (word == entry.name) return run_task(entry, argv[0], argc - 1, argv + 1);
  }
  std::string names;
  for (const TaskEntry& entry : tasks) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  const std::string found = word.empty() ? "none" : "\"" + word + "\"";
  throw UsageError("expected a task (" + names + "), found " + found + " (" + kProgram + " --help says more)");
}

}  // namespace

int run_program(std::span<const TaskEntry> tasks, int argc, char** argv) {
  const auto fail = [](const std::string& message, int status) {
    std::cerr << kProgram << ": " << message << "\n";
    return status;
  };
  try {
    open_standard_streams();
    const int status = dispatch(tasks, argc, argv);
    expect_output();
    return status;
  } catch (const std::bad_alloc&) {
    return fail("there is not enough memory left", kExitFailure);  // what may be large says itself what it is for
  } catch (const UsageError& error) {
    return fail(error.what(), kExitUsage);
  } catch (const std::exception& error) {
    return fail(error.what(), kExitFailure);
  }
}

warpgnn::Context open_context(DeviceChoice device, int threads) {
  switch (device) {
    case DeviceChoice::cpu: return warpgnn::Context::cpu(threads);
    case DeviceChoice::cuda: return warpgnn::Context::cuda();
    case DeviceChoice::automatic: break;
  }
  return warpgnn::Context::best(threads);
}

std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-+=./,:@%") == std::string::npos;
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace train
