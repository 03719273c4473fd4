#include "cli/bench_options.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/Validators.hpp>

namespace ondol::cli {
namespace {

/// Those that a setting may change.
void add_setting_options(CLI::App& command, BenchOptions& options) {
  command.add_option("MODEL", options.model.model, "A file, a folder or a name in the store; without it the default");
  const CLI::Range count(0, 1 << 24);
  command.add_option("-p,--prompt", options.prompt, "Tokens of the prompt; 0 leaves this test out")
      ->check(count)
      ->capture_default_str();
  command.add_option("-n,--generate", options.generate, "Tokens to generate; 0 leaves this test out")
      ->check(count)
      ->capture_default_str();
  command.add_option("--depth", options.depth, "Tokens in the context before each test")
      ->check(count)
      ->capture_default_str();
  command.add_option("--batch", options.batch, "Sequences at once")->check(CLI::Range(1, 1024))->capture_default_str();
  options.model.add_to(command);
}

std::string why_no_setting(const std::string& text) {
  const auto setting = parse_setting(text);
  return setting ? "" : setting.error().message();
}

/// Takes one word off the front of `text`, which does not begin with a space.
Result<std::string> take_word(std::string_view& text) {
  std::string word;
  char quote = 0;
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && std::isspace(static_cast<unsigned char>(c)) != 0) break;
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      word += c;
    }
  }
  if (quote != 0) return Error(fmt::format("expected a closing {} in the setting '{}'", quote, text));
  text.remove_prefix(i);
  return word;
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size()));
    if (text.empty()) return words;
    words.push_back(ONDOL_TRY(take_word(text)));
  }
}

bool is_assignment(const std::string& word) {
  const size_t end = word.find('=');
  if (end == std::string::npos || end == 0 || std::isdigit(static_cast<unsigned char>(word[0])) != 0) return false;
  const auto in_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(end), in_name);
}

/// All that were given, in the command's order.
std::vector<GivenOption> given_options(const CLI::App& command) {
  std::vector<GivenOption> given;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    const std::vector<std::string>& long_names = option->get_lnames();
    const std::vector<std::string>& short_names = option->get_snames();
    const std::string name = long_names.empty() ? "" : "--" + long_names.front();
    given.push_back({name, short_names.empty() ? name : "-" + short_names.front(), option->results().back()});
  }
  return given;
}

}  // namespace

void add_bench_options(CLI::App& command, BenchOptions& options) {
  add_setting_options(command, options);
  command.add_option("-r,--rounds", options.rounds, "Rounds; the median is reported")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--limits", options.limits,
                   "Also measure what the machine reaches, in every round, and what share of it the tests take");
  auto* against = command
                      .add_option("--against", options.against,
                                  "Compare with a second setting, in turn: options of this command that differ, "
                                  "another model, or NAME=VALUE before them")
                      ->check(why_no_setting);
  command
      .add_option("--program", options.program,
                  "Compare with another program, in turn: a shell command that prints JSON as this one or as "
                  "llama-bench -o json")
      ->excludes(against);
  command.add_option("--svg", options.svg, "Also draw the result into this file");
  command.add_flag("--json", options.json, "One JSON document");
}

std::vector<GivenOption> given_setting(const CLI::App& command) {
  CLI::App settings;
  BenchOptions unused;
  add_setting_options(settings, unused);
  std::vector<GivenOption> given = given_options(command);
  std::erase_if(given, [&](const GivenOption& option) {
    return !option.name.empty() && settings.get_option_no_throw(option.name) == nullptr;
  });
  return given;
}

Result<Setting> parse_setting(const std::string& text) {
  std::vector<std::string> words = ONDOL_TRY(split_words(text));
  if (words.empty()) return Error("expected options of this command, another model or NAME=VALUE, got nothing");
  const auto first_option = std::find_if_not(words.begin(), words.end(), is_assignment);
  Setting setting;
  setting.environment.assign(words.begin(), first_option);
  words.erase(words.begin(), first_option);

  CLI::App command;
  BenchOptions options;
  add_setting_options(command, options);
  command.set_help_flag();
  try {
    command.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes the last one first
  } catch (const CLI::ParseError& e) {
    return Error(fmt::format("the setting '{}': {}", text, e.what()));
  }
  setting.options = given_options(command);
  return setting;
}

std::vector<GivenOption> overlaid(const std::vector<GivenOption>& base, const std::vector<GivenOption>& changes) {
  std::vector<GivenOption> all = changes;
  for (const GivenOption& option : base) {
    const auto same = [&](const GivenOption& change) { return change.name == option.name; };
    if (std::none_of(changes.begin(), changes.end(), same)) all.push_back(option);
  }
  return all;
}

std::vector<std::string> to_words(const std::vector<GivenOption>& options) {
  std::vector<std::string> words;
  for (const GivenOption& option : options) {
    words.push_back(option.name.empty() ? option.value : option.name + "=" + option.value);
  }
  return words;
}

std::string in_short(const std::vector<GivenOption>& options) {
  std::vector<std::string> words;
  for (const GivenOption& option : options) {
    if (option.name.empty()) {
      const std::filesystem::path path(option.value);
      words.insert(words.begin(), (path.has_filename() ? path : path.parent_path()).filename().string());
    } else {
      words.push_back(option.short_name + " " + option.value);
    }
  }
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace ondol::cli
