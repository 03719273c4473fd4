#include "train/data/record_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "text/unicode.h"

namespace ondol::train {
namespace {

namespace fs = std::filesystem;

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kMaxRecordBytes = size_t{1} << 28;
constexpr size_t kTextPieceBytes = size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// An open file that closes itself.
class File {
 public:
  File() = default;
  File(File&& other) noexcept : size_bytes(other.size_bytes), fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(size_bytes, other.size_bytes);
    return *this;
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  static Result<File> open(const std::string& path) {
    File file;
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file.fd_ < 0) return Error(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
    struct stat info {};
    if (::fstat(file.fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
      return Error(fmt::format("{}: expected a regular file or a folder", path));
    }
    file.size_bytes = static_cast<uint64_t>(info.st_size);
    return file;
  }

  /// Appends up to `n` bytes from `offset` to `out`; fewer only at the end of the file.
  Result<void> read(const std::string& path, uint64_t offset, size_t n, std::string& out) const {
    const size_t before = out.size();
    out.resize(before + n);
    size_t done = 0;
    while (done < n) {
      const ssize_t got = ::pread(fd_, out.data() + before + done, n - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    out.resize(before + done);
    return {};
  }

  uint64_t size_bytes = 0;

 private:
  int fd_ = -1;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_blank(c); });
}

void use_plain_newlines(std::string& text) {
  if (text.find('\r') == std::string::npos) return;
  size_t out = 0;
  for (size_t in = 0; in < text.size(); ++in) {
    if (text[in] == '\r' && in + 1 < text.size() && text[in + 1] == '\n') continue;
    text[out++] = text[in];
  }
  text.resize(out);
}

/// JSON for the usual endings; for all others the first character decides between JSON objects and plain text.
Result<RecordFile> look_at(const std::string& path, bool is_named) {
  const File file = ONDOL_TRY(File::open(path));
  std::string ending = fs::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool is_json = ending == ".jsonl" || ending == ".ndjson" || ending == ".json";
  const bool is_text = ending == ".txt" || ending == ".md" || ending == ".markdown" || ending == ".text";
  RecordFile result{path, RecordFile::Kind::kText, file.size_bytes};
  if (!is_json && (is_text || !is_named)) return result;
  std::string head;
  ONDOL_TRY(file.read(path, 0, 4096, head));
  std::string_view start = head;
  if (start.starts_with(kByteOrderMark)) start.remove_prefix(kByteOrderMark.size());
  while (!start.empty() && is_blank(start.front())) start.remove_prefix(1);
  if (is_json) result.kind = RecordFile::Kind::kJsonLines;
  if (is_json && start.starts_with('[')) result.kind = RecordFile::Kind::kJsonArray;
  if (!is_json && start.starts_with('{')) result.kind = RecordFile::Kind::kJsonLines;
  return result;
}

bool is_wanted_ending(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::array<std::string_view, 6> kEndings = {".txt", ".md", ".markdown", ".jsonl", ".ndjson", ".json"};
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

Result<std::vector<std::string>> files_of_folder(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code code;
  auto at = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    std::error_code ignored;
    const bool is_hidden = at->path().filename().string().starts_with('.');
    if (is_hidden && at->is_directory(ignored)) at.disable_recursion_pending();
    if (!is_hidden && at->is_regular_file(ignored) && is_wanted_ending(at->path()))
      paths.push_back(at->path().string());
  }
  if (code) return Error(fmt::format("{}: cannot list the folder: {}", folder, code.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// How many bytes of `text`, at most all, make a piece that ends where a paragraph does; else a line, else a character.
size_t piece_size(std::string_view text, bool is_last) {
  if (is_last && text.size() <= kTextPieceBytes) return text.size();
  const std::string_view head = text.substr(0, kTextPieceBytes);
  for (const std::string_view end : {"\n\n", "\n\r\n", "\n", " "}) {
    const size_t at = head.rfind(end);
    if (at == std::string_view::npos || at + end.size() < kTextPieceBytes / 2) continue;
    return at + end.size();
  }
  size_t size = head.size();
  while (size > 1 && (static_cast<unsigned char>(text[size - 1]) & 0xC0) == 0x80) --size;
  if (static_cast<unsigned char>(text[size - 1]) >= 0xC0) --size;  // the first byte of a character that goes on
  return std::max<size_t>(size, 1);
}

/// Finds the end of a JSON object by its braces, also when it comes in parts.
class ObjectEnd {
 public:
  /// Reads on in `text`, from where it was; whether the object is complete. `at` is then behind it.
  bool find(std::string_view text) {
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (in_string_) {
        if (c == '\\') {
          if (at + 1 == text.size()) return false;
          ++at;
        } else if (c == '"') {
          in_string_ = false;
        }
        continue;
      }
      if (c == '"') in_string_ = true;
      if (c == '{') ++depth_;
      if (c == '}' && --depth_ == 0) {
        ++at;
        return true;
      }
    }
    return false;
  }

  size_t at = 0;

 private:
  bool in_string_ = false;
  size_t depth_ = 0;
};

}  // namespace

struct RecordReader::State {
  RecordFile file;
  File handle;
  std::string buffer;     // bytes from `offset` on
  size_t used = 0;        // of them, those that were given out
  uint64_t offset = 0;    // in the file, of the buffer's first byte
  uint64_t line = 1;      // of the first byte that was not given out
  bool in_array = false;  // the array has begun
  bool array_ended = false;

  bool at_end() const { return offset + buffer.size() >= file.size_bytes; }
  std::string_view rest() const { return std::string_view(buffer).substr(used); }

  Result<void> fill() {
    buffer.erase(0, used);
    offset += used;
    used = 0;
    const size_t before = buffer.size();
    ONDOL_TRY(handle.read(file.path, offset + before, kReadBytes, buffer));
    if (buffer.size() == before) file.size_bytes = offset + before;  // it has become shorter
    return {};
  }

  void skip(size_t n) {
    line += static_cast<uint64_t>(
        std::count(buffer.begin() + static_cast<long>(used), buffer.begin() + static_cast<long>(used + n), '\n'));
    used += n;
  }

  Error fail(const std::string& message) const { return Error(fmt::format("{}:{}: {}", file.path, line, message)); }
  Error too_long() const {
    return fail(fmt::format("expected records of at most {} MiB, got a longer one; hint: is it one JSON object a line?",
                            kMaxRecordBytes >> 20));
  }

  Result<void> take(size_t n, Record& record) {
    record.text.assign(rest().substr(0, n));
    record.place = {offset + used, static_cast<uint32_t>(n)};
    record.line = line;
    const size_t valid = valid_utf8_prefix(record.text);
    if (valid < record.text.size()) {
      line +=
          static_cast<uint64_t>(std::count(record.text.begin(), record.text.begin() + static_cast<long>(valid), '\n'));
      return fail(fmt::format("expected UTF-8, got the byte 0x{:02X}; hint: convert the file (iconv -t UTF-8)",
                              static_cast<unsigned char>(record.text[valid])));
    }
    skip(n);
    return {};
  }

  Result<bool> next_line(Record& record) {
    size_t searched = 0;
    while (true) {
      const size_t end = rest().find('\n', searched);
      if (end == std::string_view::npos && !at_end()) {
        searched = rest().size();
        if (searched > kMaxRecordBytes) return too_long();
        ONDOL_TRY(fill());
        continue;
      }
      const size_t size = std::min(end, rest().size());
      if (size > kMaxRecordBytes) return too_long();
      if (size == 0 && end == std::string_view::npos) return false;
      const bool blank = is_blank(rest().substr(0, size));
      if (!blank) ONDOL_TRY(take(size, record));
      skip((blank ? size : 0) + (end == std::string_view::npos ? 0 : 1));
      searched = 0;
      if (!blank) return true;
    }
  }

  /// Goes to the next character that is neither white space nor a comma; false at the end of the file.
  Result<bool> skip_separators() {
    while (true) {
      size_t n = 0;
      const std::string_view text = rest();
      while (n < text.size() && (is_blank(text[n]) || text[n] == ',')) ++n;
      skip(n);
      if (n < text.size()) return true;
      if (at_end()) return false;
      ONDOL_TRY(fill());
    }
  }

  Result<bool> next_object(Record& record) {
    while (true) {
      const bool is_there = ONDOL_TRY(skip_separators());
      if (!is_there && array_ended) return false;
      if (!is_there)
        return fail("expected ']' at the end of the array, got the end of the file; hint: is it complete?");
      const char c = rest().front();
      if (array_ended) return fail(fmt::format("expected the end of the file after the array, got '{}'", c));
      if (c == '{' && in_array) break;
      if (c == '[' && !in_array) {
        in_array = true;
      } else if (c == ']') {
        array_ended = true;
      } else {
        return fail(fmt::format("expected an object in the array, got '{}'", c));
      }
      skip(1);
    }
    ObjectEnd end;
    while (!end.find(rest())) {
      if (end.at > kMaxRecordBytes) return too_long();
      if (at_end()) return fail("expected '}' at the end of the object that begins here, got the end of the file");
      ONDOL_TRY(fill());
    }
    if (end.at > kMaxRecordBytes) return too_long();
    ONDOL_TRY(take(end.at, record));
    return true;
  }

  Result<bool> next_piece(Record& record) {
    while (rest().size() <= kTextPieceBytes && !at_end()) ONDOL_TRY(fill());
    if (rest().empty()) return false;
    const size_t size = piece_size(rest(), at_end());
    ONDOL_TRY(take(size, record));
    use_plain_newlines(record.text);
    record.ends_document = rest().empty() && at_end();
    return true;
  }
};

RecordReader::RecordReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader& RecordReader::operator=(RecordReader&&) noexcept = default;
RecordReader::~RecordReader() = default;

Result<RecordReader> RecordReader::open(const RecordFile& file) {
  auto state = std::make_unique<State>();
  state->file = file;
  state->handle = ONDOL_TRY(File::open(file.path));
  state->file.size_bytes = state->handle.size_bytes;
  ONDOL_TRY(state->fill());
  if (state->buffer.starts_with(kByteOrderMark)) state->used = kByteOrderMark.size();
  return RecordReader(std::move(state));
}

Result<bool> RecordReader::next(Record& record) {
  record.ends_document = true;
  switch (state_->file.kind) {
    case RecordFile::Kind::kJsonLines:
      return state_->next_line(record);
    case RecordFile::Kind::kJsonArray:
      return state_->next_object(record);
    case RecordFile::Kind::kText:
      break;
  }
  return state_->next_piece(record);
}

Result<std::string> read_record(const RecordFile& file, const RecordPlace& place) {
  const File handle = ONDOL_TRY(File::open(file.path));
  std::string text;
  ONDOL_TRY(handle.read(file.path, place.offset, place.size_bytes, text));
  if (text.size() < place.size_bytes || !is_valid_utf8(text)) {
    return Error(fmt::format("{}: the file has changed since the training began; hint: start again", file.path));
  }
  if (file.kind == RecordFile::Kind::kText) use_plain_newlines(text);
  return text;
}

Result<std::vector<RecordFile>> list_record_files(const std::vector<std::string>& paths) {
  std::vector<RecordFile> files;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
      files.push_back(ONDOL_TRY(look_at(path, true)));
      continue;
    }
    const std::vector<std::string> inside = ONDOL_TRY(files_of_folder(path));
    if (inside.empty()) {
      return Error(fmt::format("{}: expected .txt, .md, .jsonl or .json files in the folder, got none", path));
    }
    for (const std::string& file : inside) files.push_back(ONDOL_TRY(look_at(file, false)));
  }
  return files;
}

}  // namespace ondol::train
