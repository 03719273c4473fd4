// Real templates: what they render for an assistant's message comes back when it is parsed, in whatever pieces.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>

#include "base/files.h"
#include "tests/text/chat_format/chat_format_answers.h"
#include "tests/text/grammar/vocabulary.h"
#include "text/chat_format.h"
#include "text/chat_format/dialect.h"
#include "text/chat_template.h"
#include "text/grammar/matcher.h"
#include "text/grammar/token_mask.h"

namespace ondol {
namespace {

using namespace chat_format_tests;

const std::string kFolder = ONDOL_SHARED_DATA "/suites/chat-templates/";

struct Expected {
  const char* file;
  const char* format;
  bool renders_calls;
  const char* reasoning_end;  // null: none
};

constexpr const char* kThink = "</think>\n\n";

const Expected kTemplates[] = {
    {"Apertus-8B-Instruct", "apertus", true, "<|inner_suffix|>"},
    {"Bielik-11B-v3.0-Instruct", "hermes", true, "</think>\n"},
    {"ByteDance-Seed-OSS", "seed-oss", true, "</seed:think>\n"},
    {"CohereForAI-c4ai-command-r-plus-tool_use", "command-r-plus", true, nullptr},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command-r7b", true, "<|END_THINKING|>"},
    {"GLM-4.7-Flash", "glm", true, "</think>"},
    {"GigaChat3-10B-A1.8B", "gigachat-3", true, nullptr},
    {"HuggingFaceTB-SmolLM3-3B", "generic", false, "</think>\n"},
    {"Kimi-K2-Instruct", "kimi-k2", false, nullptr},
    {"Kimi-K3", "kimi-k3", true, "<|close|>think<|sep|><|open|>response<|sep|>"},
    {"LFM2-8B-A1B", "lfm2", false, nullptr},
    {"LFM2.5-Instruct", "lfm2", false, "</think>"},
    {"MiMo-VL", "hermes", true, nullptr},
    {"MiniMax-M2", "minimax-m2", true, kThink},
    {"MiniMax-M3", "minimax-m3", true, "</mm:think>"},
    {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3-coder", true, "</think>\n"},
    {"NVIDIA-Nemotron-Nano-v2", "nemotron-v2", true, "</think>"},
    {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes", true, nullptr},
    {"Qwen-QwQ-32B", "hermes", true, "</think>"},
    {"Qwen-Qwen3-0.6B", "hermes", true, kThink},
    {"Qwen3-Coder", "qwen3-coder", true, nullptr},
    {"Reka-Edge", "hermes", true, kThink},
    {"StepFun3.5-Flash", "qwen3-coder", true, "</think>\n"},
    {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1", true, "</think>"},
    {"deepseek-ai-DeepSeek-V3.1", "deepseek-v3.1", true, "</think>"},
    {"deepseek-ai-DeepSeek-V4-Flash-0731", "deepseek-v4", true, "</think>"},
    {"deepseek-ai-DeepSeek-V4", "deepseek-v4", true, "</think>"},
    {"google-gemma-2-2b-it", "generic", false, nullptr},
    {"google-gemma-4-31B-it-interleaved", "gemma-4", true, "<channel|>"},
    {"ibm-granite-granite-3.3-2B-Instruct", "granite", false, "</think>"},
    {"ibm-granite-granite-4.0", "hermes", true, nullptr},
    {"llama-cpp-deepseek-r1", "deepseek-r1", true, "</think>"},
    {"llama-cpp-rwkv-world", "generic", false, "</think>"},
    {"meetkai-functionary-medium-v3.2", "functionary-v3.2", true, nullptr},
    {"meta-llama-Llama-3.1-8B-Instruct", "llama-3", true, nullptr},
    {"meta-llama-Llama-3.3-70B-Instruct", "llama-3", true, nullptr},
    {"microsoft-Phi-3.5-mini-instruct", "generic", false, nullptr},
    {"mistralai-Mistral-Nemo-Instruct-2407", "mistral", true, nullptr},
    {"moonshotai-Kimi-K2", "kimi-k2", true, nullptr},
    {"openai-gpt-oss-120b", "harmony", true, "<|end|><|start|>assistant<|channel|>final<|message|>"},
    {"openbmb-MiniCPM5-1B", "minicpm-5", true, kThink},
    {"poolside-Laguna-XS-2.1", "laguna", true, "</think>\n"},
    {"poolside-Laguna-XS.2", "laguna", true, "</think>\n"},
    {"unsloth-Apriel-1.5", "apriel", true, "[BEGIN FINAL RESPONSE]\n"},
    {"unsloth-mistral-Devstral-Small-2507", "mistral-args", true, nullptr},
};

std::string read_template(const Expected& expected) {
  const auto source = read_file(kFolder + expected.file + ".jinja");
  EXPECT_TRUE(source) << source.error().message();
  return source ? *source : "";
}

TEST(ChatFormatTemplates, EveryTemplateIsRecognised) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is absent";
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) files += entry.path().extension() == ".jinja";
  EXPECT_EQ(files, std::size(kTemplates));
  for (const Expected& expected : kTemplates) {
    SCOPED_TRACE(expected.file);
    const auto format = ChatFormat::of_template(read_template(expected));
    EXPECT_EQ(format->name(), expected.format);
    EXPECT_EQ(format->has_reasoning(), expected.reasoning_end != nullptr);
    if (expected.reasoning_end == nullptr) continue;
    EXPECT_EQ(format->reasoning_end(), expected.reasoning_end);
  }
}

constexpr const char* kParameters = R"({"type": "object", "properties": {
  "text": {"type": "string", "description": "t"}, "n": {"type": "integer", "description": "n"},
  "f": {"type": "number", "description": "f"}, "ok": {"type": "boolean", "description": "o"},
  "nothing": {"type": "null", "description": "n"}, "tags": {"type": "array", "items": {"type": "string"}, "description": "l"},
  "obj": {"type": "object", "description": "o", "additionalProperties": {"type": "string"}, "properties": {
    "a": {"type": "object", "properties": {"b": {"type": "array", "items": {"type": "integer"}}}}, "c": {"type": "string"}}}
  }, "required": ["text"]})";

