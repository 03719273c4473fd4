#include "agent/sandbox_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemFolders[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

constexpr const char* kSystemSettings[] = {"/etc/alternatives",
                                           "/etc/ld.so.cache",
                                           "/etc/ld.so.conf",
                                           "/etc/ld.so.conf.d",
                                           "/etc/nsswitch.conf",
                                           "/etc/localtime",
                                           "/etc/timezone",
                                           "/etc/locale.alias",
                                           "/etc/locale.conf",
                                           "/etc/mime.types",
                                           "/etc/magic",
                                           "/etc/magic.mime",
                                           "/etc/terminfo",
                                           "/etc/inputrc",
                                           "/etc/os-release",
                                           "/etc/lsb-release",
                                           "/etc/debian_version",
                                           "/etc/ssl/certs",
                                           "/etc/ssl/openssl.cnf",
                                           "/etc/ca-certificates",
                                           "/etc/ca-certificates.conf",
                                           "/etc/pki/tls/certs",
                                           "/etc/pki/ca-trust",
                                           "/etc/fonts",
                                           "/etc/python3",
                                           "/etc/perl",
                                           "/etc/java",
                                           "/etc/protocols",
                                           "/etc/services"};

bool lies_in(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder == "/" ? folder : folder + "/");
}

/// Whether every folder on the way is a folder and no link.
bool has_links_on_the_way(const std::string& workspace, const std::string& relative) {
  for (size_t slash = relative.find('/'); slash != relative.npos; slash = relative.find('/', slash + 1)) {
    struct stat info {};
    const std::string folder = workspace + "/" + relative.substr(0, slash);
    if (::lstat(folder.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) return true;
  }
  return false;
}

}  // namespace

std::span<const char* const> system_folders() {
  return kSystemFolders;
}

std::span<const char* const> system_settings() {
  return kSystemSettings;
}

Result<std::string> checked_workspace(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error || !fs::is_directory(real, error) || !path.starts_with('/')) {
    return Error(fmt::format("{}: expected an absolute path of a folder as the workspace", path));
  }
  // Neither inside nor around.
  for (const char* folder :
       {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/sys", "/dev", "/boot"}) {
    if (lies_in(real, folder) || lies_in(folder, real))
      return Error(fmt::format("{}: a folder of the system cannot be a workspace; name one of your own", path));
  }
  for (const char* folder : {"/home", "/tmp", "/var/tmp", "/run", "/var", "/var/run", "/dev/shm"}) {
    if (real == folder) {
      return Error(
          fmt::format("{}: a folder that programs share cannot be a workspace; make one of your own in it", path));
    }
  }
  return real.string();
}

Result<std::vector<HiddenPlace>> hidden_places(const std::string& workspace, const std::vector<std::string>& hidden) {
  std::vector<HiddenPlace> places;
  for (const std::string& name : hidden) {
    const fs::path relative = fs::path(name).lexically_normal();
    if (relative.empty() || relative.is_absolute() || *relative.begin() == ".." || relative == ".")
      return Error(fmt::format("hidden path '{}': expected a path from the workspace on", name));
    std::string clean = relative.string();
    while (clean.ends_with('/')) clean.pop_back();
    if (has_links_on_the_way(workspace, clean)) continue;
    const std::string path = workspace + "/" + clean;
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      places.push_back({path, HiddenPlace::Kind::kAbsent});
    } else if (!S_ISLNK(info.st_mode)) {
      places.push_back({path, S_ISDIR(info.st_mode) ? HiddenPlace::Kind::kFolder : HiddenPlace::Kind::kFile});
    } else if (relative.filename() == ".git") {
      return Error(
          fmt::format("{}: a link cannot be protected from programs; make it a folder, or a file that says "
                      "'gitdir: PLACE'",
                      path));
    }
  }
  return places;
}

Result<TemporaryPlace> TemporaryPlace::make() {
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / "ondol-sandbox-XXXXXX").string();
  if (error) path = "/tmp/ondol-sandbox-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return Error(fmt::format("{}: {}", path, std::strerror(errno)));
  return TemporaryPlace(path);
}

TemporaryPlace::~TemporaryPlace() {
  if (path_.empty()) return;
  std::error_code error;
  fs::remove_all(path_, error);
  if (!error) return;
  // Folders that a program locked against itself.
  for (fs::recursive_directory_iterator entry(path_, fs::directory_options::skip_permission_denied, error), last;
       !error && entry != last; entry.increment(error)) {
    if (entry->symlink_status(error).type() == fs::file_type::directory)
      fs::permissions(entry->path(), fs::perms::owner_all, error);
  }
  fs::remove_all(path_, error);
}

}  // namespace ondol
