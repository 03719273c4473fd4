// Language: Korean help and messages where the locale asks for them (LC_ALL, LC_MESSAGES, LANG), English otherwise.
#pragma once

#include <string_view>

namespace CLI {
class App;
}

namespace ondol::cli {

bool speaks_korean();

/// The text in the person's language; English where there is no translation.
std::string_view tr(std::string_view english);

/// The Korean of an English text; empty when there is none.
std::string_view korean_of(std::string_view english);

/// Translates descriptions and footers of a command and all that is below it.
void translate_help(CLI::App& app);

}  // namespace ondol::cli
