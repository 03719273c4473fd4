#include "text/chat_template.h"

#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "text/jinja/template.h"

namespace ondol {
namespace {

// The lines of a JSON Lines file, parsed.
std::vector<json::value> read_cases(const std::string& path) {
  const auto text = read_file(path);
  EXPECT_TRUE(text) << text.error().message();
  std::vector<json::value> cases;
  for (size_t begin = 0; text && begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    if (end > begin) {
      auto value = parse_json(std::string_view(*text).substr(begin, end - begin));
      EXPECT_TRUE(value) << value.error().message();
      cases.push_back(*std::move(value));
    }
    begin = end + 1;
  }
  return cases;
}

// Checks one case: "expected" must come out exactly; "error" must be refused, with that text in the message if the case
// asks for it.
void check_case(const std::string& name, const std::string& source, const json::value& entry, bool compare_message) {
  SCOPED_TRACE(name);
  const auto now = parse_iso_time(string_or(entry, "now", "2026-01-15T09:30:00"));
  ASSERT_TRUE(now);
  const auto parsed = ChatTemplate::parse(source);
  const json::value* expected = find_member(entry, "expected");
  if (!parsed) {
    EXPECT_EQ(expected, nullptr) << parsed.error().message();
    return;
  }
  const json::value* context = find_member(entry, "context");
  const auto text = parsed->render(context != nullptr ? context->get_object() : json::object(), *now);
  if (expected != nullptr) {
    ASSERT_TRUE(text) << text.error().message();
    EXPECT_EQ(*text, std::string(expected->get_string()));
    return;
  }
  ASSERT_FALSE(text) << "was rendered: " << *text;
  const std::string message = string_or(entry, "error", "");
  if (compare_message) {
    EXPECT_NE(text.error().message().find(message), std::string::npos) << text.error().message();
  }
}

TEST(ChatTemplate, SnippetsRenderAsInJinja2) {
  const auto cases = read_cases(ONDOL_SOURCE_DIR "/tests/golden/jinja/cases.jsonl");
  ASSERT_GT(cases.size(), 300u);
  for (const json::value& entry : cases) {
    const std::string source = string_or(entry, "template", "");
    check_case(source, source, entry, bool_or(entry, "message_matters", false));
  }
}

TEST(ChatTemplate, RealTemplatesRenderAsInTransformers) {
  const std::string folder = ONDOL_SHARED_DATA "/suites/chat-templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  for (const json::value& entry : read_cases(folder + "/goldens.jsonl")) {
    const std::string file = string_or(entry, "template", "");
    const auto source = read_file(folder + "/" + file);
    ASSERT_TRUE(source) << source.error().message();
    check_case(file + ", " + string_or(entry, "case", ""), *source, entry, true);
  }
}

std::string error_of(const std::string& source, const json::object& context = {}) {
  const auto parsed = ChatTemplate::parse(source);
  if (!parsed) return parsed.error().message();
  const auto text = parsed->render(context, 0);
  return text ? "rendered: " + *text : text.error().message();
}

TEST(ChatTemplate, ErrorsNameThePlace) {
  EXPECT_EQ(error_of("a\n{% if x %}\nb"),
            "line 3, column 2: expected '{% elif %}' or '{% else %}' or '{% endif %}', got the end of the template");
  EXPECT_EQ(error_of("{{ a.b }}"), "line 1, column 5: 'a' is undefined");
  EXPECT_EQ(error_of("ok\n  {{ raise_exception('no system role') }}"), "line 2, column 21: no system role");
  EXPECT_EQ(error_of("{{ 1 | nosuch }}"), "line 1, column 8: no filter named 'nosuch'");
  EXPECT_EQ(error_of("{{ 'a' + 1 }}"), "line 1, column 8: can only concatenate str (not \"int\") to str");
}

TEST(ChatTemplate, GenerationSpansMarkTheAssistantsText) {
  const auto parsed = ChatTemplate::parse(
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% "
      "endgeneration %}"
      "{% else %}{{ m.content }}{% endif %}{% endfor %}");
  ASSERT_TRUE(parsed) << parsed.error().message();
  const auto context = parse_json(
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "\uac00"}, {"role": "assistant", "content": ""}]})");
  const auto rendered = parsed->render_with_spans(context->get_object(), 0);
  ASSERT_TRUE(rendered) << rendered.error().message();
  ASSERT_EQ(rendered->generation_spans.size(), 2u);
  const auto [begin, end] = rendered->generation_spans[0];
  EXPECT_EQ(rendered->text.substr(begin, end - begin), "\xEA\xB0\x80</s>");
  const auto [begin2, end2] = rendered->generation_spans[1];
  EXPECT_EQ(rendered->text.substr(begin2, end2 - begin2), "</s>");
}

