#include "agent/agent_session.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "agent/result_text.h"
#include "base/clock.h"
#include "base/files.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = size_t{256} << 20;
constexpr int kFormat = 1;

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == id.npos;
}

/// The time, and letters that keep two of a second apart.
Result<std::string> new_id() {
  const time_t now = static_cast<time_t>(ONDOL_TRY(now_unix_seconds()));
  tm parts{};
  ::gmtime_r(&now, &parts);
  std::random_device device;
  std::string letters;
  for (int i = 0; i < 4; ++i) letters += static_cast<char>('a' + device() % 26);
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}-{}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, letters);
}

/// Steps out of lines; `whole` becomes the length of the lines that are complete.
Result<std::vector<json::object>> parse_steps(const std::string& text, const std::string& path, size_t& whole) {
  std::vector<json::object> steps;
  whole = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) break;  // cut off by a crash
    auto line = parse_json(std::string_view(text).substr(at, end - at));
    if (!line || !line->is_object() || int_or(*line, "step", -1) != static_cast<int64_t>(steps.size())) {
      return Error(fmt::format("{}: line {}: expected step {} as a JSON object", path, steps.size() + 1, steps.size()));
    }
    steps.push_back(std::move(line->get_object()));
    at = whole = end + 1;
  }
  if (steps.empty() || string_or(steps.front(), "type", "") != "session") {
    return Error(path + ": expected a session's header in the first line");
  }
  if (int_or(steps.front(), "format", 0) != kFormat) {
    return Error(fmt::format("{}: expected format {}, got {}", path, kFormat, int_or(steps.front(), "format", 0)));
  }
  return steps;
}

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (::fdatasync(fd) != 0) return Error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  return {};
}

int count_results(const std::string& folder) {
  int highest = 0;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder + "/results", code)) {
    highest = std::max(highest, std::atoi(entry.path().stem().c_str()));
  }
  return highest;
}

}  // namespace

