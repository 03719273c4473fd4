#include "agent/skills.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/agent/loop_bench.h"

namespace ondol {
namespace {

std::string error_of(std::string_view text) {
  const auto skill = parse_skill(text);
  EXPECT_FALSE(skill) << text;
  return skill ? "" : skill.error().message();
}

TEST(Skills, AWholeHead) {
  const auto skill = parse_skill(
      "---\n"
      "name: pdf-tools  # a comment\n"
      "description: >-\n"
      "  Reads PDF files\n"
      "  and fills forms.\n"
      "license: \"Apache-2.0: see LICENSE\"\n"
      "compatibility: 'Needs poppler''s tools'\n"
      "metadata:\n"
      "  author: someone\n"
      "  version: \"1.0\"\n"
      "allowed-tools: read_file Bash(git add:* -n) run_shell\n"
      "---\n"
      "\n# How\n---\nText\n");
  ASSERT_TRUE(skill) << skill.error().message();
  EXPECT_EQ(skill->head.name, "pdf-tools");
  EXPECT_EQ(skill->head.description, "Reads PDF files and fills forms.");
  EXPECT_EQ(skill->head.license, "Apache-2.0: see LICENSE");
  EXPECT_EQ(skill->head.compatibility, "Needs poppler's tools");
  ASSERT_EQ(skill->head.metadata.size(), 2u);
  EXPECT_EQ(skill->head.metadata[1], (std::pair<std::string, std::string>("version", "1.0")));
  EXPECT_EQ(skill->head.allowed_tools, (std::vector<std::string>{"read_file", "Bash(git add:* -n)", "run_shell"}));
  EXPECT_EQ(skill->body, "# How\n---\nText\n");
}

TEST(Skills, Blocks) {
  const auto skill = parse_skill("---\r\nname: a\r\ndescription: |\r\n  one\r\n\r\n    two\r\nlicense: x\r\n---\r\n");
  ASSERT_TRUE(skill) << skill.error().message();
  EXPECT_EQ(skill->head.description, "one\n\n  two");
  EXPECT_EQ(skill->head.license, "x");
  const auto plain = parse_skill("---\nname: a\ndescription: one\n  two\n---");
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->head.description, "one two");
  EXPECT_EQ(parse_skill("---\nname: a\ndescription: 문서를 정리합니다\n---\n")->head.description, "문서를 정리합니다");
}

TEST(Skills, NamesAndLengths) {
  const auto with_name = [](const std::string& name) { return "---\nname: " + name + "\ndescription: d\n---\n"; };
  for (const char* name : {"a", "a-b", "7", "pdf-2"}) EXPECT_TRUE(parse_skill(with_name(name))) << name;
  EXPECT_TRUE(parse_skill(with_name(std::string(64, 'a'))));
  for (const std::string name : {"A", "a_b", "-a", "a-", "a--b", "a b", "../a", "\"\"", "가"}) {
    EXPECT_NE(error_of(with_name(name)).find("name: expected 1 to 64"), std::string::npos) << name;
  }
  error_of(with_name(std::string(65, 'a')));
  const auto with_description = [](const std::string& text) {
    return "---\nname: a\ndescription: " + text + "\n---\n";
  };
  std::string korean;
  for (int i = 0; i < 1024; ++i) korean += "가";
  EXPECT_TRUE(parse_skill(with_description(korean))) << "characters, not bytes";
  EXPECT_NE(error_of(with_description(korean + "가")).find("1 to 1024 characters, got 1025"), std::string::npos);
  EXPECT_NE(error_of(with_description("")).find("description"), std::string::npos);
  EXPECT_NE(
      error_of("---\nname: a\ndescription: d\ncompatibility: " + std::string(501, 'x') + "\n---\n").find("1 to 500"),
      std::string::npos);
}

TEST(Skills, WhatIsWrongIsSaid) {
  EXPECT_NE(error_of("# no head\n").find("line 1: expected '---'"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\n").find("closes the head"), std::string::npos);
  EXPECT_NE(error_of("---\ndescription: d\n---\n").find("name: expected it"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\n---\n").find("description: expected it"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\nname: b\ndescription: d\n---\n").find("stands there twice"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\ndescription: d\nversion: 1\n---\n").find("got 'version'"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\ndescription: [x]\n---\n").find("line 3"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\ndescription: x: y\n---\n").find("expected quotes"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\ndescription: \"x\n---\n").find("to end on its line"), std::string::npos);
  EXPECT_NE(error_of("---\nname\ndescription: d\n---\n").find("'name: value'"), std::string::npos);
  EXPECT_NE(error_of("---\nname: a\ndescription: \xFF\n---\n").find("UTF-8"), std::string::npos);
  EXPECT_NE(error_of("").find("line 1"), std::string::npos);
}

TEST(Skills, Folders) {
  const TestFolder scratch;
  scratch.write("own/pdf/SKILL.md", "---\nname: pdf\ndescription: ours\n---\nOurs.\n");
  scratch.write("own/other/SKILL.md", "---\nname: something\ndescription: d\n---\n");
  scratch.write("own/empty/readme.md", "x");
  scratch.write("work/pdf/SKILL.md", "---\nname: pdf\ndescription: theirs\n---\n");
  scratch.write("work/csv/SKILL.md", "---\nname: csv\ndescription: two\n  lines\n---\n");
  const SkillList list =
      read_skills({{scratch.path() + "/work", true}, {scratch.path() + "/own", false}, {"/none", true}});
  ASSERT_EQ(list.skills.size(), 2u);
  EXPECT_EQ(list.skills[0].head.name, "csv");
  EXPECT_EQ(list.skills[1].head.description, "theirs");
  EXPECT_TRUE(list.skills[1].is_untrusted);
  ASSERT_EQ(list.refused.size(), 2u);
  EXPECT_NE(list.refused[0].find("own/empty: expected a file SKILL.md"), std::string::npos);
  EXPECT_NE(list.refused[1].find("expected that of its folder, got 'something'"), std::string::npos);
  EXPECT_EQ(skills_in_words(list.skills),
            "Skills, to be read with use_skill before a task that they fit:\n- csv: two lines\n- pdf: theirs\n");
  EXPECT_EQ(skills_in_words({}), "");
}

TEST(Skills, AreDisclosedStepByStep) {
  const TestFolder scratch;
  scratch.write("skills/pdf/SKILL.md", "---\nname: pdf\ndescription: Handles forms.\n---\nFirst read forms.md.\n");
  scratch.write("skills/pdf/forms.md", "Fields are numbered.");
  scratch.write("skills/secret.txt", "not of the skill");
  std::filesystem::create_symlink("../secret.txt", scratch.path() + "/skills/pdf/link.txt");
  LoopBench bench({scripted_call("use_skill", R"({"name": "pdf"})"),
                   scripted_call("use_skill", R"({"name": "pdf", "file": "forms.md"})"),
                   scripted_call("use_skill", R"({"name": "pdf", "file": "../secret.txt"})"),
                   scripted_call("use_skill", R"({"name": "pdf", "file": "link.txt"})"), "ok"});
  bench.skills = read_skills({{scratch.path() + "/skills", true}}).skills;
  bench.run("Fill the form.");
  EXPECT_NE(bench.model.prompts()[0].find("- pdf: Handles forms."), std::string::npos);
  EXPECT_EQ(bench.model.prompts()[0].find("First read"), std::string::npos);
  const auto results = bench.steps("result");
  ASSERT_EQ(results.size(), 4u);
  EXPECT_NE(string_or(results[0], "text", "").find("First read forms.md."), std::string::npos);
  EXPECT_NE(string_or(results[0], "text", "").find("Further files of this skill: forms.md"), std::string::npos);
  EXPECT_EQ(string_or(results[1], "text", ""), "Fields are numbered.");
  EXPECT_TRUE(bool_or(results[1], "is_untrusted", false));
  for (size_t i = 2; i < 4; ++i) {
    EXPECT_TRUE(bool_or(results[i], "is_error", false));
    EXPECT_EQ(string_or(results[i], "text", "").find("not of the skill"), std::string::npos);
  }
}

}  // namespace
}  // namespace ondol