constexpr const char* kArguments =
    R"({"text": "say \"hi\"\n\uc548\ub155 <b> \\ 1", "n": -3, "f": 1.5, "ok": true, "nothing": null, "tags": ["a\"", "b's"], )"
    R"("obj": {"a": {"b": [1, 2]}, "c": "x"}})";

// Some templates write lists and objects as Python does, which grammars do not allow.
constexpr const char* kScalarArguments =
    R"({"text": "say \"hi\"\n\uc548\ub155 <b> \\ 1", "n": -3, "f": 1.5, "ok": true, "nothing": null})";

json::value parsed(std::string_view text) {
  const auto value = parse_json(text);
  EXPECT_TRUE(value) << value.error().message() << ": " << text;
  return value ? *value : json::value();
}

AnswerDemand demand_of_tools() {
  AnswerDemand demand;
  demand.tools.push_back({"get_weather", "Weather", parsed(kParameters)});
  demand.tools.push_back({"now", "Time", parsed(R"({"type": "object", "properties": {}, "required": []})")});
  return demand;
}

json::array tools_for_template(const AnswerDemand& demand) {
  json::array tools;
  for (const ToolDefinition& tool : demand.tools) {
    tools.push_back(
        {{"type", "function"},
         {"function", {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}});
  }
  return tools;
}

// How an assistant's message is put to a template; templates differ in what they take.
struct Variant {
  const char* content = "Let me look.";  // null: JSON null
  bool one_call = false;
  bool thinking = true;
  bool text_arguments = false;
  bool tools = true;
  const char* arguments = kArguments;
};

struct Sample {
  std::string prompt;
  std::string text;
  Variant variant;
};

std::string cut_end_of_turn(std::string text, bool is_harmony) {
  for (const char* end :
       {"<|im_end|>", "<seed:eos>", "<|END_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|>", "[e~[", "<SPECIAL_12>",
        "<\xEF\xBD\x9C"
        "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>",
        "<end_of_turn>", "<turn|>", "<|end_of_text|>", "<|eot_id|>", "<EOS>", "\n\n<sep>", "<|call|>", "</assistant>",
        "<|end|>"}) {
    if (is_harmony && std::string_view(end) == "<|end|>") continue;
    text.resize(std::min(text.find(end), text.size()));
  }
  return text;
}

std::optional<Sample> sample_of(const ChatTemplate& chat_template, const AnswerDemand& demand, const Variant& variant,
                                bool is_harmony) {
  json::array calls;
  for (const ToolDefinition& tool : demand.tools) {
    if (variant.one_call && !calls.empty()) break;
    const json::value arguments = calls.empty() ? parsed(variant.arguments) : json::value(json::object());
    const json::value given = variant.text_arguments ? json::value(json_text(arguments)) : arguments;
    calls.push_back({{"id", calls.empty() ? "call00001" : "call00002"},
                     {"type", "function"},
                     {"function", {{"name", tool.name}, {"arguments", given}}}});
  }
  json::object assistant = {{"role", "assistant"}, {"reasoning_content", "I think."}, {"tool_calls", calls}};
  if (variant.content != nullptr) {
    assistant["content"] = variant.content;
  } else {
    assistant["content"] = nullptr;
  }
  if (variant.thinking) assistant["thinking"] = "I think.";
  json::object context = {{"messages", {{{"role", "user"}, {"content", "q"}}}},
                          {"add_generation_prompt", true},
                          {"enable_thinking", true},
                          {"thinking", true},
                          {"bos_token", "<BOS>"},
                          {"eos_token", "<EOS>"}};
  if (variant.tools) context["tools"] = tools_for_template(demand);
  const auto prompt = chat_template.render(context, 1768469400);
  if (!prompt) return std::nullopt;
  context["messages"].get_array().push_back(assistant);
  context["add_generation_prompt"] = false;
  const auto whole = chat_template.render(context, 1768469400);
  if (!whole) return std::nullopt;
  size_t same = 0;
  while (same < prompt->size() && same < whole->size() && (*prompt)[same] == (*whole)[same]) ++same;
  if (same < prompt->size()) same = std::min(same, prompt->rfind('<', same) == same - 1 ? same - 1 : same);
  // Command R+ puts instructions after the last message instead of a prompt.
  const size_t turn = whole->find("CHATBOT_TOKEN|>", same);
  if (turn == same) same = turn + 15;
  const std::string text = cut_end_of_turn(whole->substr(same), is_harmony);
  if (text.find("get_weather") == std::string::npos) return std::nullopt;
  return Sample{prompt->substr(0, same), text, variant};
}

std::optional<Sample> sample_of(const Expected& expected, const AnswerDemand& demand, const char* arguments) {
  const auto chat_template = ChatTemplate::parse(read_template(expected));
  if (!chat_template) return std::nullopt;
  const bool is_harmony = std::string_view(expected.format) == "harmony";
  for (const char* content : {"Let me look.", "", static_cast<const char*>(nullptr)}) {
    for (const bool one_call : {false, true}) {
      for (const bool text_arguments : {false, true}) {
        for (const bool tools : {true, false}) {
          const Variant variant = {content, one_call, true, text_arguments, tools, arguments};
          auto sample = sample_of(*chat_template, demand, variant, is_harmony);
          if (sample) return sample;
        }
      }
    }
  }
  return std::nullopt;
}

// Formats whose templates render no calls, or no reasoning: written by hand.
std::string calls_by_hand(std::string_view format) {
  const std::string arguments = kArguments;
  if (format == "lfm2") {
    return "<|tool_call_start|>[get_weather(text=\"say \\\"hi\\\"\\n\xEC\x95\x88\xEB\x85\x95 <b> \\\\ 1\", n=-3, "
           "f=1.5, ok=True, "
           "nothing=None, tags=[\"a\\\"\", \"b's\"], obj={\"a\": {\"b\": [1, 2]}, \"c\": \"x\"}), "
           "now()]<|tool_call_end|>";
  }
  if (format == "kimi-k2") {
    return "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>" +
           arguments +
           "<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
           "<|tool_calls_section_end|>";
  }
  if (format == "granite") {
    return "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": " + arguments +
           "}, {\"name\": \"now\", \"arguments\": {}}]";
  }
  return "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": " + arguments +
         "}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";
}

void check_answer(const Answer& answer, const Sample& sample, const Expected& expected) {
  SCOPED_TRACE(answer.text());
  EXPECT_EQ(answer.problem, "");
  EXPECT_EQ(answer.reasoning, sample.text.find("I think.") == std::string::npos ? "" : "I think.");
  EXPECT_EQ(answer.content, sample.text.find("Let me look.") == std::string::npos ? "" : "Let me look.");
  const bool two = sample.text.find("now") != std::string::npos;
  ASSERT_EQ(answer.calls.size(), two ? 2u : 1u);
  json::value arguments = parsed(kArguments);
  if (std::string_view(expected.format) == "minimax-m3")
    arguments.get_object().erase("nothing");  // it renders no nulls
  EXPECT_EQ(answer.calls[0].name, "get_weather");
  EXPECT_EQ(parsed(answer.calls[0].arguments), arguments) << answer.calls[0].arguments;
  EXPECT_TRUE(answer.calls[0].ended);
  if (!two) return;
  EXPECT_EQ(answer.calls[1].name, "now");
  EXPECT_EQ(answer.calls[1].arguments, "{}");
  EXPECT_TRUE(answer.calls[1].ended);
}

Sample sample_or_by_hand(const Expected& expected, const AnswerDemand& demand, const char* arguments = kArguments) {
  if (!expected.renders_calls)
    return {"", "<think>I think.</think>\n\nLet me look.\n" + calls_by_hand(expected.format), {}};
  const auto sample = sample_of(expected, demand, arguments);
  EXPECT_TRUE(sample) << expected.file << " renders no calls";
  return sample ? *sample : Sample();
}

TEST(ChatFormatTemplates, WhatATemplateRendersComesBack) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is absent";
  const AnswerDemand demand = demand_of_tools();
  for (const Expected& expected : kTemplates) {
    const Sample sample = sample_or_by_hand(expected, demand);
    SCOPED_TRACE(expected.file + ("\n" + sample.text));
    const auto format = ChatFormat::of_template(read_template(expected));
    const Answer whole = parse_whole(*format, demand, sample.prompt, sample.text);
    check_answer(whole, sample, expected);
    EXPECT_EQ(parse_in_pieces(*format, demand, sample.prompt, sample.text, [] { return 1; }).text(), whole.text());
    std::mt19937 random(7);
    for (int round = 0; round < 20; ++round) {
      const auto size = [&] { return random() % 20 + 1; };
      EXPECT_EQ(parse_in_pieces(*format, demand, sample.prompt, sample.text, size).text(), whole.text());
    }
    for (size_t first = 1; first < sample.text.size(); ++first) {
      bool is_first = true;
      const auto size = [&] { return std::exchange(is_first, false) ? first : sample.text.size(); };
      ASSERT_EQ(parse_in_pieces(*format, demand, sample.prompt, sample.text, size).text(), whole.text()) << first;
    }
  }
}