Result<AgentSession> AgentSession::make_folder(const std::string& sessions) {
  AgentSession session;
  std::error_code code;
  fs::create_directories(sessions, code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", sessions, code.message()));
  do {
    session.id_ = ONDOL_TRY(new_id());
    session.folder_ = sessions + "/" + session.id_;
  } while (!fs::create_directory(session.folder_, code) && !code);
  if (code) return Error(fmt::format("{}: cannot make the folder: {}", session.folder_, code.message()));
  // What an agent reads and does is nobody else's business.
  fs::permissions(session.folder_, fs::perms::owner_all, code);
  return session;
}

Result<void> AgentSession::lock(bool is_new) {
  const std::string path = folder_ + "/steps.jsonl";
  const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | (is_new ? O_CREAT | O_EXCL : 0);
  file_.reset(::open(path.c_str(), flags, 0600));
  if (!file_.is_open()) return Error(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(fmt::format("{}: another process is at work on this session", path));
  }
  return {};
}

Result<AgentSession> AgentSession::create(const std::string& sessions, json::object header) {
  AgentSession session = ONDOL_TRY(make_folder(sessions));
  ONDOL_TRY(session.lock(true));
  json::object first = {{"type", "session"}, {"format", kFormat}, {"id", session.id_}};
  first["created"] = ONDOL_TRY(now_unix_seconds());
  first["marks"] = UntrustedMarks::new_letters();
  for (auto& [key, value] : header) first[key] = std::move(value);
  ONDOL_TRY(session.append(std::move(first)));
  return session;
}

bool AgentSession::exists(const std::string& sessions, const std::string& id) {
  std::error_code code;
  return is_id(id) && fs::exists(sessions + "/" + id + "/steps.jsonl", code);
}

Result<std::vector<json::object>> AgentSession::read(const std::string& sessions, const std::string& id) {
  const std::string path = sessions + "/" + id + "/steps.jsonl";
  if (!exists(sessions, id)) {
    return Error(fmt::format("session '{}': there is none of this name in {}; hint: ondol act --list", id, sessions));
  }
  const std::string text = ONDOL_TRY(read_file(path, kMostBytes));
  size_t whole = 0;
  return parse_steps(text, path, whole);
}

Result<AgentSession> AgentSession::open(const std::string& sessions, const std::string& id) {
  ONDOL_TRY(read(sessions, id));  // its errors are the better ones
  AgentSession session;
  session.id_ = id;
  session.folder_ = sessions + "/" + id;
  ONDOL_TRY(session.lock(false));
  const std::string path = session.folder_ + "/steps.jsonl";
  const std::string text = ONDOL_TRY(read_file(path, kMostBytes));
  size_t whole = 0;
  session.steps_ = ONDOL_TRY(parse_steps(text, path, whole));
  if (whole < text.size() && ::ftruncate(session.file_.get(), static_cast<off_t>(whole)) != 0) {
    return Error(fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  }
  session.n_results_ = count_results(session.folder_);
  return session;
}

Result<AgentSession> AgentSession::branch(const std::string& sessions, const std::string& id, int last_step) {
  std::vector<json::object> steps = ONDOL_TRY(read(sessions, id));
  if (last_step < 1 || last_step >= static_cast<int>(steps.size())) {
    return Error(fmt::format("session '{}': expected a step from 1 to {}, got {}", id, steps.size() - 1, last_step));
  }
  AgentSession session = ONDOL_TRY(make_folder(sessions));
  std::error_code code;
  const std::string results = sessions + "/" + id + "/results";
  if (fs::exists(results, code)) fs::copy(results, session.folder_ + "/results", fs::copy_options::recursive, code);
  if (code) return Error(fmt::format("{}: cannot copy: {}", results, code.message()));
  session.n_results_ = count_results(session.folder_);
  ONDOL_TRY(session.lock(true));
  steps.resize(static_cast<size_t>(last_step) + 1);
  steps.front()["id"] = session.id_;
  steps.front()["created"] = ONDOL_TRY(now_unix_seconds());
  steps.front()["branch_of"] = id;
  for (json::object& step : steps) ONDOL_TRY(session.append(std::move(step)));
  return session;
}

std::vector<AgentSessionInfo> AgentSession::list(const std::string& sessions) {
  std::vector<AgentSessionInfo> infos;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(sessions, code)) {
    const std::string id = entry.path().filename();
    const auto steps = read(sessions, id);
    if (!steps) continue;
    AgentSessionInfo info;
    info.id = id;
    info.workspace = string_or(steps->front(), "workspace", "");
    info.model = string_or(steps->front(), "model", "");
    info.created_unix_seconds = int_or(steps->front(), "created", 0);
    info.n_steps = static_cast<int>(steps->size());
    for (const json::object& step : *steps) {
      const std::string type = string_or(step, "type", "");
      if (type == "goal" && info.goal.empty()) info.goal = string_or(step, "text", "");
      info.end = type == "end" ? string_or(step, "reason", "") : "";
    }
    infos.push_back(std::move(info));
  }
  std::sort(infos.begin(), infos.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_unix_seconds, a.id) > std::tie(b.created_unix_seconds, b.id);
  });
  return infos;
}

Result<void> AgentSession::append(json::object step) {
  json::object numbered = {{"step", static_cast<int64_t>(steps_.size())}};
  for (auto& [key, value] : step) {
    if (key != "step") numbered[key] = std::move(value);
  }
  ONDOL_TRY(write_all(file_.get(), json_text(numbered) + "\n", folder_ + "/steps.jsonl"));
  steps_.push_back(std::move(numbered));
  return {};
}

Result<int> AgentSession::keep_result(std::string_view text) {
  std::error_code code;
  fs::create_directories(folder_ + "/results", code);
  const int number = n_results_ + 1;
  ONDOL_TRY(write_file_atomically(fmt::format("{}/results/{}.txt", folder_, number), text));
  n_results_ = number;
  return number;
}

Result<std::string> AgentSession::result(int number) const {
  const std::string path = fmt::format("{}/results/{}.txt", folder_, number);
  std::error_code code;
  if (number < 1 || !fs::exists(path, code)) {
    return Error(fmt::format("result {}: there is none of this number; there are {}", number, n_results_));
  }
  return read_file(path, kMostBytes);
}

}  // namespace ondol
