// Upload: the body of a request that brings a file with some fields (multipart/form-data), written to the disk as it
// comes.
#pragma once

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/file_store.h"
#include "server/http.h"
#include "server/multipart.h"

namespace ondol::server {

class Upload final : public BodySink, private MultipartParser::Events {
 public:
  /// `files` must outlive it.
  Upload(FileStore& files, std::string_view content_type);
  /// Removes what was not kept.
  ~Upload() override;
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  void write(std::string_view piece) override;

  /// When the body has ended: keeps the file for `owner`, with the purpose that it says it has.
  struct Outcome {
    KeptFile file;
    std::optional<HttpError> error;
  };
  Outcome keep(const std::string& owner);
  /// Likewise: the file as it came, without an id, and there for as long as this object is.
  Outcome received();

 private:
  void on_part(const MultipartHead& head) override;
  void on_data(std::string_view piece) override;
  void open_file(const std::string& name);
  void add_to_file(std::string_view piece);
  void fail(HttpError error);

  FileStore& files_;
  std::optional<MultipartParser> parser_;
  std::optional<HttpError> error_;
  std::map<std::string, std::string> fields_;
  std::string* field_ = nullptr;  // that is being read; null: the file, or what nobody wants
  bool is_in_file_ = false;
  std::string path_;
  std::string name_;
  std::ofstream out_;
  uint64_t size_bytes_ = 0;
};

}  // namespace ondol::server
