#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/bfcl/checker.h"
#include "agent/bfcl/evaluate.h"
#include "agent/bfcl/source_values.h"
#include "base/files.h"
#include "tests/agent/temporary_folder.h"
#include "tests/agent/scripted_model.h"

namespace ondol {
namespace {

std::vector<json::value> lines(const std::string& path) {
  const std::string text = read_file(path).value();
  std::vector<json::value> list;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    list.push_back(parse_json(std::string_view(text).substr(at, end - at)).value());
    at = end + 1;
  }
  return list;
}

/// What the leaderboard's own checker said (tools/make_bfcl_goldens.py). ONDOL_BFCL_VERDICTS names another file.
TEST(BfclChecker, AgreesWithTheOfficialOne) {
  const char* other = std::getenv("ONDOL_BFCL_VERDICTS");
  int n = 0, n_right = 0, n_same_reason = 0;
  for (const json::value& line : lines(other ? other : ONDOL_SOURCE_DIR "/tests/golden/bfcl/verdicts.jsonl")) {
    const auto category = find_bfcl_category(string_or(line, "category", "")).value();
    BfclCase question;
    question.functions = line.at("function").as_array();
    question.answers = line.at("ground_truth").as_array();
    std::vector<AgentCall> calls;
    for (const json::value& call : line.at("calls").as_array()) {
      const auto& member = *call.as_object().begin();
      calls.push_back({"", std::string(member.key()), member.value().as_object()});
    }
    const BfclVerdict verdict = check_bfcl(category, question, calls);
    EXPECT_EQ(verdict.is_right, bool_or(line, "right", false))
        << string_or(line, "id", "") << "\n"
        << json_text(line.at("calls")) << "\n"
        << json_text(line.at("ground_truth")) << "\nofficial: " << string_or(line, "why", "")
        << ", ours: " << verdict.why;
    n_same_reason += verdict.why == string_or(line, "why", "");
    n_right += verdict.is_right;
    ++n;
  }
  EXPECT_GE(n, 400);
  EXPECT_GE(n_right, n / 4);
  EXPECT_GE(n - n_right, n / 4);
  EXPECT_GE(n_same_reason, n * 99 / 100);
}

TEST(BfclSourceValues, Java) {
  const auto java = [](const char* text, const char* type, const char* element = "") {
    return json_text(java_value(text, type, element));
  };
  EXPECT_EQ(java("12", "integer"), "12");
  EXPECT_EQ(java("12L", "long"), "12");
  EXPECT_EQ(java("12", "long"), "\"12\"");
  EXPECT_EQ(java("1.5f", "float"), "1.5");
  EXPECT_EQ(java("1.5", "float"), "\"1.5\"");
  EXPECT_EQ(java("true", "boolean"), "true");
  EXPECT_EQ(java("True", "boolean"), "\"True\"");
  EXPECT_EQ(java("new int[]{1, 2}", "Array"), "[1,2]");
  EXPECT_EQ(java("new ArrayList<String>(Arrays.asList(\"a\", \"b\"))", "ArrayList", "String"), R"(["a","b"])");
  EXPECT_EQ(java("new ArrayList<Integer>() {{ add(1); add(2); }}", "ArrayList", "integer"), "[1,2]");
  EXPECT_EQ(java("new ArrayList<>()", "ArrayList"), "[]");
  EXPECT_EQ(java("new HashMap<String, Object>() {{ put(\"k\", 1); put(\"l\", \"x\"); }}", "HashMap"),
            R"({"k":1,"l":"x"})");
  EXPECT_EQ(java("nonsense", "HashMap"), "\"nonsense\"");
  EXPECT_EQ(java(std::string(100000, '{').c_str(), "Array").size(), 100002u);
}

TEST(BfclSourceValues, JavaScript) {
  const auto script = [](const char* text, const char* type, const char* element = "") {
    return json_text(javascript_value(text, type, element));
  };
  EXPECT_EQ(script("'a'", "String"), "\"a\"");
  EXPECT_EQ(script("a", "String"), "\"a\"");
  EXPECT_EQ(script("12n", "Bigint"), "12");
  EXPECT_EQ(script("3.5", "float"), "3.5");
  EXPECT_EQ(script("false", "Boolean"), "false");
  EXPECT_EQ(script("[1, 'two', true]", "array"), R"([1,"two",true])");
  EXPECT_EQ(script("new Array(1, 2)", "array", "integer"), "[1,2]");
  EXPECT_EQ(script("[[1, 2], [3]]", "array"), "[[1,2],[3]]");
  EXPECT_EQ(script("{'a': 1, \"b\": [1, 2]}", "dict"), R"({"a":1,"b":[1,2]})");
  EXPECT_EQ(script("{}", "dict"), "{}");
  EXPECT_EQ(script("x => x", "dict"), "\"x => x\"");
}

TEST(BfclCases, ToolsForModels) {
  const json::array functions = {
      *parse_json(R"({"name": "math.add", "description": "Adds.", "parameters": {"type": "dict",
      "properties": {"a": {"type": "float", "description": "First."}, "b": {"type": "tuple", "items": {"type": "any"}},
      "c": {"type": "dict", "properties": {"d": {"type": "bool"}}, "required": ["d"]},
      "e": {"type": "integer", "enum": ["x", 1, 2]}}, "required": ["a"]}})")};
  const auto tools = bfcl_tools(functions, BfclLanguage::kPython);
  ASSERT_EQ(tools.size(), 1u);
  EXPECT_EQ(tools[0].name, "math_add");
  const json::value& properties = tools[0].parameters.at("properties");
  EXPECT_EQ(string_or(properties.at("a"), "type", ""), "number");
  EXPECT_EQ(string_or(properties.at("b"), "type", ""), "array");
  EXPECT_EQ(string_or(properties.at("b").at("items"), "type", ""), "string");
  EXPECT_EQ(string_or(properties.at("c").at("properties").at("d"), "type", ""), "boolean");
  EXPECT_EQ(json_text(properties.at("e").at("enum")), "[1,2]");
  const auto java = bfcl_tools(functions, BfclLanguage::kJava);
  EXPECT_EQ(string_or(java[0].parameters.at("properties").at("b"), "type", ""), "string");
}

