// CSV and TSV (RFC 4180): records as rows of one table. Fields may be quoted and then hold delimiters, line breaks and
// doubled quotes. Semicolons count as commas do where the first line has more of them.
#include <algorithm>

#include "retrieve/encoding.h"
#include "retrieve/formats/document_builder.h"
#include "retrieve/formats/readers.h"

namespace ondol {
namespace {

constexpr size_t kMostColumns = 1000;

class DelimitedReader {
 public:
  DelimitedReader(std::string_view text, char delimiter) : text_(text), delimiter_(delimiter) {}

  Table read() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (is_quoted_) {
        add_quoted(c);
      } else if (c == '"' && field_.empty()) {
        is_quoted_ = true;
      } else if (c == delimiter_) {
        end_field();
      } else if (c == '\n') {
        end_record();
      } else if (c != '\r') {
        field_ += c;
      }
    }
    end_record();
    return std::move(table_);
  }

 private:
  void add_quoted(char c) {
    if (c != '"') {
      field_ += c;
    } else if (at_ < text_.size() && text_[at_] == '"') {
      field_ += text_[at_++];
    } else {
      is_quoted_ = false;
    }
  }

  void end_field() {
    if (row_.size() < kMostColumns) row_.push_back(std::move(field_));
    field_.clear();
  }

  void end_record() {
    end_field();
    table_.push_back(std::move(row_));
    row_.clear();
  }

  std::string_view text_;
  char delimiter_;
  size_t at_ = 0;
  bool is_quoted_ = false;
  std::string field_;
  TableRow row_;
  Table table_;
};

}  // namespace

Result<Document> read_delimited(std::string bytes, char delimiter) {
  const std::string text = ONDOL_TRY(text_as_utf8(std::move(bytes)));
  const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
  const auto n_of = [&](char c) { return std::count(first.begin(), first.end(), c); };
  if (delimiter == ',' && n_of(';') > n_of(',')) delimiter = ';';
  DocumentBuilder builder;
  builder.add_table(DelimitedReader(text, delimiter).read());
  return builder.finish();
}

}  // namespace ondol
