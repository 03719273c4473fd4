// IgnoreRules: what .gitignore and .ondolignore files leave out, as git's documentation of gitignore says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol {

class IgnoreRules {
 public:
  /// Lines of a file in `folder`, a path from the root of the walk ("" is the root itself, "a/b").
  void add(std::string_view lines, std::string_view folder);

  /// Whether the last rule that fits leaves it out. What is below a folder that is left out is not asked for.
  bool leaves_out(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    std::string folder;
    std::string pattern;
    bool is_negated = false;
    bool is_for_folders = false;
    bool is_anchored = false;  // to the folder of its file
  };
  std::vector<Rule> rules_;
};

/// Whether a whole path fits a pattern: * and ? stop at slashes, ** does not, [a-z] and [!a-z] are sets.
bool fits_pattern(std::string_view path, std::string_view pattern);

}  // namespace ondol
