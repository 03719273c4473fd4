// Template: the engine's one entrance. Everything that a template does wrong comes out of it as an Error that names
// line and column.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/jinja/limits.h"

namespace ondol::jinja {

struct ParsedTemplate;

class Template {
 public:
  static Result<Template> parse(std::string_view source);

  struct Output {
    std::string text;
    std::vector<std::pair<size_t, size_t>> generation_spans;
  };
  Result<Output> render(const json::object& context, int64_t now_unix_seconds, const Limits& limits = {}) const;

 private:
  explicit Template(std::shared_ptr<const ParsedTemplate> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const ParsedTemplate> parsed_;
};

}  // namespace ondol::jinja
