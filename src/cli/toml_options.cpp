#include "cli/toml_options.h"

#include <algorithm>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <fmt/format.h>

#include "base/files.h"

namespace ondol::cli {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

std::string place(const std::string& path, const toml::source_region& source) {
  return fmt::format("{}:{}", path, source.begin.line);
}

/// As it would stand on a command line.
Result<std::string> text_of(const toml::node& value) {
  if (const auto* text = value.as_string()) return text->get();
  if (const auto* number = value.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = value.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = value.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return Error("expected a string, a number, true or false, or a list of them");
}

Result<void> set(CLI::Option& option, const toml::node& value) {
  const toml::array* list = value.as_array();
  std::vector<std::string> texts;
  if (list == nullptr) {
    texts.push_back(ONDOL_TRY(text_of(value)));
  } else {
    for (const toml::node& element : *list) texts.push_back(ONDOL_TRY(text_of(element)));
  }
  try {
    for (const std::string& text : texts) option.add_result(text);
    option.run_callback();
  } catch (const CLI::Error& error) {
    return Error(error.what());
  }
  return {};
}

Result<void> apply(const std::string& path, const toml::table& table, const CLI::App& command) {
  for (const auto& [key, value] : table) {
    if (const toml::table* group = value.as_table()) {
      ONDOL_TRY(apply(path, *group, command));
      continue;
    }
    std::string name(key.str());
    std::replace(name.begin(), name.end(), '_', '-');
    const CLI::Option* option = command.get_option_no_throw("--" + name);
    if (option == nullptr || name == "help") {
      return Error(fmt::format("{}: '{}': expected an option of this command (see --help)", place(path, key.source()),
                               key.str()));
    }
    if (option->count() > 0) continue;
    ONDOL_TRY(
        set(const_cast<CLI::Option&>(*option), value).in(fmt::format("{}: {}", place(path, key.source()), key.str())));
  }
  return {};
}

}  // namespace

Result<void> apply_toml(const std::string& path, const CLI::App& command) {
  const std::string text = ONDOL_TRY(read_file(path, kMaxBytes));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Error(fmt::format("{}: {}", place(path, parsed.error().source()), parsed.error().description()));
  }
  return apply(path, parsed.table(), command);
}

}  // namespace ondol::cli
