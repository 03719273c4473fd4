// ReaderProcess: documents read by another, confined process, so that a file which breaks a parser costs one error.
//
// The process (formats/main.cpp) reads many files, one after the other. It is replaced after some hundred of them, and
// whenever it crashed, took too long or needed too much memory. Plain text is read here, without it.
#pragma once

#include <memory>
#include <string>

#include "retrieve/document_reader.h"

namespace ondol {

struct ReaderProcessOptions {
  std::string program;  // ondol-reader
  uint64_t most_memory_bytes = uint64_t{1} << 30;
  int most_seconds = 60;          // for one file, without the recognition of pictures
  int most_picture_seconds = 60;  // for one picture
  int n_files = 200;              // that one process reads
};

class ReaderProcess : public DocumentReader {
 public:
  explicit ReaderProcess(ReaderProcessOptions options);
  ~ReaderProcess() override;

  Result<Document> read(const std::string& name, std::string bytes, const GoesOn& goes_on) override;

  /// What confinement the kernel refuses, as a sentence; empty: none, or no process was needed yet.
  const std::string& weakness() const { return weakness_; }
  /// How many processes were started.
  int n_started() const { return n_started_; }

 private:
  struct Child;
  Result<void> start();
  Result<Document> listen(const GoesOn& goes_on);
  Error end_of_child(bool is_late, const GoesOn& goes_on);

  ReaderProcessOptions options_;
  std::unique_ptr<Child> child_;
  std::string weakness_;
  int n_started_ = 0;
};

}  // namespace ondol
