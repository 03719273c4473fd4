#include "text/chat_format/dialect.h"
#include "text/chat_format/dialect_list.h"

namespace ondol::chat_format {

// The first that recognises a template is its dialect, so the order is from the most particular to the most common:
// several templates mention <tool_call> but mean more by it.
const std::vector<Dialect>& dialects() {
  static const std::vector<Dialect> list = {
      apertus(),      apriel(),      command_r7b(),  command_r_plus(),  deepseek_v31(),    deepseek_r1(),
      deepseek_v32(), deepseek_v4(), firefunction(), functionary_v32(), gemma4(),          gigachat(),
      laguna(),       glm(),         kimi_k2(),      kimi_k3(),         minimax_m2(),      minimax_m3(),
      minicpm5(),     seed(),        qwen3_coder(),  functionary_v31(), mistral_args(),    mistral(),
      nemotron_v2(),  olmo3(),       phi4(),         granite(),         tool_calls_list(), hunyuan(),
      lfm2(),         hermes(),      llama3(),
  };
  return list;
}

const Dialect& generic_dialect() {
  static const Dialect generic = [] {
    Dialect dialect = hermes();
    dialect.name = "generic";
    return dialect;
  }();
  return generic;
}

}  // namespace ondol::chat_format
