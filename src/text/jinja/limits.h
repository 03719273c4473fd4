// Limits of one rendering, and Failure, the exception by which the template engine leaves a failed rendering.
//
// Templates come from strangers, so time, memory, output and recursion are bounded. Failure never leaves this folder:
// Template::parse and Template::render (template.h) turn it into an Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace ondol::jinja {

struct Limits {
  uint64_t max_steps = 10'000'000;                   ///< evaluated nodes, plus work that grows with the data
  uint64_t max_allocated_bytes = uint64_t{1} << 30;  ///< all values ever made, not only those alive
  size_t max_output_bytes = size_t{64} << 20;
  int max_macro_depth = 150;
  int max_evaluation_depth = 2500;
};

constexpr size_t kMaxTextBytes = size_t{64} << 20;  // one string
constexpr uint64_t kMaxWeight = 1'000'000;          // values inside one container, at every level
constexpr uint32_t kMaxValueDepth = 250;            // containers inside containers
constexpr int64_t kMaxRange = 100'000;              // as Jinja2's sandbox
constexpr int kMaxSyntaxDepth = 120;                // nested brackets and blocks
constexpr int kMaxNodeDepth = 600;                  // the tree that long operator chains build
constexpr size_t kMaxTemplateBytes = size_t{8} << 20;

/// A place in the template, both counted from 1. Zero is "unknown".
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
};

/// What a template did wrong. Thrown inside this folder only.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& message, Position position = {})
      : std::runtime_error(message), position(position) {}

  Position position;
};

}  // namespace ondol::jinja
