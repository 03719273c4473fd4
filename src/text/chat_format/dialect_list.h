// The functions that give the dialects, one file each, and what their recognisers need.
#pragma once

#include "text/chat_format/dialect.h"

namespace ondol::chat_format {

inline bool contains(std::string_view source, std::string_view text) {
  return source.find(text) != std::string_view::npos;
}

Dialect apertus();
Dialect apriel();
Dialect command_r7b();
Dialect command_r_plus();
Dialect deepseek_r1();
Dialect deepseek_v31();
Dialect deepseek_v32();
Dialect deepseek_v4();
Dialect firefunction();
Dialect functionary_v31();
Dialect functionary_v32();
Dialect gemma4();
Dialect gigachat();
Dialect glm();
Dialect granite();
Dialect hermes();
Dialect hunyuan();
Dialect kimi_k2();
Dialect kimi_k3();
Dialect laguna();
Dialect lfm2();
Dialect llama3();
Dialect minicpm5();
Dialect minimax_m2();
Dialect minimax_m3();
Dialect mistral();
Dialect mistral_args();
Dialect nemotron_v2();
Dialect olmo3();
Dialect phi4();
Dialect qwen3_coder();
Dialect seed();
Dialect tool_calls_list();

}  // namespace ondol::chat_format
