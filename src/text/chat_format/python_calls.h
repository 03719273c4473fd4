// Calls written as Python does, with keywords: [get_weather(city="Seoul", days=3)].
#pragma once

#include <memory>
#include <string>

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

struct PythonCallStyle {
  std::string begin;
  std::string end;
  bool list = false;  // between brackets, with commas; otherwise each on a line of its own
};

std::shared_ptr<const CallSyntax> python_calls(PythonCallStyle style);

}  // namespace ondol::chat_format
