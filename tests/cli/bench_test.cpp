// The parts of `ondol bench` that need no model: settings, results and ratios, the picture. program_test.py runs it
// whole.
#include <gtest/gtest.h>

#include "cli/bench_options.h"
#include "cli/bench_print.h"
#include "cli/bench_results.h"
#include "cli/bench_svg.h"

namespace ondol::cli {
namespace {

std::vector<std::string> words_of(const std::string& setting) {
  const auto parsed = parse_setting(setting);
  EXPECT_TRUE(parsed) << parsed.error().message();
  std::vector<std::string> words = parsed ? parsed->environment : std::vector<std::string>{};
  if (parsed) {
    for (std::string& word : to_words(parsed->options)) words.push_back(std::move(word));
  }
  return words;
}

using Words = std::vector<std::string>;

TEST(BenchSetting, AssignmentsThenOptionsThenModel) {
  EXPECT_EQ(words_of("-t 1"), (Words{"--threads=1"}));
  EXPECT_EQ(words_of("  ONDOL_CPU=avx2\tA_1=  --kv q8_0 "), (Words{"ONDOL_CPU=avx2", "A_1=", "--kv=q8_0"}));
  EXPECT_EQ(words_of("other.gguf"), (Words{"other.gguf"}));
  EXPECT_EQ(words_of("dir/a=b.gguf"), (Words{"dir/a=b.gguf"}));
  EXPECT_EQ(words_of("X=1"), (Words{"X=1"}));
}

TEST(BenchSetting, QuotesAndBackslashesAsInAShell) {
  EXPECT_EQ(words_of("'my model.gguf'"), (Words{"my model.gguf"}));
  EXPECT_EQ(words_of("\"my \\\"model\\\".gguf\""), (Words{"my \"model\".gguf"}));
  EXPECT_EQ(words_of("my\\ mod'el.g'guf"), (Words{"my model.gguf"}));
  EXPECT_EQ(words_of("'a\\b'"), (Words{"a\\b"}));
  EXPECT_EQ(words_of("X='a b' m"), (Words{"X=a b", "m"}));
}

TEST(BenchSetting, RefusesWhatIsNoSetting) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "got nothing"},        {" \n", "got nothing"}, {"'x", "expected a closing '"},
      {"--no-such", "--no-such"}, {"-r 3", "-r"},  // rounds, limits and the like hold for both
      {"--limits", "--limits"},   {"--help", "--help"},   {"-p x", "x"},
      {"--depth=-1", "-1"},       {"a b", "b"},
  };
  for (const auto& [text, why] : cases) {
    const auto parsed = parse_setting(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message().find(why), std::string::npos) << parsed.error().message();
  }
}

TEST(BenchSetting, ChangesCoverTheFirstSetting) {
  CLI::App app;
  BenchOptions options;
  add_bench_options(app, options);
  app.parse("/models/m.gguf -t 2 --kv f32 -r 3 --json --limits", false);
  const std::vector<GivenOption> first = given_setting(app);
  EXPECT_EQ(in_short(first), "m.gguf -t 2 --kv f32");
  const auto second = parse_setting("-t 1 --depth 64");
  ASSERT_TRUE(second);
  Words words = to_words(overlaid(first, second->options));
  std::sort(words.begin(), words.end());
  EXPECT_EQ(words, (Words{"--depth=64", "--kv=f32", "--threads=1", "/models/m.gguf"}));
}

TEST(BenchResults, Medians) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 100}), 3);
}

TEST(BenchResults, ReadsOurFormatAndLlamaBenchs) {
  const auto ours = parse_results(
      R"json([{"test":"pp512","tokens_per_s":7.5E2,"min":1,"max":2,"rounds":1,"backend":"cpu (avx2, 2 threads)",
           "limit":"int8_operations_per_s","limit_per_s":4,"used_per_s":1,"limit_share":0.25},
          {"test":"tg64@d8192","tokens_per_s":30}])json");
  ASSERT_TRUE(ours) << ours.error().message();
  ASSERT_EQ(ours->size(), 2u);
  EXPECT_EQ((*ours)[0].test, "pp512");
  EXPECT_EQ((*ours)[0].typical(), 750);
  EXPECT_EQ((*ours)[0].backend, "cpu (avx2, 2 threads)");
  EXPECT_EQ((*ours)[0].limit_share(), 0.25);
  EXPECT_EQ((*ours)[1].test, "tg64@d8192");
  EXPECT_TRUE((*ours)[1].limit.empty());

  const auto others = parse_results(
      R"json([{"build_number":1,"n_prompt":512,"n_gen":0,"n_depth":0,"avg_ts":36.359487,"samples_ts":[36.4]},
          {"n_prompt":0,"n_gen":64,"n_depth":8192,"avg_ts":11},
          {"n_prompt":16,"n_gen":8,"avg_ts":5}])json");
  ASSERT_TRUE(others) << others.error().message();
  ASSERT_EQ(others->size(), 3u);
  EXPECT_EQ((*others)[0].test, "pp512");
  EXPECT_EQ((*others)[0].typical(), 36.359487);
  EXPECT_EQ((*others)[1].test, "tg64@d8192");
  EXPECT_EQ((*others)[2].test, "pp16+tg8");
}