// A call that the end of the text cuts off: nothing of its markup is content, and its arguments are a beginning of the
// whole ones.
TEST(ChatFormatTemplates, AnswersCutOffAreBeginningsOfTheWhole) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is absent";
  const AnswerDemand demand = demand_of_tools();
  for (const Expected& expected : kTemplates) {
    const Sample sample = sample_or_by_hand(expected, demand);
    SCOPED_TRACE(expected.file);
    const auto format = ChatFormat::of_template(read_template(expected));
    const Answer whole = parse_whole(*format, demand, sample.prompt, sample.text);
    const size_t first_call = sample.text.find("get_weather") + 11;
    for (size_t size = first_call; size < sample.text.size(); ++size) {
      const Answer cut = parse_whole(*format, demand, sample.prompt, std::string_view(sample.text).substr(0, size));
      ASSERT_TRUE(whole.content.starts_with(cut.content)) << cut.content << "\n" << sample.text.substr(0, size);
      ASSERT_EQ(cut.reasoning, whole.reasoning) << sample.text.substr(0, size);
      ASSERT_LE(cut.calls.size(), whole.calls.size());
      for (size_t i = 0; i < cut.calls.size(); ++i) {
        ASSERT_TRUE(cut.calls[i].ended);
        ASSERT_EQ(cut.calls[i].name, whole.calls[i].name);
        ASSERT_TRUE(whole.calls[i].arguments.starts_with(cut.calls[i].arguments)) << cut.text() << whole.text();
      }
    }
  }
}

