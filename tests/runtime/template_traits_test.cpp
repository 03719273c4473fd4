#include "runtime/template_traits.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace ondol {
namespace {

TemplateTraits traits_of(const std::string& source) {
  const auto parsed = ChatTemplate::parse(source);
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message();
  return TemplateTraits::of(*parsed, source, {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
}

TEST(TemplateTraits, SystemMessages) {
  EXPECT_TRUE(traits_of("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}").has_system);
  EXPECT_FALSE(traits_of("{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
                         "{% endif %}{{ m.content }}{% endfor %}")
                   .has_system);
}

TEST(TemplateTraits, ContentInParts) {
  EXPECT_FALSE(traits_of("{% for m in messages %}{{ m.content }}{% endfor %}").wants_parts);
  EXPECT_TRUE(
      traits_of("{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}"
                "{% endfor %}{% endfor %}")
          .wants_parts);
}

constexpr const char* kCalls =
    "{%% for m in messages %%}{%% if m.tool_calls %%}{%% for c in m.tool_calls %%}%s{%% endfor %%}"
    "{%% else %%}{{ m.content }}{%% endif %%}{%% endfor %%}";

std::string with_call(const std::string& call) {
  std::string text = kCalls;
  for (size_t at; (at = text.find("%%")) != std::string::npos;) text.erase(at, 1);
  return text.replace(text.find("%s"), 2, call);
}

TEST(TemplateTraits, ArgumentsAsObjectsOrTexts) {
  EXPECT_TRUE(traits_of(with_call("{{ c.function.arguments | tojson }}")).wants_objects);
  EXPECT_TRUE(
      traits_of(with_call("{% for k, v in c.function.arguments | items %}{{ k }}={{ v }}{% endfor %}")).wants_objects);
  EXPECT_FALSE(traits_of(with_call("{{ 'x' + c.function.arguments }}")).wants_objects);
  EXPECT_FALSE(traits_of(with_call("{{ c.function.arguments }}")).wants_objects) << "an object would look like Python";
}

TEST(TemplateTraits, ContentOfCallsIsNullOrEmpty) {
  EXPECT_TRUE(
      traits_of(with_call("{% if m.content is none %}{{ c.function.arguments | tojson }}{% endif %}")).wants_null);
  EXPECT_FALSE(traits_of(with_call("{{ m.content + (c.function.arguments | tojson) }}")).wants_null);
}

struct Expected {
  const char* file;
  bool has_system, wants_objects, knows_effort, wants_short_ids;
  const char* reasoning;
};

TEST(TemplateTraits, OfRealTemplates) {
  const std::string folder = ONDOL_SHARED_DATA "/suites/chat-templates/";
  if (!read_file(folder + "Qwen-Qwen3-0.6B.jinja")) GTEST_SKIP() << "the templates are not here: " << folder;
  const Expected all[] = {
      {"Qwen-Qwen3-0.6B", true, true, false, false, "reasoning_content"},
      {"Qwen3-Coder", true, true, false, false, ""},
      {"google-gemma-2-2b-it", false, true, false, false, ""},
      {"deepseek-ai-DeepSeek-V3.1", true, true, false, false, ""},
      {"llama-cpp-deepseek-r1", true, true, false, false, ""},
      {"mistralai-Mistral-Nemo-Instruct-2407", true, true, false, true, ""},
      {"meta-llama-Llama-3.1-8B-Instruct", true, true, false, false, ""},
      {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", true, true, false, false, ""},
      {"openai-gpt-oss-120b", true, true, true, false, "thinking"},
      {"ibm-granite-granite-3.3-2B-Instruct", true, true, false, false, ""},
  };
  for (const Expected& expected : all) {
    const auto source = read_file(fmt::format("{}{}.jinja", folder, expected.file));
    ASSERT_TRUE(source.has_value()) << expected.file;
    const TemplateTraits traits = traits_of(*source);
    EXPECT_EQ(traits.has_system, expected.has_system) << expected.file;
    EXPECT_EQ(traits.wants_objects, expected.wants_objects) << expected.file;
    EXPECT_EQ(traits.knows_effort, expected.knows_effort) << expected.file;
    EXPECT_EQ(traits.wants_short_ids, expected.wants_short_ids) << expected.file;
    EXPECT_EQ(traits.reasoning_member, expected.reasoning) << expected.file;
  }
}

}  // namespace
}  // namespace ondol
