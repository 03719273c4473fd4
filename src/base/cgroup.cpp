#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ondol {
namespace {

/// ceil(quota / period), or 0 when either is no positive number ("max", "-1" or an absent file).
int processors_of(double quota, double period) {
  if (!(quota > 0 && period > 0)) return 0;
  const double exact = quota / period;
  return exact >= 1e6 ? 0 : std::max(1, static_cast<int>(exact + 0.999));
}

double read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : 0;
}

int limit_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period)) return 0;
  return processors_of(quota, period);
}

int limit_v1(const std::string& folder) {
  return processors_of(read_number(folder + "/cpu.cfs_quota_us"), read_number(folder + "/cpu.cfs_period_us"));
}

int smaller(int a, int b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

/// The smallest limit of mount + path and of all its ancestors up to the mount itself.
template <typename Limit>
int smallest_limit(const std::string& mount, std::string path, Limit limit) {
  int result = 0;
  while (true) {
    result = smaller(result, limit(mount + path));
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return result;
    path.resize(slash);
  }
}

bool names_controller(std::string controllers, const std::string& wanted) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');) {
    if (one == wanted) return true;
  }
  return false;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int cgroup_processor_limit(const std::string& root, const std::string& membership) {
  int result = 0;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    // "hierarchy-id:controllers:path"; version 2 has id 0 and no controllers.
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    while (!path.empty() && path.back() == '/') path.pop_back();
    if (controllers.empty()) {
      result = smaller(result, smallest_limit(root, path, limit_v2));
      result = smaller(result, smallest_limit(root + "/unified", path, limit_v2));
    } else if (names_controller(controllers, "cpu")) {
      result = smaller(result, smallest_limit(root + "/cpu", path, limit_v1));
    }
  }
  return result;
}

int this_cgroup_processor_limit() {
  return cgroup_processor_limit("/sys/fs/cgroup", read_all("/proc/self/cgroup"));
}

}  // namespace ondol
