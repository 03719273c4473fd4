#include "cli/bench_svg.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <fmt/format.h>

#include "cli/bench_print.h"
#include "cli/language.h"
#include "cli/svg_text.h"
#include "text/unicode.h"

namespace ondol::cli {
namespace {

// All in pixels.
constexpr double kWidth = 760;
constexpr double kMargin = 24;
constexpr double kNameColumn = 112;
constexpr double kBarsLeft = kMargin + kNameColumn;
constexpr double kFiguresWidth = 176;
constexpr double kRatioColumn = 116;
constexpr double kLegendLine = 22;
constexpr double kBarHeight = 24;
constexpr double kBarGap = 8;
constexpr double kGroupGap = 28;

// In columns of a terminal: a letter is about 7.5 pixels wide, a Korean syllable twice that.
constexpr int kLongestLine = 92;

// The card has its own background: a page may be dark where the reader's system is not.
constexpr const char* kStyle =
    "<style>"
    ".card{fill:#fff;stroke:#d8dee4}.text{fill:#1f2328}.muted{fill:#59636e}.a{fill:#d9480f}.b{fill:#8c959f}"
    ".whisker{stroke:#1f2328;stroke-width:1.5;fill:none}.axis{stroke:#d8dee4}"
    "text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','Noto Sans CJK KR',sans-serif;"
    "font-size:13px;font-variant-numeric:tabular-nums}"
    "text.title{font-size:17px;font-weight:600}text.name{font-size:14px;font-weight:600}"
    "text.ratio{font-size:20px;font-weight:700}text.small{font-size:11.5px}"
    "@media (prefers-color-scheme:dark){"
    ".card{fill:#161b22;stroke:#30363d}.text{fill:#e6edf3}.muted{fill:#9198a1}.a{fill:#ff8244}.b{fill:#7d8590}"
    ".whisker{stroke:#e6edf3}.axis{stroke:#30363d}}"
    "</style>\n";

/// The start of a text, as many columns of it as fit.
std::string cut(std::string_view text, int columns) {
  int used = 0;
  for (size_t at = 0; at < text.size();) {
    const DecodedCharacter c = decode_utf8(text, at);
    used += display_width(text.substr(at, c.size));
    if (used > columns) return std::string(text.substr(0, at)) + "\u2026";
    at += c.size;
  }
  return std::string(text);
}

const char* what_is_measured(const TestResult& result) {
  if (result.test.starts_with("pp")) return "reading a prompt";
  return result.test.starts_with("tg") ? "generating" : "";
}

class Drawing {
 public:
  explicit Drawing(const BenchReport& report) : report_(report) {
    const double right = kWidth - kMargin - kFiguresWidth - (report.compares() ? kRatioColumn : 0);
    bars_width_ = right - kBarsLeft;
    for (const auto& row : report.rows) longest_of_all_ = std::max(longest_of_all_, longest(row));
  }

  std::string draw() {
    y_ = kMargin + 8;
    draw_head();
    for (const auto& row : report_.rows) draw_row(row);
    y_ += 2;
    text(kMargin, y_ + 12, "small muted", note());
    y_ += 12 + kMargin - 4;
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
               "{1:.0f}\" role=\"img\">\n<title>{2}</title>\n{3}<rect class=\"card\" x=\"0.5\" y=\"0.5\" "
               "width=\"{4:.0f}\" height=\"{5:.0f}\" rx=\"10\"/>\n",
               kWidth, y_, svg_text(summary()), kStyle, kWidth - 1, y_ - 1) +
           body_ + "</svg>\n";
  }

 private:
  static double longest(const std::vector<TestResult>& row) {
    double rate = 0;
    for (const TestResult& result : row) rate = std::max(rate, result.fastest());
    return rate;
  }

  void text(double x, double y, std::string_view style, std::string_view words, bool at_end = false) {
    fmt::format_to(std::back_inserter(body_), "<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", style, x, y,
                   at_end ? " text-anchor=\"end\"" : "", svg_text(words));
  }

  /// The whole result, for those who hear it.
  std::string summary() const {
    std::string words = std::string(tr("Tokens per second, measured by ondol bench")) + ".";
    for (const auto& row : report_.rows) {
      words += fmt::format(" {}: {:.2f}", row[0].test, row[0].typical());
      if (report_.compares()) words += fmt::format(" / {:.2f}", row[1].typical());
      words += '.';
    }
    return words;
  }