bool accepts(const GrammarPtr& grammar, std::string_view text) {
  grammar::Matcher matcher(grammar);
  auto at = matcher.start();
  for (const char byte : text) at = matcher.step(at, static_cast<uint8_t>(byte));
  return matcher.may_end(at);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// The texts that a demand allows hold what the templates render, and not what is wrong in it.
TEST(ChatFormatTemplates, GrammarsHoldWhatTemplatesRender) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is absent";
  for (const Expected& expected : kTemplates) {
    AnswerDemand demand = demand_of_tools();
    const std::string_view name = expected.format;
    const bool is_python = name == "seed-oss" || name == "minicpm-5";
    const Sample sample = sample_or_by_hand(expected, demand, is_python ? kScalarArguments : kArguments);
    SCOPED_TRACE(expected.file + ("\n" + sample.text));
    const auto format = ChatFormat::of_template(read_template(expected));
    // Gemma's template renders content behind calls, where a demanded call leaves no room for it.
    const size_t end = name == "gemma-4" ? sample.text.find("Let me look.") : sample.text.size();
    const std::string text = sample.text.substr(0, end);
    for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired}) {
      demand.tool_choice = choice;
      const auto grammar = format->grammar(demand, sample.prompt);
      ASSERT_TRUE(grammar) << grammar.error().message();
      EXPECT_TRUE(accepts(*grammar, text));
      EXPECT_FALSE(accepts(*grammar, replaced(text, "-3", "-3.5")));
      EXPECT_FALSE(accepts(*grammar, text.substr(0, text.find("-3"))));
      // Functionary's marker is too common a text to mean a call without the name of a tool.
      const bool tells_calls = name != "functionary-v3.2";
      EXPECT_EQ(accepts(*grammar, replaced(text, "get_weather", "get_weathes")), !tells_calls);
      const size_t content = text.find("Let me look.");
      if (content == std::string::npos) continue;
      EXPECT_EQ(accepts(*grammar, text.substr(0, content + 12)), choice == ToolChoice::kAuto);
    }
  }
}

