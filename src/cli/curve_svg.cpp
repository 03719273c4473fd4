#include "cli/curve_svg.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "cli/svg_text.h"

namespace ondol::cli {
namespace {

// All in pixels.
constexpr double kWidth = 760;
constexpr double kHeight = 420;
constexpr double kLeft = 64;
constexpr double kRight = 24;
constexpr double kTop = 24;
constexpr double kBottom = 48;
constexpr double kLegendLine = 20;

constexpr const char* kColours[] = {"#d9480f", "#1971c2", "#2f9e44", "#9c36b5", "#e8590c", "#0b7285"};

// The card has its own background: a page may be dark where the reader's system is not.
constexpr const char* kStyle =
    "<style>.card{fill:#fff;stroke:#d8dee4}.text{fill:#1f2328}.muted{fill:#59636e}.axis{stroke:#d8dee4}"
    "text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','Noto Sans CJK KR',sans-serif;font-size:12px}"
    "@media (prefers-color-scheme:dark){.card{fill:#161b22;stroke:#30363d}.text{fill:#e6edf3}.muted{fill:#9198a1}"
    ".axis{stroke:#30363d}}</style>\n";

/// A span of numbers, and where they are drawn.
struct Axis {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double from = 0;
  double to = 0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double at(double value) const { return from + (to - from) * (value - low) / (high - low); }

  /// About five round numbers: 1, 2 or 5 times a power of ten apart.
  std::vector<double> ticks() const {
    const double rough = (high - low) / 5;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
    std::vector<double> ticks;
    for (double tick = std::ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) {
      ticks.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
    }
    return ticks;
  }
};

using Points = std::vector<std::pair<double, double>>;

std::string line(const Points& points, const Axis& x, const Axis& y, const std::string& style) {
  std::string path;
  for (const auto& [step, loss] : points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x.at(step), y.at(loss));
  }
  return fmt::format("<path d=\"{}\" fill=\"none\" {}/>\n", path, style);
}

/// A running mean over about a fiftieth of the points.
Points smoothed(const Points& points) {
  const double kept = 1 - 1 / std::clamp(static_cast<double>(points.size()) / 50, 1.0, 50.0);
  Points result;
  double mean = 0;
  double weight = 0;
  for (const auto& [step, loss] : points) {
    mean = kept * mean + (1 - kept) * loss;
    weight = kept * weight + (1 - kept);
    result.emplace_back(step, mean / weight);
  }
  return result;
}

std::string axes(const Axis& x, const Axis& y) {
  std::string svg;
  for (const double tick : y.ticks()) {
    svg += fmt::format("<line class=\"axis\" x1=\"{0}\" y1=\"{2:.1f}\" x2=\"{1}\" y2=\"{2:.1f}\"/>\n", x.from, x.to,
                       y.at(tick));
    svg += fmt::format("<text class=\"muted\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n", x.from - 8,
                       y.at(tick) + 4, tick);
  }
  for (const double tick : x.ticks()) {
    svg += fmt::format("<text class=\"muted\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:g}</text>\n",
                       x.at(tick), y.from + 18, tick);
  }
  svg += fmt::format("<text class=\"muted\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">step</text>\n",
                     (x.from + x.to) / 2, y.from + 36);
  return svg + fmt::format("<text class=\"muted\" x=\"16\" y=\"{:.1f}\">loss</text>\n", kTop + 4);
}

}  // namespace

std::string draw_curves(const std::vector<Curve>& curves) {
  const double legend = kLegendLine * static_cast<double>(curves.size());
  Axis x{.from = kLeft, .to = kWidth - kRight};
  Axis y{.from = kHeight - kBottom, .to = kTop};
  for (const Curve& curve : curves) {
    for (const Points* points : {&curve.points, &curve.validation}) {
      for (const auto& [step, loss] : *points) {
        x.include(step);
        y.include(loss);
      }
    }
  }
  for (Axis* axis : {&x, &y}) {
    if (axis->high - axis->low < 1e-9) axis->high = axis->low + 1;
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
      "aria-label=\"Loss over steps\">\n{2}<rect class=\"card\" x=\".5\" y=\".5\" width=\"{3}\" height=\"{4}\" "
      "rx=\"8\"/>\n",
      kWidth, kHeight + legend, kStyle, kWidth - 1, kHeight + legend - 1);
  svg += axes(x, y);
  double legend_y = kHeight + 4;
  for (size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    const char* colour = kColours[i % std::size(kColours)];
    svg += line(curve.points, x, y, fmt::format("stroke=\"{}\" stroke-width=\"1\" opacity=\".3\"", colour));
    svg += line(smoothed(curve.points), x, y, fmt::format("stroke=\"{}\" stroke-width=\"2\"", colour));
    if (!curve.validation.empty()) {
      svg += line(curve.validation, x, y, fmt::format("stroke=\"{}\" stroke-dasharray=\"4 3\"", colour));
    }
    for (const auto& [step, loss] : curve.validation) {
      svg +=
          fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n", x.at(step), y.at(loss), colour);
    }
    svg +=
        fmt::format("<rect x=\"{}\" y=\"{:.1f}\" width=\"12\" height=\"4\" fill=\"{}\"/>\n", kLeft, legend_y, colour);
    svg += fmt::format("<text class=\"text\" x=\"{}\" y=\"{:.1f}\">{}{}</text>\n", kLeft + 20, legend_y + 6,
                       svg_text(curve.name), curve.validation.empty() ? "" : " (dots: validation)");
    legend_y += kLegendLine;
  }
  return svg + "</svg>\n";
}

}  // namespace ondol::cli
