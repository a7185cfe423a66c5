// SPDX-License-Identifier: MIT
// The program as a user runs it: signals, closed pipes, full devices, killed and resumed runs.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/shell.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train {
namespace {

using nlohmann::json;
using warpgnn::test::Outcome;
using warpgnn::test::shell;

/// A task and a training of a second or so.
struct TaskRun {
  const char* name;
  const char* training;
  const char* metric = "accuracy";
  const char* narrow = "--hidden 8";  ///< in the training
};

class Program : public testing::TestWithParam<TaskRun> {
 protected:
  std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  std::string program() const { return std::string(WARPGNN_TRAIN) + " " + GetParam().name; }
  std::string training(const std::string& name) const {
    return program() + " " + GetParam().training + " --seed 5 --pictures 0 --out " + at(name);
  }

  /// Starts `command` in the background, waits until its log has some epochs, and goes on with `then`, for which $pid
  /// is the program and $? in the end its status.
  static Outcome interrupted(const std::string& command, const std::string& log, const std::string& then) {
    const std::string wait_for_epochs =
        "for i in {1..1500}; do [ $(cat " + log + " 2>/dev/null | wc -l) -ge 12 ] && break; sleep 0.01; done; ";
    // Without job control a shell would have what runs in the background ignore SIGINT.
    return shell("set -m; " + command + " & pid=$!; " + wait_for_epochs + then + "; wait $pid");
  }

  static std::vector<json> lines_of(const std::string& log) {
    std::vector<json> lines;
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);) {
      lines.push_back(json::parse(line));
      lines.back().erase("milliseconds");
    }
    return lines;
  }

  json accuracies(const std::string& name) const {
    return json::parse(std::ifstream(at(name) + "/metrics.json")).at(metric());
  }

  static std::string metric() { return std::string("test_") + GetParam().metric; }

  TemporaryFolder folder;
};

TEST_P(Program, AnyEndBySignalIsSavedAndGoesOn) {
  ASSERT_EQ(shell(training("whole") + " --log " + at("whole.jsonl")).status, 0);
  for (const std::string signal : {"TERM", "HUP", "INT"}) {
    SCOPED_TRACE(signal);
    const std::string log = at(signal + ".jsonl"), saved = at(signal) + "/checkpoint.safetensors";
    const std::string command = training(signal) + " --log " + log;
    const Outcome stopped = interrupted(command, log, "kill -" + signal + " $pid");
    EXPECT_EQ(stopped.status, 130) << stopped.text;
    ASSERT_TRUE(fs::exists(saved));
    const Outcome rest =
        shell(program() + " --resume " + saved + " --pictures 0 --out " + at(signal) + " --log " + log);
    EXPECT_EQ(rest.status, 0) << rest.text;
    EXPECT_EQ(accuracies(signal), accuracies("whole"));
    EXPECT_EQ(lines_of(log), lines_of(at("whole.jsonl")));
  }
}

TEST_P(Program, WhatIsToldToIgnoreHangupDoes) {
  const std::string log = at("log.jsonl");
  const Outcome outcome = interrupted("trap \"\" HUP; " + training("out") + " --log " + log, log, "kill -HUP $pid");
  EXPECT_EQ(outcome.status, 0) << outcome.text;
}

TEST_P(Program, AKilledRunGoesOnToALogWithEachEpochOnce) {
  ASSERT_EQ(shell(training("whole") + " --log " + at("whole.jsonl")).status, 0);
  const std::string log = at("log.jsonl"), checkpoint = at("run.safetensors");
  const std::string files = " --log " + log + " --checkpoint " + checkpoint;
  EXPECT_EQ(interrupted(training("out") + files + " --checkpoint-every 5", log, "kill -KILL $pid").status, 137);
  std::ofstream(log, std::ios::app) << "{\"repeat\":1,\"torn";
  const Outcome rest = shell(program() + " --resume " + checkpoint + " --pictures 0 --out " + at("out") + files);
  EXPECT_EQ(rest.status, 0) << rest.text;
  EXPECT_EQ(lines_of(log), lines_of(at("whole.jsonl")));
  EXPECT_EQ(accuracies("out"), accuracies("whole"));

  folder.write("whole.jsonl", "{\"repeat\":1,\"epoch\":1}\n");
  const Outcome other =
      shell(program() + " --resume " + checkpoint + " --out " + at("out") + " --log " + at("whole.jsonl"));
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.text.find("whole.jsonl:1: expected the log of the training that is resumed"), std::string::npos);
  EXPECT_EQ(fs::file_size(at("whole.jsonl")), 23u);
}

TEST_P(Program, ALogThatWasNotKeptIsMadeWhole) {
  ASSERT_EQ(shell(training("whole") + " --log " + at("whole.jsonl") + " --checkpoint " + at("run.safetensors")).status,
            0);
  const Outcome rest = shell(program() + " --resume " + at("run.safetensors") + " --pictures 0 --out " + at("out") +
                             " --log " + at("new.jsonl"));
  EXPECT_EQ(rest.status, 0) << rest.text;
  EXPECT_EQ(lines_of(at("new.jsonl")), lines_of(at("whole.jsonl")));
}