/// Pieces of markup in `text`, which end what is open sooner than random bytes do.
std::set<std::string> markup_in(const std::string& text) {
  std::set<std::string> pieces;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (text[begin] != '<' && text[begin] != ']' && text[begin] != '[') continue;
    for (size_t end = begin + 2; end <= std::min(text.size(), begin + 40); ++end) {
      if (text[end - 1] == '>' || text[end - 1] == ']' || text[end - 1] == '[')
        pieces.insert(text.substr(begin, end - begin));
    }
  }
  return pieces;
}

/// With the single markers as special tokens, or with none, so that markers are written byte by byte but for the last.
std::shared_ptr<const Tokenizer> tokenizer_with(const std::set<std::string>& markup, bool has_special) {
  std::vector<std::string> words;
  std::vector<std::string> special;
  for (const std::string& piece : markup) {
    const bool is_word =
        piece[0] == '[' && piece.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_/", 1) == piece.size() - 1;
    const bool is_tag = piece[0] == '<' && piece.find_first_of("<> \n", 1) == piece.size() - 1;
    const bool is_single = is_word || is_tag || piece == "]<]minimax[>[";
    if (!has_special) {
      const std::string begun = piece.substr(0, piece.size() - 1);
      if (!markup.contains(begun)) words.push_back(begun);
    } else {
      (is_single ? special : words).push_back(piece);
    }
  }
  return grammar_tests::make_tokenizer(words, special);
}

std::vector<std::string> openers_of(const ChatFormat& format, const AnswerDemand& demand) {
  if (format.name() == "harmony") return {"<|channel|>commentary to=functions."};
  if (format.name() == "generic") return chat_format::generic_dialect().calls->openers(demand);
  for (const chat_format::Dialect& dialect : chat_format::dialects()) {
    if (dialect.name != format.name()) continue;
    auto openers = dialect.calls->openers(demand);
    if (format.name() == "llama-3") openers.push_back("{\"name\"");
    return openers;
  }
  return {};
}

