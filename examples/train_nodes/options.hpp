#pragma once

#include <set>
#include <string>

#include "settings.hpp"

namespace examples::train_nodes {

/// The command line.
struct Options {
  Settings settings;
  std::string data;  ///< folder to look for the data set in; empty: the usual places
  DeviceChoice device = DeviceChoice::automatic;
  int threads = 1;
  std::string out = "out";
  std::string log;
  std::string checkpoint;
  std::int64_t checkpoint_every = 50;
  std::string resume;
  std::int64_t pictures = 6;

  std::set<std::string> given;  ///< the names, without dashes, of the options that were on the command line
  std::string help;             ///< not empty: help was asked for, and this is it

  bool was_given(const std::string& name) const { return given.contains(name); }
};

/// Reads the command line; what it leaves open is settings_of(model). Throws UsageError.
Options parse_options(int argc, const char* const* argv);

/// Takes over the settings of a checkpoint. Throws UsageError when the command line gave a different value for one.
void adopt_settings(Options& options, const Settings& stored);

}  // namespace examples::train_nodes