// Each of these would take for ever, fill the memory or overflow the stack if nothing were bounded.
TEST(ChatTemplate, HostileTemplatesAreRefused) {
  const std::vector<std::string> sources = {
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
      "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
      "{{ 'x' * 10000000000 }}",
      "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}",
      "{% set ns = namespace(x='a') %}{% for i in range(90000) %}{% set ns.x = ns.x | map('upper') %}{% endfor %}{{ "
      "ns.x | list }}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
      "{{ range(10000000) | list }}",
      "{{ 'x'.center(10000000000) }}",
      "{{ 'x'.ljust(99999999) }}",
      "{{ '%999999999d' % 1 }}",
      "{{ '{:999999999}'.format(1) }}",
      "{{ 'a\\nb' | indent(999999999) }}",
      "{{ 2 ** 2 ** 2 ** 100 }}",
      "{{ 9999999999 ** 9999999 }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f() %}{% call g() %}{{ f() }}{% endcall %}{% endmacro %}{% macro g() %}{{ caller() }}{% endmacro %}{{ "
      "f() }}",
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{{ [1] | batch(999999999999, 0) | list }}",
      "{{ [1] | slice(999999999999) | list }}",
      "{{ ('a' * 1000000).replace('', 'b' * 1000000) }}",
      "{{ '" + std::string(300, '(') + "' }}{{ " + std::string(300, '(') + "1" + std::string(300, ')') + " }}",
      "{{ " + std::string(100000, '-') + "1 }}",
      "{{ 1" +
          [] {
            std::string s;
            for (int i = 0; i < 100000; ++i) s += "+1";
            return s;
          }() +
          " }}",
      [] {
        std::string s;
        for (int i = 0; i < 10000; ++i) s += "{% if 1 %}";
        return s;
      }(),
      "{{ x" +
          [] {
            std::string s;
            for (int i = 0; i < 100000; ++i) s += ".a";
            return s;
          }() +
          " }}",
      "{{ not " +
          [] {
            std::string s;
            for (int i = 0; i < 100000; ++i) s += "not ";
            return s;
          }() +
          "1 }}",
  };
  jinja::Limits limits;  // a tenth of the usual ones, to be quick under sanitizers, too
  limits.max_steps /= 10;
  limits.max_allocated_bytes /= 10;
  for (const std::string& source : sources) {
    const auto parsed = jinja::Template::parse(source);
    EXPECT_FALSE(parsed && parsed->render({}, 0, limits)) << source.substr(0, 200);
  }
  EXPECT_EQ(error_of("\xFF{{ x }}"), "the template is not valid UTF-8");
}

TEST(ChatTemplate, ReachesNothingOutsideItsContext) {
  for (const char* source : {"{{ ''.__class__.__mro__ }}", "{{ x.__class__() }}", "{{ self.__init__() }}",
                             "{{ [].append(1) }}", "{{ {}.update(a=1) }}", "{{ cycler.__init__.__globals__.os }}",
                             "{% include 'x' %}", "{% import 'x' as y %}", "{{ open('x') }}"}) {
    EXPECT_FALSE(error_of(source).starts_with("rendered")) << source;
  }
}

}  // namespace
}  // namespace ondol