/// A random answer that follows the masks from an opener of calls on; nothing where it did not come to its end, or may
/// not begin so.
std::optional<std::string> random_calls(TokenConstraint& constraint, const Tokenizer& tokenizer,
                                        const std::string& beginning, const std::set<std::string>& markup,
                                        std::mt19937& random) {
  for (const TokenId id : tokenizer.encode(beginning, false, SpecialTokens::kParse)) {
    if (constraint.allows(id)) {
      constraint.accept(id);
      continue;
    }
    for (const char byte : tokenizer.piece(id, true)) {  // where the dialect has no token for it
      if (!constraint.allows(static_cast<unsigned char>(byte))) return std::nullopt;
      constraint.accept(static_cast<unsigned char>(byte));
    }
  }
  std::string text = beginning;
  for (int n_tokens = 0; n_tokens < 800; ++n_tokens) {
    const TokenSet* allowed = constraint.allowed();
    std::vector<TokenId> all;
    std::vector<TokenId> closing;
    std::vector<TokenId> special;
    for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
      if (!allowed->contains(id)) continue;
      if (tokenizer.ends_generation(id)) return text;
      all.push_back(id);
      if (tokenizer.is_control(id)) special.push_back(id);
      const std::string piece = tokenizer.piece(id, true);
      if (markup.contains(piece) || markup.contains(piece + ">") || markup.contains(piece + "]") ||
          (piece.size() == 1 && std::string_view("\"}])>\n/").find(piece[0]) != std::string_view::npos))
        closing.push_back(id);
    }
    const bool to_the_end = random() % 3 == 0;
    const auto& from = !to_the_end ? all : !special.empty() ? special : closing.empty() ? all : closing;
    if (from.empty()) break;
    const TokenId token = from[random() % from.size()];
    text += tokenizer.piece(token, true);
    constraint.accept(token);
  }
  return std::nullopt;
}

void check_calls(const Answer& answer, const AnswerDemand& demand) {
  EXPECT_EQ(answer.problem, "");
  ASSERT_FALSE(answer.calls.empty());
  for (const Call& call : answer.calls) {
    EXPECT_TRUE(call.ended);
    const auto tool = std::find_if(demand.tools.begin(), demand.tools.end(),
                                   [&](const ToolDefinition& each) { return each.name == call.name; });
    ASSERT_NE(tool, demand.tools.end()) << call.name;
    EXPECT_TRUE(accepts(*grammar_from_json_schema(tool->parameters, {.closed = true}), call.arguments))
        << call.arguments;
  }
}

// However a model goes on where a call has begun: what comes out are whole calls of tools that there are, with
// arguments that fit their schemas, and no markup as content.
TEST(ChatFormatTemplates, CallsThatFollowTheMasksAreWhole) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is absent";
  const AnswerDemand demand = demand_of_tools();
  std::set<std::string_view> seen;
  for (const Expected& expected : kTemplates) {
    if (!seen.insert(expected.format).second) continue;
    SCOPED_TRACE(expected.file);
    const auto format = ChatFormat::of_template(read_template(expected));
    const std::string prompt = format->name() == "harmony" ? "<|start|>assistant" : "";
    const auto markup = markup_in(sample_or_by_hand(expected, demand).text);
    const GrammarPtr grammar = *format->grammar(demand, prompt);
    for (const bool has_special : {true, false}) {
      const auto tokenizer = tokenizer_with(markup, has_special);
      const auto vocabulary = MaskVocabulary::create(tokenizer);
      std::mt19937 random(11);
      int n_ended = 0;
      for (const std::string& opener : openers_of(*format, demand)) {
        for (int round = 0; round < 6; ++round) {
          const std::string content = round % 2 == 0 && opener[0] != '{' ? "Let me look.\n" : "";
          const auto constraint = constrain(grammar, vocabulary);
          const auto text = random_calls(*constraint, *tokenizer, content + opener, markup, random);
          if (!text) continue;
          ++n_ended;
          SCOPED_TRACE(*text);
          const auto size = [&] { return random() % 9 + 1; };
          const Answer answer = parse_in_pieces(*format, demand, prompt, *text, size);
          SCOPED_TRACE(answer.text());
          ASSERT_NO_FATAL_FAILURE(check_calls(answer, demand));
          EXPECT_EQ(answer.content.find(opener), std::string::npos);
          EXPECT_TRUE(answer.content.starts_with(content.substr(0, 12)) || content.empty());
        }
      }
      EXPECT_GT(n_ended, 0) << "special tokens: " << has_special;
    }
  }
}

}  // namespace
}  // namespace ondol
