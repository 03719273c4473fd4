#include "retrieve/picture_text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/subprocess.h"
#include "text/unicode.h"

namespace ondol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrograms[] = {"/usr/bin/tesseract", "/usr/local/bin/tesseract"};
constexpr const char* kShares[] = {"/usr/share/tesseract-ocr", "/usr/share", "/usr/local/share"};
constexpr size_t kMostText = size_t{4} << 20;
constexpr uint64_t kMostMemory = uint64_t{2} << 30;
constexpr const char* kHint = "install it: apt install tesseract-ocr tesseract-ocr-kor";

bool has_language(const fs::path& folder, const char* language) {
  std::error_code error;
  return fs::exists(folder / fmt::format("{}.traineddata", language), error);
}

/// Folders named tessdata, directly below the shares or below one with a version.
std::vector<fs::path> data_folders() {
  std::vector<fs::path> folders;
  for (const fs::path share : kShares) {
    folders.push_back(share / "tessdata");
    std::error_code error;
    if (share.filename() == "share") continue;
    for (fs::directory_iterator entry(share, error), end; !error && entry != end; entry.increment(error)) {
      folders.push_back(entry->path() / "tessdata");
    }
  }
  return folders;
}

/// Korean and English, or else whichever comes first but "osd", which is no language.
std::string languages_in(const fs::path& folder) {
  std::string known;
  for (const char* language : {"kor", "eng"}) {
    if (has_language(folder, language)) known += (known.empty() ? "" : "+") + std::string(language);
  }
  if (!known.empty()) return known;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().stem();
    if (entry->path().extension() == ".traineddata" && name != "osd") return name;
  }
  return "";
}

/// A file without a place, from its beginning.
Result<Descriptor> as_file(std::string_view bytes) {
  Descriptor file(::memfd_create("picture", MFD_CLOEXEC));
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n <= 0) return Error(fmt::format("the picture cannot be handed on: {}", std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace

Result<Tesseract> Tesseract::find() {
  const auto* program = std::find_if(std::begin(kPrograms), std::end(kPrograms),
                                     [](const char* path) { return ::access(path, X_OK) == 0; });
  if (program == std::end(kPrograms))
    return Error(fmt::format("the text in pictures is read by the program tesseract; {}", kHint));
  for (const fs::path& folder : data_folders()) {
    std::string languages = languages_in(folder);
    if (!languages.empty()) return Tesseract{*program, folder, std::move(languages)};
  }
  return Error(fmt::format("tesseract has no data of any language; {}", kHint));
}

Result<std::string> PictureText::recognize(std::string_view picture) {
  const Tesseract tesseract = ONDOL_TRY(Tesseract::find());
  const Descriptor input = ONDOL_TRY(as_file(picture));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(fmt::format("no pipe: {}", std::strerror(errno)));
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  Subprocess process = ONDOL_TRY(
      Subprocess::start(options_.reader_program,
                        {"ondol-reader", "become", std::to_string(kMostMemory),
                         std::to_string(2 * options_.most_seconds), tesseract.data_folder, tesseract.program, "stdin",
                         "stdout", "--tessdata-dir", tesseract.data_folder, "-l", tesseract.languages},
                        input.get(), to.get(), {"OMP_THREAD_LIMIT=1", "LC_ALL=C"}));
  to.close();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options_.most_seconds);
  std::string text;
  char buffer[65536];
  while (true) {
    pollfd waiting{from.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 100) > 0) {
      const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
      if (n == 0 || (n < 0 && errno != EINTR)) break;
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
    }
    if (options_.goes_on && !options_.goes_on()) return Error("stopped");
    if (text.size() > kMostText) return Error("tesseract writes without end");
    if (std::chrono::steady_clock::now() > deadline)
      return Error(fmt::format("tesseract was ended: needed more than {} seconds", options_.most_seconds));
  }
  process.wait_at_most(1000);
  if (process.exit_status() != 0) return Error(fmt::format("tesseract cannot read it ({})", process.fate()));
  return replace_invalid_utf8(text);
}

}  // namespace ondol