TEST_P(Program, AClosedPipeIsSavedLikeASignal) {
  const Outcome outcome =
      shell("{ " + training("out") + "; echo status $?; } 2>" + at("errors") + " | head -n 1; cat " + at("errors"));
  EXPECT_NE(outcome.text.find("cannot write to standard output"), std::string::npos) << outcome.text;
  // Whether the pipe was closed before the training began is chance.
  if (outcome.text.find("The training is saved") != std::string::npos) {
    EXPECT_TRUE(fs::exists(at("out/checkpoint.safetensors")));
  }
  // Here it is not: the reader leaves after the first training.
  const Outcome later = shell("{ " + training("late") + "; echo status $? >&2; } 2>" + at("errors") +
                              " | grep -m 1 '^\\[1/'; cat " + at("errors"));
  EXPECT_NE(later.text.find("The training is saved"), std::string::npos) << later.text;
  EXPECT_NE(later.text.find("status 1"), std::string::npos) << later.text;
  EXPECT_TRUE(fs::exists(at("late/checkpoint.safetensors")));
}

TEST_P(Program, StandardOutputThatIsFullOrClosedIsAnError) {
  for (const std::string target : {">/dev/full", ">&-"}) {
    for (const std::string& command : {program() + " --help", training("out")}) {
      const Outcome outcome = shell(command + " " + target);
      EXPECT_EQ(outcome.status, 1) << command << target;
      EXPECT_NE(outcome.text.find("cannot write to standard output"), std::string::npos) << outcome.text;
    }
  }
}

TEST_P(Program, AFullDeviceEndsTheRunButLosesNothing) {
  const std::string log = at("log.jsonl");
  // Files cannot grow beyond 4 KiB, which the log reaches first where there is no checkpoint yet.
  const Outcome outcome = shell("trap \"\" XFSZ; ulimit -f 4; " + training("out") + " --log " + log);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.text.find(": File too large"), std::string::npos) << outcome.text;
  EXPECT_EQ(shell("ls " + at("out")).text.find(".partial"), std::string::npos);
}

TEST_P(Program, AReportThatDoesNotFitIsAnError) {
  const Outcome outcome = shell("trap \"\" XFSZ; ulimit -f 1; " + training("out"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.text.find("cannot write " + at("out")), std::string::npos) << outcome.text;
}

TEST_P(Program, ATrainingThatDivergesIsAnError) {
  const Outcome outcome = shell(training("out") + " --model gat --lr 1e6");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.text.find("The training has diverged: try a smaller --lr (it is 1000000)"), std::string::npos)
      << outcome.text;
  EXPECT_FALSE(fs::exists(at("out/metrics.json")));
}

TEST_P(Program, WhatIsTooLargeForMemoryIsNamed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs all addresses";
#endif
  std::string command = training("out");
  const std::string narrow = GetParam().narrow, option = narrow.substr(0, narrow.find(' '));
  command.replace(command.find(narrow), narrow.size(), option + " 65536 --dtype float64");
  if (GetParam().name == std::string("links")) command += " --states 65536";
  const Outcome outcome = shell("ulimit -v 1000000; " + command);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.text.find("there is not enough memory for a model of"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find("(" + option), std::string::npos) << outcome.text;
}

INSTANTIATE_TEST_SUITE_P(
    Tasks, Program,
    testing::Values(TaskRun{"graphs", "--dataset ba2motifs --epochs 40 --split 0.2,0.1,0.7 --repeats 3 --hidden 8"},
                    TaskRun{"nodes", "--dataset blocks --epochs 400 --repeats 3 --hidden 4", "accuracy", "--hidden 4"},
                    TaskRun{"links", "--dataset smallworld --epochs 150 --repeats 3 --hidden 8 --patience 0", "auc"},
                    TaskRun{"relations", "--dataset clock --epochs 200 --repeats 3 --width 16", "mrr", "--width 16"},
                    TaskRun{"series",
                            "--dataset wave --split 0.2,0.4,0.4 --evaluate-every 10 --epochs 30 --repeats 3 --hidden 8 "
                            "--batch-size 128 --patience 0",
                            "rmse_to_60"}),
    [](const testing::TestParamInfo<TaskRun>& task) { return task.param.name; });

TEST(ProgramItself, SaysWhichTasksThereAre) {
  const Outcome help = shell(WARPGNN_TRAIN " --help");
  EXPECT_EQ(help.status, 0);
  for (const char* part : {"TASK", "graphs", "nodes", "lists the options"}) {
    EXPECT_NE(help.text.find(part), std::string::npos) << help.text;
  }
  for (const std::string word : {"", " molecules", " --epochs 3"}) {
    const Outcome wrong = shell(WARPGNN_TRAIN + word);
    EXPECT_EQ(wrong.status, 2) << word;
    EXPECT_NE(wrong.text.find("expected a task (graphs, nodes"), std::string::npos) << wrong.text;
  }
}

}  // namespace
}  // namespace train
