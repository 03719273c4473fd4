// SessionTail: the steps of a session as they are written, also by another process. Only what is new is read.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace ondol {

class SessionTail {
 public:
  /// `path` is the session's steps.jsonl; it may not be there yet. Steps up to and with the number `after` are left
  /// out.
  SessionTail(std::string path, int64_t after) : path_(std::move(path)), after_(after) {}

  /// The whole steps that were written since, some megabytes of them at most. Error: damaged lines.
  Result<std::vector<json::object>> next();

 private:
  std::string path_;
  int64_t after_;
  uint64_t offset_ = 0;
  std::string rest_;  // the beginning of a line
};

}  // namespace ondol
