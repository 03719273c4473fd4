#include "server/upload.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ondol::server {
namespace {

constexpr size_t kMaxFieldBytes = size_t{4} << 10;
constexpr size_t kMaxNameBytes = 255;
constexpr std::string_view kPurposes[] = {"fine-tune", "assistants", "user_data", "batch", "evals"};

HttpError wrong(std::string parameter, std::string message, int status = 400, std::string code = {}) {
  HttpError error = make_error(status, std::move(message), std::move(code));
  error.parameter = std::move(parameter);
  return error;
}

/// The last part of a path, without what terminals and other systems would take for more than a name.
std::string plain_name(const std::string& name) {
  std::string plain = name.substr(name.find_last_of("/\\") + 1);
  std::erase_if(plain, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  return plain.empty() ? "file" : plain;
}

}  // namespace

Upload::Upload(FileStore& files, std::string_view content_type) : files_(files) {
  const auto boundary = multipart_boundary(content_type);
  if (boundary) {
    parser_.emplace(*boundary, static_cast<MultipartParser::Events&>(*this));
  } else {
    fail(wrong("", boundary.error().message()));
  }
}

Upload::~Upload() {
  out_.close();
  if (path_.empty()) return;
  std::remove(path_.c_str());
  files_.give_back(size_bytes_);
}

void Upload::fail(HttpError error) {
  if (!error_) error_ = std::move(error);
}

void Upload::write(std::string_view piece) {
  if (error_) return;
  const auto fed = parser_->feed(piece);
  if (!fed) fail(wrong("", fed.error().message()));
}

void Upload::on_part(const MultipartHead& head) {
  field_ = nullptr;
  is_in_file_ = head.name == "file";
  if (error_) return;
  if (is_in_file_) {
    open_file(plain_name(head.file_name.value_or("")));
  } else if (!head.file_name) {
    field_ = &fields_[head.name];
  }
}

void Upload::open_file(const std::string& name) {
  if (!path_.empty()) return fail(wrong("file", "file: expected one, got several"));
  if (name.size() > kMaxNameBytes) {
    return fail(wrong("file", fmt::format("file: expected a name of at most {} bytes", kMaxNameBytes)));
  }
  const auto path = files_.new_upload();
  if (!path) return fail(make_error(503, path.error().message(), "no_data_folder"));
  path_ = *path;
  name_ = name;
  out_.open(path_, std::ios::binary | std::ios::trunc);
  if (!out_) fail(make_error(500, fmt::format("{}: cannot write", path_)));
}

void Upload::on_data(std::string_view piece) {
  if (error_) return;
  if (is_in_file_) return add_to_file(piece);
  if (field_ == nullptr) return;
  if (piece.size() > kMaxFieldBytes - field_->size()) {
    return fail(wrong("", fmt::format("expected fields of at most {} bytes", kMaxFieldBytes)));
  }
  field_->append(piece);
}

void Upload::add_to_file(std::string_view piece) {
  if (piece.size() > files_.limits().one_file_bytes - size_bytes_) {
    return fail(wrong("file", fmt::format("file: expected at most {} bytes", files_.limits().one_file_bytes), 413));
  }
  if (!files_.reserve(piece.size())) {
    return fail(make_error(413, "there is no room for more files; hint: delete some", "storage_full"));
  }
  size_bytes_ += piece.size();
  out_.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  if (!out_) fail(make_error(507, fmt::format("{}: cannot write; the disk may be full", path_), "storage_full"));
}

Upload::Outcome Upload::received() {
  if (!error_ && !parser_->is_complete()) fail(wrong("", "multipart body: expected a last boundary, got none"));
  if (!error_ && path_.empty()) fail(wrong("file", "file: expected a file, got none"));
  out_.close();
  if (!error_ && !out_) fail(make_error(507, fmt::format("{}: cannot write; the disk may be full", path_)));
  if (error_) return {{}, error_};
  return {{"", "", name_, fields_["purpose"], size_bytes_, 0, path_}, {}};
}

Upload::Outcome Upload::keep(const std::string& owner) {
  const Outcome whole = received();
  if (whole.error) return whole;
  const std::string purpose = whole.file.purpose;
  if (std::find(std::begin(kPurposes), std::end(kPurposes), purpose) == std::end(kPurposes)) {
    fail(wrong("purpose", fmt::format("purpose: expected one of {}, got '{}'", fmt::join(kPurposes, ", "), purpose)));
  }
  if (!error_ && size_bytes_ == 0) fail(wrong("file", "file: expected some bytes, got none"));
  if (error_) return {{}, error_};
  auto kept = files_.keep(path_, {"", owner, name_, purpose, size_bytes_, 0, ""});
  if (!kept) return {{}, make_error(500, kept.error().message())};
  path_.clear();
  return {std::move(*kept), {}};
}

}  // namespace ondol::server
