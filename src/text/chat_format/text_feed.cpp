#include "text/chat_format/text_feed.h"

#include <algorithm>

namespace ondol::chat_format {

MarkerSet::MarkerSet(std::vector<std::string> markers) : markers_(std::move(markers)) {
  for (const std::string& marker : markers_) {
    if (!marker.empty()) begins_[static_cast<unsigned char>(marker[0])] = true;
  }
}

MarkerSet::Found MarkerSet::find(std::string_view text, bool is_final) const {
  for (size_t position = 0; position < text.size(); ++position) {
    if (!begins_[static_cast<unsigned char>(text[position])]) continue;
    bool may_begin = false;
    for (size_t i = 0; i < markers_.size(); ++i) {
      if (markers_[i].empty()) continue;
      const Match match = match_prefix(text.substr(position), markers_[i], is_final);
      if (match == Match::kYes) return {position, static_cast<int>(i), markers_[i].size()};
      may_begin = may_begin || match == Match::kNeedText;
    }
    if (may_begin) return {position, -1, 0};
  }
  return {text.size(), -1, 0};
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

size_t skip_space(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && is_space(text[count])) ++count;
  return count;
}

Match match_prefix(std::string_view text, std::string_view prefix, bool is_final) {
  if (text.size() >= prefix.size()) return text.starts_with(prefix) ? Match::kYes : Match::kNo;
  return !is_final && prefix.starts_with(text) ? Match::kNeedText : Match::kNo;
}

void TextFeed::append(std::string_view text) {
  const size_t unneeded = std::min(position_, held_);
  if (unneeded > 4096 || unneeded == text_.size()) {
    text_.erase(0, unneeded);
    position_ -= unneeded;
    if (held_ != kNothing) held_ -= unneeded;
  }
  text_ += text;
}

bool TextFeed::take_space() {
  take(skip_space(rest()));
  return !rest().empty();
}

Match TextFeed::take_prefix(std::string_view prefix) {
  const Match match = match_prefix(rest(), prefix, false);
  if (match == Match::kYes) take(prefix.size());
  return match;
}

MarkerSet::Found TextFeed::take_before(const MarkerSet& markers, std::string& out, bool cut_marker_is_text) {
  const MarkerSet::Found found = markers.find(rest(), is_final_ && cut_marker_is_text);
  out += rest().substr(0, found.position);
  take(found.position);
  return found;
}

std::string_view TextFeed::held() const {
  if (held_ == kNothing) return {};
  return std::string_view(text_).substr(held_, position_ - held_);
}

}  // namespace ondol::chat_format
