// SPDX-License-Identifier: MIT
// What a run may write to, and that it is the only one to do so.

#include "core/run_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "core/errors.hpp"
#include "tests/support/temporary_folder.hpp"

namespace train {
namespace {

class RunFilesTest : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return (folder.path() / name).string(); }

  RunOptions options() const {
    RunOptions options;
    options.out = at("out");
    return options;
  }

  static void expect_refused(const RunOptions& options, const std::string& part) {
    try {
      expect_sound_targets(options);
      ADD_FAILURE() << "no error that says: " << part;
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }

  /// `part` is of the message for this path as each target in turn.
  void expect_refused_everywhere(const std::string& path, const std::string& part) const {
    for (std::string RunOptions::*target : {&RunOptions::log, &RunOptions::checkpoint, &RunOptions::resume}) {
      RunOptions given = options();
      given.*target = path;
      expect_refused(given, path + ": " + part);
    }
  }

  TemporaryFolder folder;
};

TEST_F(RunFilesTest, OrdinaryTargetsAreAccepted) {
  RunOptions given = options();
  given.log = at("new/run.jsonl");
  given.checkpoint = at("new/run.safetensors");
  expect_sound_targets(given);
  EXPECT_TRUE(fs::is_empty(folder.path())) << "the check wrote something";
  { const RunFiles files(given); }
  folder.write("new/run.jsonl", "old");
  folder.write("new/run.safetensors", "old");
  folder.write("out/metrics.json", "old");
  expect_sound_targets(given);
}

TEST_F(RunFilesTest, WhatIsNoRegularFileIsRefused) {
  ASSERT_EQ(mkfifo(at("pipe").c_str(), 0600), 0);
  fs::create_directory(at("folder"));
  fs::create_symlink("/dev/null", at("link"));
  expect_refused_everywhere("/dev/full", "expected a regular file or nothing there, found a device");
  expect_refused_everywhere(at("link"), "expected a regular file or nothing there, found a device");
  expect_refused_everywhere(at("pipe"), "expected a regular file or nothing there, found a pipe");
  expect_refused_everywhere(at("folder"), "expected a regular file or nothing there, found a folder");
  RunOptions given = options();
  given.out = "/dev/full";
  expect_refused(given, "--out /dev/full: expected a folder or nothing there, found a device");
  folder.write("plain", "");
  given.out = at("plain/out");
  expect_refused(given, at("plain") + " is not a folder");
}

TEST_F(RunFilesTest, WhatIsNoRegularFileInTheReportsFolderIsRefused) {
  fs::create_directory(at("out"));
  for (const char* name : {kMetricsFile, kLossFile, kScoreFile, kPageFile, "checkpoint.safetensors"}) {
    fs::create_symlink("/dev/full", folder.path() / "out" / name);
    expect_refused(options(), "expected a regular file or nothing there, found a device");
    fs::remove(folder.path() / "out" / name);
  }
  folder.write("out/pictures", "");
  expect_refused(options(), "pictures: expected a folder or nothing there, found something else");
}

TEST_F(RunFilesTest, NoFileIsWrittenTwice) {
  RunOptions given = options();
  given.log = given.checkpoint = at("both");
  expect_refused(given, "is also --checkpoint " + at("both"));
  given = options();
  given.log = given.resume = at("both");
  expect_refused(given, "is also --resume");
  for (std::string RunOptions::*target : {&RunOptions::log, &RunOptions::checkpoint, &RunOptions::resume}) {
    for (const char* name : {"out/metrics.json", "out/../out/loss.svg", "out/pictures", "out/pictures/graph_1.svg"}) {
      given = options();
      given.*target = at(name);
      expect_refused(given, "is also the report's " + at("out/"));
    }
  }
  given = options();
  given.log = at("out/checkpoint.safetensors");
  expect_refused(given, "is also the checkpoint " + at("out/checkpoint.safetensors"));
  given = options();
  given.checkpoint = at("out");
  expect_refused(given, "is the folder of --out");
}

TEST_F(RunFilesTest, LinksAreFollowed) {
  folder.write("log", "");
  fs::create_symlink(at("log"), at("soft"));
  fs::create_hard_link(at("log"), at("hard"));
  for (const char* link : {"soft", "hard"}) {
    RunOptions given = options();
    given.log = at("log");
    given.checkpoint = at(link);
    expect_refused(given, "is also --checkpoint " + at(link));
  }
}

TEST_F(RunFilesTest, ACheckpointMayBeReplacedByTheRunThatResumesIt) {
  folder.write("run.safetensors", "");
  RunOptions given = options();
  given.resume = given.checkpoint = at("run.safetensors");
  expect_sound_targets(given);
  given.checkpoint = "";
  expect_sound_targets(given);
  given.checkpoint = at("next.safetensors");
  expect_sound_targets(given);
}

TEST_F(RunFilesTest, BelongToOneRunAtATime) {
  const auto in_use = [](const RunOptions& options, const std::string& name) {
    try {
      const RunFiles second(options);
      ADD_FAILURE() << "no error for " << name;
    } catch (const DataError& error) {
      EXPECT_EQ(std::string(error.what()).find(name + " is in use by another run (process "), 0) << error.what();
    }
  };
  RunOptions given = options();
  given.log = at("run.jsonl");
  given.checkpoint = at("run.safetensors");
  {
    const RunFiles first(given);
    in_use(given, "--out " + given.out);
    RunOptions other = given;
    other.out = at("other");
    in_use(other, "--checkpoint " + given.checkpoint);
    other.checkpoint = at("other.safetensors");
    in_use(other, "--log " + given.log);
    other.log = at("other.jsonl");
    const RunFiles second(other);
  }
  const RunFiles again(given);
}

TEST_F(RunFilesTest, LeaveNoTraceAndTidyUpAfterAKilledRun) {
  RunOptions given = options();
  given.checkpoint = at("run.safetensors");
  folder.write("run.safetensors.0a1b2c3d.partial", "half a checkpoint");
  folder.write("run.safetensors.notes.partial", "of somebody else");
  folder.write("run.safetensors.lock", "12345");  // of a process that is gone
  { const RunFiles files(given); }
  EXPECT_FALSE(fs::exists(at("run.safetensors.0a1b2c3d.partial")));
  EXPECT_TRUE(fs::exists(at("run.safetensors.notes.partial")));
  EXPECT_FALSE(fs::exists(at("run.safetensors.lock")));
  EXPECT_TRUE(fs::is_empty(at("out")));
}

}  // namespace
}  // namespace train
