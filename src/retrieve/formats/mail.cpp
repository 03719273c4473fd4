// Mail: the subject as a heading, who wrote to whom and when, the text, and the attachments that can be read. Of
// several forms of one text the plain one is taken. A mailbox is one document with a heading for each mail.
#include <algorithm>

#include <fmt/format.h>

#include "retrieve/document_format.h"
#include "retrieve/encoding.h"
#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/mime.h"
#include "retrieve/formats/readers.h"
#include "retrieve/plain_text.h"

namespace ondol {
namespace {

constexpr int kDeepestPart = 12;
constexpr size_t kMostMails = 200'000;

std::string unquoted(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    std::string_view line = text.substr(at, end - at);
    const size_t n = line.find_first_not_of('>');
    if (n != line.npos && n > 0 && line.substr(n).starts_with("From ")) line.remove_prefix(1);
    out += line;
    at = end;
  }
  return out;
}

class MailReader {
 public:
  /// In a mailbox, lines that begin with "From " have a ">" before them.
  MailReader(DocumentBuilder& builder, Reading& reading, bool is_boxed)
      : builder_(builder), reading_(reading), is_boxed_(is_boxed) {}

  void read(std::string_view bytes, int level) {
    const MimePart mail = MimePart::of(bytes);
    level_ = level;
    const std::string subject = on_one_line(mail.text("subject"));
    builder_.add_heading(level, subject.empty() ? "(no subject)" : subject);
    std::string head;
    for (const auto& [name, title] : {std::pair("from", "From"), {"to", "To"}, {"cc", "Cc"}, {"date", "Date"}}) {
      const std::string value = on_one_line(mail.text(name));
      if (!value.empty()) head += fmt::format("{}: {}\n", title, value);
    }
    builder_.add_paragraph(head);
    add_part(mail, 0);
  }

 private:
  void add_part(const MimePart& part, int depth) {
    if (depth > kDeepestPart || --reading_.n_parts_left < 0) return;
    const MimeValue type = part.parsed("content-type");
    if (type.value.starts_with("multipart/") && type.parameters.contains("boundary")) {
      add_parts(part, type, depth);
    } else if (type.value == "message/rfc822") {
      add_mail(part.decoded_body());
    } else if (!add_attachment(part, type)) {
      add_text(part, type);
    }
  }

  void add_parts(const MimePart& part, const MimeValue& type, int depth) {
    std::vector<MimePart> parts;
    const auto bodies =
        part.parts(type.parameters.at("boundary"), static_cast<size_t>(std::max(0, reading_.n_parts_left)));
    for (const std::string_view bytes : bodies) parts.push_back(MimePart::of(bytes));
    if (type.value != "multipart/alternative" || parts.empty()) {
      for (const MimePart& each : parts) add_part(each, depth + 1);
      return;
    }
    const auto is_plain = [](const MimePart& each) {
      const std::string value = each.parsed("content-type").value;
      return (value.empty() || value == "text/plain") && each.body.find_first_not_of(" \t\r\n") != each.body.npos;
    };
    const auto plain = std::find_if(parts.begin(), parts.end(), is_plain);
    add_part(plain != parts.end() ? *plain : parts.back(), depth + 1);
  }

  void add_mail(const std::string& bytes) {
    if (reading_.depth >= kDeepestDocument) return;
    ++reading_.depth;
    const int level = level_;
    read(bytes, level + 1);
    level_ = level;
    --reading_.depth;
  }

  /// Parts with a name, if they have a reader; false: it is none.
  bool add_attachment(const MimePart& part, const MimeValue& type) {
    const MimeValue disposition = part.parsed("content-disposition");
    std::string name;
    if (const auto given = type.parameters.find("name"); given != type.parameters.end()) name = given->second;
    if (const auto given = disposition.parameters.find("filename"); given != disposition.parameters.end())
      name = given->second;
    const bool is_text = type.value.empty() || type.value.starts_with("text/");
    if (name.empty() || (is_text && disposition.value != "attachment")) return false;
    std::string bytes = part.decoded_body();
    const bool has_reader = document_format_of(name, bytes) != DocumentFormat::kText;
    if (has_reader ? reading_.depth >= kDeepestDocument : !is_text) return true;
    ++reading_.depth;
    const auto document = read_any_document(name, std::move(bytes), reading_);
    --reading_.depth;
    if (!document) {
      builder_.set_missing(fmt::format("the attachment {}: {}", on_one_line(name), document.error().message()));
      return true;
    }
    builder_.add_heading(level_ + 1, on_one_line(name));
    builder_.append(*document, level_ + 1);
    return true;
  }

  void add_text(const MimePart& part, const MimeValue& type) {
    if (!type.value.empty() && !type.value.starts_with("text/")) return;
    const auto charset = type.parameters.find("charset");
    const std::string encoding = charset == type.parameters.end() ? "" : charset->second;
    if (type.value == "text/html") {
      if (const auto page = read_html(part.decoded_body(), encoding)) builder_.append(*page, level_);
      return;
    }
    auto text = text_as_utf8(part.decoded_body(), encoding);
    if (text) builder_.append(read_plain_text(is_boxed_ ? unquoted(*text) : std::move(*text)), level_);
  }

  DocumentBuilder& builder_;
  Reading& reading_;
  bool is_boxed_;
  int level_ = 1;
};

/// Where the next mail's line "From " starts: at the beginning, or behind an empty line.
size_t next_mail(std::string_view box, size_t from) {
  while (true) {
    const size_t at = box.find("\nFrom ", from);
    if (at == box.npos) return box.size();
    if (at == 0 || box[at - 1] == '\n' || (at >= 2 && box.substr(at - 2, 2) == "\n\r")) return at + 1;
    from = at + 1;
  }
}

}  // namespace

Result<Document> read_mail(std::string_view bytes, Reading& reading) {
  if (MimePart::of(bytes.substr(0, 64 << 10)).headers.empty()) return Error("expected a mail, found no headers");
  DocumentBuilder builder;
  MailReader(builder, reading, false).read(bytes, 1);
  return builder.finish();
}

Result<Document> read_mailbox(std::string_view bytes, Reading& reading) {
  if (!bytes.empty() && !bytes.starts_with("From ")) return Error("expected a mailbox, which begins with \"From \"");
  DocumentBuilder builder;
  size_t n_mails = 0;
  for (size_t start = 0; start < bytes.size() && n_mails < kMostMails && !builder.is_full(); ++n_mails) {
    const size_t end = next_mail(bytes, start);
    std::string_view mail = bytes.substr(start, end - start);
    mail.remove_prefix(std::min(mail.find('\n') + 1, mail.size()));
    reading.n_parts_left = std::max(reading.n_parts_left, 100);
    MailReader(builder, reading, true).read(mail, 1);
    start = end;
  }
  return builder.finish();
}

}  // namespace ondol
