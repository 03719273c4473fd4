// HWP 5 (Hancom's published format, revision 1.3): compound file (libgsf), streams of records, deflated (zlib).
//
// Paragraphs, headings by the outline level of their paragraph's shape, tables, text boxes and notes. Refuses documents
// with a password, documents for distribution only (their text is encrypted), and HWP 3.
#include <gsf/gsf.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/hwp_records.h"
#include "retrieve/formats/readers.h"

namespace ondol {
namespace {

constexpr size_t kMostStreamBytes = size_t{256} << 20;
constexpr size_t kHarmlessBytes = size_t{16} << 20;
constexpr size_t kMostRate = 300;
constexpr int kMostSections = 1000;

// Bits of the header's properties.
constexpr uint32_t kIsDeflated = 1;
constexpr uint32_t kHasPassword = 2;
constexpr uint32_t kIsForDistribution = 4;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using GsfPointer = std::unique_ptr<T, Unref>;

/// Nothing: there is no such stream.
Result<std::string> read_stream(GsfInfile* folder, const std::string& name) {
  const GsfPointer<GsfInput> stream(gsf_infile_child_by_name(folder, name.c_str()));
  if (!stream) return Error(fmt::format("expected a part {}, found none", name));
  const gsf_off_t size = gsf_input_size(stream.get());
  if (size < 0 || static_cast<size_t>(size) > kMostStreamBytes)
    return Error(fmt::format("{}: expected at most {} MiB", name, kMostStreamBytes >> 20));
  std::string bytes(static_cast<size_t>(size), '\0');
  if (size > 0 && gsf_input_read(stream.get(), bytes.size(), reinterpret_cast<guint8*>(bytes.data())) == nullptr)
    return Error(fmt::format("{}: damaged", name));
  return bytes;
}

/// Deflate without a head. What comes before damage counts.
Result<std::string> inflated(const std::string& bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Error("zlib cannot start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  char buffer[65536];
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(buffer, sizeof buffer - stream.avail_out);
    const bool is_bomb = out.size() > kHarmlessBytes && out.size() / kMostRate > bytes.size();
    if (is_bomb || out.size() > kMostStreamBytes) {
      inflateEnd(&stream);
      return Error(fmt::format("a part of {} bytes unpacks to more than {} MiB", bytes.size(), out.size() >> 20));
    }
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END && out.empty() && !bytes.empty()) return Error("a part is damaged: it cannot be unpacked");
  return out;
}

class HwpFile {
 public:
  static Result<HwpFile> open(std::string_view bytes) {
    static const bool is_ready = [] {
      gsf_init();
      // Of damaged files it would write to standard error.
      g_log_set_default_handler([](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
      return true;
    }();
    (void)is_ready;
    const GsfPointer<GsfInput> input(gsf_input_memory_new(reinterpret_cast<const guint8*>(bytes.data()),
                                                          static_cast<gsf_off_t>(bytes.size()), FALSE));
    GError* problem = nullptr;
    GsfPointer<GsfInfile> root(gsf_infile_msole_new(input.get(), &problem));
    if (!root) {
      const std::string why = problem != nullptr ? problem->message : "unknown reason";
      g_clear_error(&problem);
      return Error(fmt::format("a damaged compound file: {}", why));
    }
    return HwpFile(std::move(root));
  }

  /// Reads the head, which says whether the rest can be read.
  Result<void> check() {
    const auto head = read_stream(root_.get(), "FileHeader");
    if (!head || !head->starts_with("HWP Document File"))
      return Error("expected a HWP 5 document; a .doc, .xls or .ppt of old has to be saved as .docx, .xlsx or .pptx");
    properties_ = head->size() >= 40 ? number_at<uint32_t>(*head, 36) : 0;
    if ((properties_ & kHasPassword) != 0) return Error("it is encrypted with a password");
    if ((properties_ & kIsForDistribution) != 0)
      return Error("it is a document for distribution, whose text is encrypted; save it as an ordinary one");
    return {};
  }

  Result<std::string> records(const std::string& name) const {
    std::string bytes = ONDOL_TRY(read_stream(root_.get(), name));
    return (properties_ & kIsDeflated) != 0 ? inflated(bytes) : std::move(bytes);
  }

  /// The sections of the text; empty where there are no more.
  Result<std::string> section(int index) const {
    const GsfPointer<GsfInput> body(gsf_infile_child_by_name(root_.get(), "BodyText"));
    if (!body || !GSF_IS_INFILE(body.get())) return std::string();
    auto bytes = read_stream(GSF_INFILE(body.get()), fmt::format("Section{}", index));
    if (!bytes) return std::string();
    return (properties_ & kIsDeflated) != 0 ? inflated(*bytes) : std::move(bytes);
  }

  std::string title() const {
    auto bytes = read_stream(root_.get(), "\005HwpSummaryInformation");
    return bytes ? hwp_summary_title(*bytes) : "";
  }

 private:
  explicit HwpFile(GsfPointer<GsfInfile> root) : root_(std::move(root)) {}

  GsfPointer<GsfInfile> root_;
  uint32_t properties_ = 0;
};

}  // namespace

Result<Document> read_hwp(std::string_view bytes) {
  if (bytes.starts_with("HWP Document File"))
    return Error("a HWP 3 document, which is too old; save it as HWP 5 or HWPX");
  HwpFile file = ONDOL_TRY(HwpFile::open(bytes));
  ONDOL_TRY(file.check());
  const auto shapes = file.records("DocInfo");
  const HwpOutline outline(shapes ? *shapes : "");
  DocumentBuilder builder;
  builder.set_title(file.title());
  for (int i = 0; i < kMostSections && !builder.is_full(); ++i) {
    const std::string section = ONDOL_TRY(file.section(i));
    if (section.empty()) break;
    HwpSectionReader(builder, outline).read(section);
  }
  return builder.finish();
}

}  // namespace ondol
