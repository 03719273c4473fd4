// PartFile: a file that appears under its name only when it is complete. Until then it is NAME.part, which is removed
// when anything fails.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "tensor/tensor.h"

namespace ondol {

class PartFile {
 public:
  /// Creates PATH.part and reserves `size_bytes` on the disk, so that a full disk is noticed before the work starts.
  static Result<PartFile> create(std::string path, uint64_t size_bytes);

  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&&) = delete;
  ~PartFile();

  const std::string& path() const { return path_; }
  uint64_t written_bytes() const { return written_bytes_; }

  Result<void> append(std::span<const uint8_t> bytes);

  /// Waits until the content is on the disk, then renames. Replaces an existing file; who has it mapped keeps the old
  /// one.
  Result<void> publish();

 private:
  PartFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string part_path() const { return path_ + ".part"; }
  Error system_error(std::string_view action) const;

  std::string path_;
  int fd_;
  uint64_t written_bytes_ = 0;
};

/// Appends the numbers of `tensor` to a writer. Rows of a view may lie apart; those of a file do not.
template <typename Writer>
Result<void> append_tensor(Writer& writer, const Tensor& tensor) {
  const size_t n_bytes = row_bytes(tensor.type(), tensor.columns());
  if (tensor.row_stride_bytes() == n_bytes) return writer.append({tensor.bytes(), tensor.size_bytes()});
  for (int64_t row = 0; row < tensor.rows(); ++row) ONDOL_TRY(writer.append({tensor.row_bytes(row), n_bytes}));
  return {};
}

}  // namespace ondol
