// The readers of document formats: bytes that strangers wrote as documents. One file each; readers.cpp lists them.
//
// They run in a process of their own (main.cpp, reader_process.h). Still all of them are written to end: bytes,
// entries, depth and repetitions are limited.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "retrieve/document.h"
#include "retrieve/document_reader.h"

namespace ondol {

/// What a reader may use while it reads one file, and what is left of its limits.
struct Reading {
  TextRecognizer* recognizer = nullptr;  // null: pictures have no text
  int n_pictures_left = 50;
  std::chrono::steady_clock::duration picture_time_left = std::chrono::minutes(5);
  int n_parts_left = 1000;  // attachments and the like, all together
  int depth = 0;            // of documents within documents
};

/// By the bytes, or the name's ending; plain text as well.
Result<Document> read_any_document(const std::string& name, std::string bytes, Reading& reading);

Result<Document> read_pdf(std::string_view bytes, Reading& reading);
Result<Document> read_picture(std::string_view bytes, Reading& reading);
Result<Document> read_mail(std::string_view bytes, Reading& reading);
Result<Document> read_mailbox(std::string_view bytes, Reading& reading);
Result<Document> read_zipped(std::string_view bytes);
Result<Document> read_hwp(std::string_view bytes);
/// `encoding`: what the carrier says, as a name; empty: nothing.
Result<Document> read_html(std::string bytes, std::string_view encoding = {});
Result<Document> read_delimited(std::string bytes, char delimiter);

/// Mail parts that are a mail themselves.
constexpr int kDeepestDocument = 4;

/// In this process, for tests.
class InProcessReader : public DocumentReader {
 public:
  explicit InProcessReader(TextRecognizer* recognizer = nullptr) : recognizer_(recognizer) {}
  Result<Document> read(const std::string& name, std::string bytes, const GoesOn& goes_on) override;

 private:
  TextRecognizer* recognizer_;
};

}  // namespace ondol
