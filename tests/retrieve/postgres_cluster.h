// A real PostgreSQL server, which tests start for themselves where it is installed.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/formats/temporary_folder.h"

namespace ondol {

inline int shell(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The folder of initdb and postgres, which ONDOL_POSTGRES_BIN may name; empty where there is none.
inline std::string server_programs() {
  if (const char* folder = std::getenv("ONDOL_POSTGRES_BIN")) return folder;
  for (const char* version : {"17", "16", "15", "14"}) {
    const std::string folder = fmt::format("/usr/lib/postgresql/{}/bin", version);
    if (std::filesystem::exists(folder + "/initdb")) return folder;
  }
  return "";
}

/// A cluster in a folder of its own, reached by a socket there. PostgreSQL refuses to run as root, so then it runs as
/// the user that its package made.
class PostgresTest : public TemporaryFolder {
 protected:
  static void SetUpTestSuite() {
    const std::string programs = server_programs();
    if (programs.empty()) return;
    char name[] = "/tmp/ondol-postgres-XXXXXX";
    if (::mkdtemp(name) == nullptr) return;
    cluster_ = name;
    as_user_ = ::geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : "";
    if (::geteuid() == 0 && shell("chown postgres:postgres " + cluster_) != 0) return;
    const std::string make =
        fmt::format("cd {0} && {1}{2}/initdb -D {0}/data -U ondol -A trust --no-sync >/dev/null 2>&1", cluster_,
                    as_user_, programs);
    if (shell(make) != 0) return;
    const std::string start = fmt::format(
        "cd {0} && {1}{2}/pg_ctl -D {0}/data -o \"-k {0} -c listen_addresses='' -c fsync=off\" -w -t 60 "
        "-l {0}/log start >/dev/null 2>&1",
        cluster_, as_user_, programs);
    is_running_ = shell(start) == 0;
  }

  static void TearDownTestSuite() {
    if (is_running_) {
      (void)shell(fmt::format("cd / && {}{}/pg_ctl -D {}/data -m immediate stop >/dev/null 2>&1", as_user_,
                              server_programs(), cluster_));
    }
    std::error_code error;
    if (!cluster_.empty()) std::filesystem::remove_all(cluster_, error);
    cluster_.clear();
    as_user_.clear();
  }

  void SetUp() override {
    TemporaryFolder::SetUp();
    if (!is_running_) GTEST_SKIP() << "no PostgreSQL server can be started here; install postgresql";
    ASSERT_EQ(shell(fmt::format("{}/createdb -h {} -U ondol {} >/dev/null 2>&1", server_programs(), cluster_, name())),
              0);
  }

  static std::string name() { return fmt::format("db{}", ++count_); }
  static std::string url() { return fmt::format("postgresql://ondol@/db{}?host={}", count_, cluster_); }

  static inline std::string cluster_;
  static inline std::string as_user_;
  static inline bool is_running_ = false;
  static inline int count_ = 0;
};

}  // namespace ondol
