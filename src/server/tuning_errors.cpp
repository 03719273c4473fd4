#include "server/tuning_errors.h"

#include <charconv>

namespace ondol::server {
namespace {

/// Whether the message is about the file; then with its name, and its line.
bool is_about(const KeptFile& file, const char* parameter, TuningError& told) {
  if (!told.message.starts_with(file.path)) return false;
  std::string rest = told.message.substr(file.path.size());
  if (rest.starts_with(":")) std::from_chars(rest.data() + 1, rest.data() + rest.size(), told.line);
  told.message = file.name + rest;
  told.parameter = parameter;
  told.code = std::string("invalid_") + parameter;
  return true;
}

}  // namespace

TuningError explain(const Error& error, const FileStore& files, const TuningJob& job) {
  TuningError told{"", error.message(), "", 0};
  const auto training = files.find(job.request.training_file, job.owner);
  if (training && is_about(*training, "training_file", told)) return told;
  const auto validation = files.find(job.request.validation_file, job.owner);
  if (validation && is_about(*validation, "validation_file", told)) return told;
  // Options of the command line have other names here.
  constexpr std::string_view kMethod = "--method: ";
  if (told.message.starts_with(kMethod)) {
    told = {"invalid_training_file", told.message.substr(kMethod.size()), "method", 0};
  }
  return told;
}

json::object shown(const TuningError& error) {
  json::object document = {{"code", error.code}, {"message", error.message}};
  document["param"] = error.parameter.empty() ? json::value() : json::value(error.parameter);
  if (error.line > 0) document["line"] = error.line;
  return document;
}

}  // namespace ondol::server