  std::string note() const {
    std::string words(tr("Longer is faster."));
    if (report_.compares()) words += " " + std::string(tr("Each test has a scale of its own."));
    if (report_.rounds > 1) {
      words += " " + fmt::format(fmt::runtime(tr("Bars: median of {} rounds; whiskers: slowest to fastest.")),
                                 report_.rounds);
    }
    return words;
  }

  void draw_head() {
    text(kMargin, y_ + 10, "title text", tr("Tokens per second"));
    y_ += 18;
    for (size_t i = 0; i < report_.labels.size(); ++i) {
      y_ += kLegendLine;
      if (report_.compares()) {
        fmt::format_to(std::back_inserter(body_),
                       "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" rx=\"3\"/>\n",
                       i == 0 ? "a" : "b", kMargin, y_ - 11);
      }
      std::string backend = report_.rows.empty() ? "" : report_.rows[0][i].backend;
      if (!backend.empty()) backend = "  \u00b7  " + backend;
      // Where a file lies on its owner's disk is nothing to publish.
      const std::string file = std::filesystem::path(report_.labels[i]).filename().string();
      const std::string& whole = report_.compares() || file.empty() ? report_.labels[i] : file;
      const std::string label = cut(whole, kLongestLine - static_cast<int>(backend.size()));
      text(kMargin + (report_.compares() ? 20 : 0), y_, "text", label + backend);
    }
    y_ += kGroupGap;
  }

  void draw_row(const std::vector<TestResult>& row) {
    const double height = static_cast<double>(row.size()) * (kBarHeight + kBarGap) - kBarGap;
    const double middle = y_ + height / 2;
    text(kMargin, middle - 1, "name text", row[0].test);
    const bool two_names = row.size() == 2 && row[1].test != row[0].test;
    text(kMargin, middle + 15, "small muted",
         two_names ? "/ " + row[1].test : std::string(tr(what_is_measured(row[0]))));
    const double scale = bars_width_ / (report_.compares() ? longest(row) : longest_of_all_);
    fmt::format_to(std::back_inserter(body_), "<path class=\"axis\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/>\n",
                   kBarsLeft - 0.5, y_ - 5, y_ + height + 5);
    for (size_t i = 0; i < row.size(); ++i) {
      draw_bar(row[i], y_ + static_cast<double>(i) * (kBarHeight + kBarGap), scale, i == 0 ? "a" : "b");
    }
    if (report_.compares()) draw_ratio(row, middle);
    y_ += height + kGroupGap;
  }

  void draw_bar(const TestResult& result, double top, double scale, const char* color) {
    fmt::format_to(std::back_inserter(body_),
                   "<rect class=\"bar {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" rx=\"3\"/>\n",
                   color, kBarsLeft, top, result.typical() * scale, kBarHeight);
    const double middle = top + kBarHeight / 2;
    const double from = kBarsLeft + result.slowest() * scale;
    const double to = kBarsLeft + result.fastest() * scale;
    if (result.tokens_per_s.size() > 1) {
      fmt::format_to(std::back_inserter(body_),
                     "<path class=\"whisker\" d=\"M{0:.1f} {2:.1f}H{1:.1f}M{0:.1f} {3:.1f}V{4:.1f}M{1:.1f} "
                     "{3:.1f}V{4:.1f}\"/>\n",
                     from, to, middle, middle - 5, middle + 5);
    }
    const double figures = to + 10;
    const std::string share = share_in_words(result);
    text(figures, share.empty() ? middle + 5 : middle - 1.5, "text", fmt::format("{:.2f}", result.typical()));
    if (!share.empty()) text(figures, middle + 11.5, "small muted", share);
  }

  void draw_ratio(const std::vector<TestResult>& row, double middle) {
    const Ratio ratio = ratio_of(row[0], row[1]);
    const double right = kWidth - kMargin;
    text(right, middle + 3, "ratio text", fmt::format("{:.2f}\u00d7", ratio.of_medians), true);
    if (report_.rounds > 1) {
      text(right, middle + 19, "small muted", fmt::format("{:.2f} \u2013 {:.2f}", ratio.lowest, ratio.highest), true);
    }
  }

  const BenchReport& report_;
  double bars_width_ = 0;
  double longest_of_all_ = 0;
  double y_ = 0;
  std::string body_;
};

}  // namespace

std::string draw_svg(const BenchReport& report) {
  return Drawing(report).draw();
}

}  // namespace ondol::cli
