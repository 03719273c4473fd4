// The sample model with other templates: first of all one that opens reasoning. The model never closes it by itself;
// budgets do.
#pragma once

#include <cstring>
#include <fstream>
#include <string>

#include "api_client.h"

namespace ondol::server {

inline constexpr std::string_view kThinkingTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n"
    "</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt "
    "%}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else %}<think>\n"
    "{% endif %}{% endif %}";

/// Likewise, but the model opens reasoning itself, and the last answer shows its reasoning even where there is none, as
/// with Qwen 3.
inline constexpr std::string_view kModelThinksTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' and (loop.last or "
    "m.reasoning_content) %}<think>\n{{ (m.reasoning_content or '').strip('\n') }}\n</think>\n\n{{ "
    "m.content.lstrip('\n') }}{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}{% if "
    "add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and enable_thinking is false "
    "%}<think>\n\n</think>\n\n{% endif %}{% endif %}";

/// Writes the file. Tensors are aligned to 32 bytes, so the template grows by a multiple of that.
inline void write_thinking_sample(const std::string& path, std::string_view own = kThinkingTemplate) {
  std::ifstream file(sample_path(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const std::string key = "tokenizer.chat_template";
  const size_t at = bytes.find(key) + key.size() + 4;  // behind the type
  uint64_t length = 0;
  std::memcpy(&length, bytes.data() + at, 8);
  const size_t n_blanks = (length - own.size() - 4) % 32;
  const std::string text = std::string(own) + "{#" + std::string(n_blanks, ' ') + "#}";
  const uint64_t new_length = text.size();
  bytes.replace(at + 8, length, text);
  std::memcpy(bytes.data() + at, &new_length, 8);
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace ondol::server
