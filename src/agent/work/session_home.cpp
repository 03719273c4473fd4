#include "agent/work/session_home.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "agent/mcp/sealed_state.h"
#include "base/files.h"

namespace ondol {
namespace {

constexpr size_t kMostBytes = 200;

}  // namespace

Result<std::string> session_home(const std::string& data_folder) {
  const std::string file = data_folder + "/home";
  std::error_code code;
  if (!std::filesystem::exists(file, code)) {
    // Whole before it has its name: of two who come at once, both read what the first has written.
    const std::string own = mcp::secret_id();
    const std::string written = file + "." + own;
    ONDOL_TRY(write_file_atomically(written, own));
    const int fault = ::link(written.c_str(), file.c_str()) == 0 ? 0 : errno;
    ::unlink(written.c_str());
    if (fault != 0 && fault != EEXIST) return Error(fmt::format("{}: cannot make: {}", file, std::strerror(fault)));
  }
  return read_file(file, kMostBytes);
}

}  // namespace ondol