TEST(BfclCases, UnreadableFilesAreErrors) {
  const TestFolder scratch;
  const BfclCategory category = find_bfcl_category("multiple").value();
  const auto why = [&] {
    const auto cases = read_bfcl(scratch.path(), category);
    return cases ? "" : cases.error().message();
  };
  EXPECT_NE(why().find("BFCL_v4_multiple.json"), std::string::npos);
  scratch.write("BFCL_v4_multiple.json", "{\"id\": \"m\"}\n");
  EXPECT_NE(why().find("expected a list 'question'"), std::string::npos);
  scratch.write("BFCL_v4_multiple.json", "{}\n{\n");
  EXPECT_NE(why().find("line 2"), std::string::npos);
  scratch.write("BFCL_v4_multiple.json",
                R"({"id": "m", "question": [[{"role": "user", "content": "x"}]], "function": []})");
  scratch.write("possible_answer/BFCL_v4_multiple.json", "{\"id\": \"other\", \"ground_truth\": [{}]}\n");
  EXPECT_NE(why().find("an answer to 'm'"), std::string::npos);
  EXPECT_FALSE(find_bfcl_category("multi_turn_base"));
}

TEST(BfclEvaluation, RunsAModelThroughItsGrammar) {
  const TestFolder scratch;
  scratch.write("BFCL_v4_simple_python.json",
                std::string(R"({"id": "s0", "question": [[{"role": "user", "content": "5!"}]], "function": [)") +
                    R"({"name": "math.factorial", "description": "F.", "parameters": {"type": "dict", )" +
                    R"("properties": {"number": {"type": "integer"}}, "required": ["number"]}}]})" + "\n");
  scratch.write("possible_answer/BFCL_v4_simple_python.json",
                "{\"id\": \"s0\", \"ground_truth\": [{\"math.factorial\": {\"number\": [5]}}]}\n");
  scratch.write("BFCL_v4_irrelevance.json", read_file(scratch.path() + "/BFCL_v4_simple_python.json").value());
  ScriptedModel model({scripted_call("math_factorial", R"({"number": 5})"), "I cannot do that.",
                       scripted_call("math_factorial", R"({"number": 6})"),
                       scripted_call("math_factorial", R"({"number": 5})")});
  std::vector<BfclResult> results;
  const auto keep = [&](const BfclResult& result) {
    results.push_back(result);
    return true;
  };
  const auto run = [&](const char* name) {
    return evaluate_bfcl(model, scratch.path(), find_bfcl_category(name).value(), {}, keep).value();
  };
  EXPECT_EQ(run("simple_python").n_right, 1);
  EXPECT_EQ(results[0].calls[0].name, "math.factorial") << "the function's own name again";
  EXPECT_EQ(run("irrelevance").n_right, 1);
  EXPECT_EQ(run("simple_python").n_right, 0);
  EXPECT_EQ(results[2].verdict.why, "value_error:others");
  EXPECT_EQ(run("irrelevance").n_right, 0);
}

}  // namespace
}  // namespace ondol
