// Landlock for ondol-cell: rules for files, which hold for the calling process and all that come from it.
#pragma once

#include <string>
#include <vector>

namespace ondol::cell {

/// 0: the kernel has none.
int landlock_version();

/// Rules as in CellField::kRule; paths that are not there are passed over. TCP, abstract sockets and signals to
/// processes outside are refused as far as the kernel can. False, with errno: nothing may be started.
bool restrict_files(const std::vector<std::string>& rules);

}  // namespace ondol::cell
