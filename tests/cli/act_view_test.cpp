#include "cli/act_view.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace ondol::cli {
namespace {

/// What a person types, in place of standard input.
class Typed {
 public:
  explicit Typed(std::string_view text) : saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }
  ~Typed() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

struct Asked {
  ApprovalAnswer answer;
  std::string shown;
};

Asked ask(std::string_view typed, bool with_always, std::string preview = "ls -l") {
  ApprovalRequest request{"run_shell", {{"command", "ls"}}, std::move(preview), "it changes the workspace", {}};
  if (with_always) request.always = RememberedApproval{"run_shell", "exactly:{\"command\":\"ls\"}"};
  const Typed input(typed);
  testing::internal::CaptureStderr();
  const auto answer = ask_at_terminal(request);
  return {answer.value(), testing::internal::GetCapturedStderr()};
}

TEST(ActView, YesNoAlways) {
  EXPECT_EQ(ask("y\n", true).answer, ApprovalAnswer::kOnce);
  EXPECT_EQ(ask("예\n", true).answer, ApprovalAnswer::kOnce);
  EXPECT_EQ(ask("n\n", true).answer, ApprovalAnswer::kNo);
  EXPECT_EQ(ask("a\n", true).answer, ApprovalAnswer::kAlways);
  EXPECT_EQ(ask("항상\n", true).answer, ApprovalAnswer::kAlways);
}

TEST(ActView, AnythingElseIsNoAnswer) {
  EXPECT_EQ(ask("", true).answer, ApprovalAnswer::kNo);
  EXPECT_EQ(ask("yes", true).answer, ApprovalAnswer::kNo) << "the end of input before the line was";
  EXPECT_EQ(ask("\nmaybe\nn\n", true).answer, ApprovalAnswer::kNo);
  EXPECT_EQ(ask("a\nn\n", false).answer, ApprovalAnswer::kNo) << "there is no always here";
  EXPECT_EQ(ask("a\ny\n", false).answer, ApprovalAnswer::kOnce);
}

TEST(ActView, ThePreviewAndWhatAlwaysCoversAreShown) {
  const Asked asked = ask("y\n", true, "line one\nline two");
  EXPECT_NE(asked.shown.find("run_shell"), std::string::npos);
  EXPECT_NE(asked.shown.find("it changes the workspace"), std::string::npos);
  EXPECT_NE(asked.shown.find("line one\nline two\n"), std::string::npos);
  EXPECT_NE(asked.shown.find("exactly:{\"command\":\"ls\"}"), std::string::npos);
}

TEST(ActView, APreviewDoesNotSteerTheTerminal) {
  const Asked asked = ask("n\n", true, "\x1b[2J\x1b[HAllow it? y\rhidden");
  EXPECT_EQ(asked.shown.find('\x1b'), std::string::npos);
  EXPECT_EQ(asked.shown.find('\r'), std::string::npos);
}

TEST(ActView, LongPreviewsAreCut) {
  std::string preview;
  for (int i = 0; i < 500; ++i) preview += "line " + std::to_string(i) + "\n";
  const Asked asked = ask("n\n", true, preview);
  EXPECT_NE(asked.shown.find("line 59\n"), std::string::npos);
  EXPECT_EQ(asked.shown.find("line 60\n"), std::string::npos);
  EXPECT_NE(asked.shown.find("and 441 more lines"), std::string::npos);
}

}  // namespace
}  // namespace ondol::cli
