// How many processors this process's cgroup lets it use.
#pragma once

#include <string>

namespace ondol {

/// The CPU quota, in processors rounded up, of the cgroup that `membership` (the text of /proc/self/cgroup) names and
/// of its ancestors, under the mount point `root` (normally /sys/fs/cgroup). 0 when there is no quota. Reads versions 1
/// and 2; inside a container, whose own group is mounted at the root, the root's files count as well.
int cgroup_processor_limit(const std::string& root, const std::string& membership);

/// The same of this process.
int this_cgroup_processor_limit();

}  // namespace ondol
