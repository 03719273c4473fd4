#include "agent/tool.h"

#include "agent/workspace.h"

namespace ondol {

Result<std::string> ToolContext::read_file(std::string_view path) const {
  return read_elsewhere ? read_elsewhere(path) : workspace.read_file(path);
}

Result<void> ToolContext::write_file(std::string_view path, std::string_view content) const {
  return write_elsewhere ? write_elsewhere(path, content) : workspace.write_file(path, content);
}

}  // namespace ondol
