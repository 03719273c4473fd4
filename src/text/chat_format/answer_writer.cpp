#include "text/chat_format/answer_writer.h"

namespace ondol::chat_format {

void CallWriter::begin(std::string name, std::string id) {
  if (is_open_) end();
  deltas_->push_back({AnswerDelta::Kind::kCallBegin, count_++, std::move(name), std::move(id)});
  is_open_ = true;
  has_arguments_ = false;
}

void CallWriter::arguments(std::string_view piece) {
  if (piece.empty()) return;
  has_arguments_ = true;
  if (!deltas_->empty() && deltas_->back().kind == AnswerDelta::Kind::kCallArguments) {
    deltas_->back().text += piece;
  } else {
    deltas_->push_back({AnswerDelta::Kind::kCallArguments, count_ - 1, std::string(piece), {}});
  }
}

void CallWriter::end(std::string id) {
  if (!has_arguments_) arguments("{}");
  is_open_ = false;
  deltas_->push_back({AnswerDelta::Kind::kCallEnd, count_ - 1, {}, std::move(id)});
}

void CallWriter::cut_off() {
  is_open_ = false;
  deltas_->push_back({AnswerDelta::Kind::kCallEnd, count_ - 1, {}, {}});
}

void AnswerWriter::reasoning(std::string_view text) {
  this->text(AnswerDelta::Kind::kReasoning, text, reasoning_);
}

void AnswerWriter::content(std::string_view text) {
  this->text(AnswerDelta::Kind::kContent, text, content_);
}

void AnswerWriter::text(AnswerDelta::Kind kind, std::string_view text, Channel& channel) {
  if (!channel.has_text) text.remove_prefix(skip_space(text));
  if (text.empty()) return;
  size_t end = text.size();
  while (end > 0 && is_space(text[end - 1])) --end;
  if (end > 0) {
    channel.has_text = true;
    std::string piece = std::move(channel.space) + std::string(text.substr(0, end));
    channel.space.clear();
    if (!deltas_.empty() && deltas_.back().kind == kind) {
      deltas_.back().text += piece;
    } else {
      deltas_.push_back({kind, 0, std::move(piece), {}});
    }
  }
  channel.space += text.substr(end);
}

void AnswerWriter::finish(bool within_call) {
  if (calls_.is_open()) calls_.cut_off();
  if (within_call || calls_.count() > 0 || !content_.has_text || content_.space.empty()) return;
  deltas_.push_back({AnswerDelta::Kind::kContent, 0, std::move(content_.space), {}});
  content_.space.clear();
}

std::vector<AnswerDelta> AnswerWriter::take() {
  std::vector<AnswerDelta> deltas;
  deltas.swap(deltas_);
  return deltas;
}

}  // namespace ondol::chat_format