TEST(BenchResults, RefusesWhatIsNeither) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "llama-bench -o json"},
      {"llama_model_loader: x\n[]", "got 'llama_model_loader: x'"},
      {"{}", "got '{}'"},
      {"[]", "got 0"},
      {"[1]", "names no test"},
      {R"json([{"test":"pp1","tokens_per_s":0}])json", "pp1"},
      {R"json([{"test":"pp1","tokens_per_s":-3}])json", "pp1"},
      {R"json([{"test":"pp1","tokens_per_s":"fast"}])json", "pp1"},
      {R"json([{"test":"\u001b[2J","tokens_per_s":1}])json", "names no test"},
      {R"json([{"n_prompt":512}])json", "pp512"},
      {R"json([{"avg_ts":5}])json", "names no test"},
      {R"json([{"test":"tg4","tokens_per_s":1},{"n_gen":4,"avg_ts":1}])json", "tg4 twice"},
  };
  for (const auto& [text, why] : cases) {
    const auto results = parse_results(text);
    ASSERT_FALSE(results) << text;
    EXPECT_NE(results.error().message().find(why), std::string::npos) << results.error().message();
  }
}

TestResult result_of(const std::string& test, std::vector<double> rates) {
  TestResult result;
  result.test = test;
  result.tokens_per_s = std::move(rates);
  return result;
}

BenchReport compared_report() {
  BenchReport report;
  report.labels = {"model <1> & \"co\"", "-t 1 \x01\xff"};
  report.rounds = 3;
  report.rows = {{result_of("pp512", {700, 600, 800}), result_of("pp512", {350, 400, 200})},
                 {result_of("tg64", {30, 32, 31}), result_of("tg64@d8192", {20, 16, 15.5})}};
  return report;
}

TEST(BenchResults, RatiosAreOfMediansAndTheirSpreadOfRounds) {
  const BenchReport report = compared_report();
  const Ratio ratio = ratio_of(report.rows[0][0], report.rows[0][1]);
  EXPECT_EQ(ratio.of_medians, 2);
  EXPECT_EQ(ratio.lowest, 1.5);
  EXPECT_EQ(ratio.highest, 4);
}

TEST(BenchResults, JsonKeepsTheFirstSettingWhereASingleOneIs) {
  const json::array document = to_json(compared_report(), Rival::kSetting);
  const json::value& entry = document[0];
  EXPECT_EQ(string_or(entry, "test", ""), "pp512");
  EXPECT_EQ(double_or(entry, "tokens_per_s", 0), 700);
  EXPECT_EQ(double_or(entry, "min", 0), 600);
  EXPECT_EQ(double_or(entry, "max", 0), 800);
  EXPECT_EQ(double_or(entry, "ratio", 0), 2);
  EXPECT_EQ(double_or(*find_member(entry, "against"), "tokens_per_s", 0), 350);
  EXPECT_NE(find_member(*find_member(entry, "against"), "setting"), nullptr);
  EXPECT_EQ(find_member(entry, "limit"), nullptr);
  // What is written can be read.
  EXPECT_TRUE(parse_results(json::serialize(document)));
}

TEST(BenchPrint, NamesSettingsTestsAndLimits) {
  BenchReport report = compared_report();
  TestResult& first = report.rows[1][0];
  first.limit = "read_bytes_per_s";
  first.used_per_s = {20e9, 21e9, 22e9};
  first.limit_per_s = {40e9, 28e9, 44e9};
  const std::string words = in_words(report);
  for (const char* expected : {"A  model", "B  -t 1", "700.00 (600.00 to 800.00)", "2.000 (1.500 to 4.000)",
                               "tg64 / tg64@d8192", "50 % of the read bandwidth (21.00 / 40.00 GB/s)"}) {
    EXPECT_NE(words.find(expected), std::string::npos) << expected << "\n" << words;
  }
}

TEST(BenchSvg, IsValidTextWhateverTheLabels) {
  const std::string svg = draw_svg(compared_report());
  EXPECT_NE(svg.find("model &lt;1&gt; &amp; &quot;co&quot;"), std::string::npos);
  EXPECT_EQ(svg.find('\x01'), std::string::npos);
  EXPECT_EQ(svg.find('\xff'), std::string::npos);
  EXPECT_NE(svg.find("2.00\u00d7"), std::string::npos);
  BenchReport long_label = compared_report();
  for (int i = 0; i < 200; ++i) long_label.labels[1] += "\uac00";
  EXPECT_NE(draw_svg(long_label).find("\uac00\u2026"), std::string::npos);
  BenchReport empty;
  empty.labels = {"m"};
  EXPECT_NE(draw_svg(empty).find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace ondol::cli
