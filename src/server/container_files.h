// The files of a container, as clients see them: what was put there and what programs left. What programs leave is
// strangers' work, so files are reached through a Workspace, which no link leads out of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/code_containers.h"
#include "server/file_store.h"

namespace ondol::server {

struct ContainerFile {
  std::string id;    // "cfile_...", the same for as long as the path is
  std::string path;  // from the container's folder on, where programs begin
  uint64_t size_bytes = 0;
  int64_t changed_at = 0;  // Unix seconds
  bool is_given = false;   // a client put it there
};

/// What all of them take.
uint64_t used_bytes(const CodeContainer& container);

/// At most some thousands, the latest change first. Links and what is protected (agent/protected_names.h) are left out.
std::vector<ContainerFile> list_container_files(CodeContainer& container);
std::optional<ContainerFile> find_container_file(CodeContainer& container, std::string_view id);

Result<std::string> read_container_file(const CodeContainer& container, const ContainerFile& file, uint64_t most_bytes);

// What changes files: the caller holds the container's mutex.

/// A copy under the last part of its name. Errors: the container would hold more than `most_bytes`; the disk.
Result<ContainerFile> put_in_container(CodeContainer& container, const KeptFile& file, uint64_t most_bytes);
Result<void> remove_container_file(CodeContainer& container, const ContainerFile& file);

}  // namespace ondol::server
