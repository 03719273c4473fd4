// Names of workers, by which a process finds out which workers of its machine are dead.
#pragma once

#include <string>
#include <string_view>

namespace ondol {

/// "host/number of the process namespace/process.number"
std::string own_worker_name(int number);

/// Whether the name is of a process of this machine and namespace, and that process is no more. A process that has its
/// number since makes it seem alive.
bool is_dead_worker(std::string_view name);

}  // namespace ondol
