#include "retrieve/formats/zip.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

namespace ondol {
namespace {

constexpr size_t kMostEntries = 20'000;
constexpr size_t kMostBytes = size_t{512} << 20;
/// So many times the archive's size are no surprise however small it is; above that, only at this rate.
constexpr size_t kHarmlessBytes = size_t{32} << 20;
constexpr size_t kMostRate = 200;

using ArchivePointer = std::unique_ptr<archive, int (*)(archive*)>;

Result<ArchivePointer> open_zip(std::string_view bytes) {
  ArchivePointer zip(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(zip.get());
  if (archive_read_open_memory(zip.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return Error("expected a zip archive, which this is not");
  return zip;
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);
  if (name == nullptr) name = archive_entry_pathname(entry);
  std::string_view view = name == nullptr ? "" : name;
  while (view.starts_with("./")) view.remove_prefix(2);
  return std::string(view);
}

class ZipReader {
 public:
  explicit ZipReader(std::string_view bytes) : size_(bytes.size()) {}

  Result<std::string> unpack(archive* zip, archive_entry* entry, const std::string& name) {
    if (archive_entry_is_encrypted(entry) != 0) return Error("it is encrypted");
    std::string content;
    while (true) {
      const void* part = nullptr;
      size_t n = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(zip, &part, &n, &offset);
      if (status == ARCHIVE_EOF) return content;
      if (status < ARCHIVE_WARN) return Error(fmt::format("{}: damaged: {}", name, message(zip)));
      n_bytes_ += n;
      if (n_bytes_ > kMostBytes || (n_bytes_ > kHarmlessBytes && n_bytes_ / kMostRate > size_)) {
        return Error(fmt::format("it unpacks to more than {} MiB, which documents of {} bytes do not",
                                 (n_bytes_ - 1) >> 20, size_));
      }
      content.append(static_cast<const char*>(part), n);
    }
  }

  static std::string_view message(archive* zip) {
    const char* text = archive_error_string(zip);
    return text == nullptr ? "unknown reason" : text;
  }

 private:
  size_t size_;
  size_t n_bytes_ = 0;  // unpacked so far
};

int value_of_hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

}  // namespace

Result<ZipEntries> read_zip(std::string_view bytes, const std::function<bool(std::string_view name)>& is_wanted) {
  const ArchivePointer zip = ONDOL_TRY(open_zip(bytes));
  ZipReader reader(bytes);
  ZipEntries entries;
  size_t n_entries = 0;
  while (true) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(zip.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status < ARCHIVE_WARN) {
      if (entries.empty()) return Error(fmt::format("a damaged zip archive: {}", ZipReader::message(zip.get())));
      break;  // what came before can be read
    }
    if (++n_entries > kMostEntries)
      return Error(fmt::format("expected at most {} entries in an archive", kMostEntries));
    std::string name = name_of(entry);
    if (!is_wanted(name)) continue;
    std::string content = ONDOL_TRY(reader.unpack(zip.get(), entry, name));
    entries.emplace(std::move(name), std::move(content));
  }
  return entries;
}

Result<ZipEntries> list_zip(std::string_view bytes) {
  ZipEntries names;
  ONDOL_TRY(read_zip(bytes, [&](std::string_view name) {
    names.emplace(name, "");
    return false;
  }));
  return names;
}

std::string resolve_entry(std::string_view base, std::string_view target) {
  target = target.substr(0, target.find('#'));
  std::string decoded;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == '%' && i + 2 < target.size() && value_of_hex(target[i + 1]) >= 0 &&
        value_of_hex(target[i + 2]) >= 0) {
      decoded += static_cast<char>(value_of_hex(target[i + 1]) * 16 + value_of_hex(target[i + 2]));
      i += 2;
    } else {
      decoded += target[i];
    }
  }
  const bool is_absolute = decoded.starts_with('/');
  std::string path = is_absolute ? decoded : std::string(base.substr(0, base.rfind('/') + 1)) + decoded;
  std::vector<std::string> parts;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string part = path.substr(start, end - start);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (part != ".." && part != "." && !part.empty()) parts.push_back(part);
    start = end + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
  return out;
}

}  // namespace ondol
