// The options of `ondol bench`, and settings: what a second measurement does differently, written as those options.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "base/result.h"
#include "cli/options.h"

namespace ondol::cli {

struct BenchOptions {
  ModelOptions model;
  int prompt = 512;
  int generate = 64;
  int depth = 0;
  int batch = 1;
  int rounds = 5;
  bool limits = false;
  bool json = false;
  std::string against;  // a setting
  std::string program;
  std::string svg;
};

/// Adds all of them.
void add_bench_options(CLI::App& command, BenchOptions& options);

/// An option with what it was given, or with an empty name what was given without one: the model.
struct GivenOption {
  std::string name;        // "--threads"
  std::string short_name;  // "-t"; the long one where there is none
  std::string value;
};

/// Those of a command that a setting may change, in the command's order, as far as they were given.
std::vector<GivenOption> given_setting(const CLI::App& command);

struct Setting {
  std::vector<std::string> environment;  // "ONDOL_CPU=avx2"
  std::vector<GivenOption> options;
};

/// Words as a shell splits them (quotes and backslashes, nothing else): first assignments, then options of this command
/// and at most one model.
Result<Setting> parse_setting(const std::string& text);

/// What `changes` say, and of `base` what they leave.
std::vector<GivenOption> overlaid(const std::vector<GivenOption>& base, const std::vector<GivenOption>& changes);

/// As words of a command line.
std::vector<std::string> to_words(const std::vector<GivenOption>& options);
/// For people: "model.gguf -t 2", with the name of the model's file only.
std::string in_short(const std::vector<GivenOption>& options);

}  // namespace ondol::cli
