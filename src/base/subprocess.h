// Subprocess: another program that this process talks with over descriptors and that ends with it.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ondol {

class Subprocess {
 public:
  /// Starts a program with these descriptors as its standard input and output (they stay the caller's) and nothing on
  /// standard error; `environment` is all that it has. It leads a process group of its own, so that Ctrl-C reaches only
  /// this process, and is killed when the thread that started it ends.
  static Result<Subprocess> start(const std::string& path, std::vector<std::string> arguments, int input, int output,
                                  const std::vector<std::string>& environment = {});
  /// The same with any descriptors: they become 0, 1, 2 and so on, and it has no others.
  static Result<Subprocess> start(const std::string& path, std::vector<std::string> arguments,
                                  std::span<const int> descriptors, const std::vector<std::string>& environment = {});
  Subprocess(Subprocess&& other) noexcept;
  Subprocess& operator=(Subprocess&& other) noexcept;
  ~Subprocess();  // kills it

  /// Kills it if it lives, and waits for its end.
  void end();
  /// Waits until it ends by itself, and then kills it.
  void wait_at_most(int milliseconds);
  /// Behind end() or wait_at_most(): what became of it, as "signal 11" or "exit status 1".
  std::string fate() const;
  bool was_killed_by(int signal) const;
  /// The most memory that it had, resident.
  uint64_t peak_bytes() const { return peak_bytes_; }
  int exit_status() const;  // -1: a signal
  /// 0 behind its end.
  pid_t pid() const { return pid_; }

 private:
  explicit Subprocess(pid_t pid) : pid_(pid) {}
  void wait();

  pid_t pid_ = 0;
  int status_ = 0;
  uint64_t peak_bytes_ = 0;
};

}  // namespace ondol
