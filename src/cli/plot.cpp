// ondol plot: the logs of trainings as a picture.
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/curve_svg.h"

namespace ondol::cli {
namespace {

struct Options {
  std::vector<std::string> logs;
  std::string out;
};

const json::value* number_of(const json::value& line, std::string_view key) {
  const json::value* value = find_member(line, key);
  return value != nullptr && value->is_number() ? value : nullptr;
}

Result<Curve> read_curve(const std::string& path) {
  const std::string text = ONDOL_TRY(read_file(path));
  Curve curve{std::filesystem::path(path).filename().string(), {}, {}};
  int64_t n_lines = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++n_lines;
    if (line.empty()) continue;
    const json::value document = ONDOL_TRY(parse_json(line).in(fmt::format("{}:{}", path, n_lines)));
    const json::value* step = number_of(document, "step");
    const json::value* loss = number_of(document, "loss");
    if (step == nullptr || loss == nullptr) {
      return Error(
          fmt::format("{}:{}: expected \"step\" and \"loss\", as ondol train --log writes them", path, n_lines));
    }
    curve.points.emplace_back(step->to_number<double>(), loss->to_number<double>());
    if (const json::value* validation = number_of(document, "validation_loss")) {
      curve.validation.emplace_back(step->to_number<double>(), validation->to_number<double>());
    }
  }
  if (curve.points.empty()) return Error(fmt::format("{}: expected steps of a training, found none", path));
  return curve;
}

Result<void> plot(const Options& options) {
  std::vector<Curve> curves;
  for (const std::string& log : options.logs) curves.push_back(ONDOL_TRY(read_curve(log)));
  ONDOL_TRY(write_file_atomically(options.out, draw_curves(curves)));
  fmt::print(stderr, "{}\n", options.out);
  return {};
}

}  // namespace

void add_plot(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "plot", "Draw the curves of trainings",
                                  "  ondol plot mine.log -o curves.svg\n"
                                  "  ondol plot first.log second.log -o both.svg\n",
                                  [options] { return plot(*options); });
  command->add_option("LOG", options->logs, "Files that ondol train --log wrote")->required();
  command->add_option("-o,--out", options->out, "The picture to write (SVG)")->required();
}

}  // namespace ondol::cli
