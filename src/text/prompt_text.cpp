#include "text/prompt_text.h"

#include <map>
#include <optional>
#include <set>

#include "text/unicode.h"

namespace ondol {
namespace {

using Render = std::function<Result<std::string>(const json::object& input)>;

constexpr size_t kMaxKept = 16;              // texts that a template may look for
constexpr char32_t kFirstStandIn = 0x10600;  // Linear A: letters that hardly any text has
constexpr char32_t kLastStandIn = 0x10736;
constexpr std::string_view kBreak = "\xE2\x81\xA0";  // U+2060, word joiner

size_t first_character(std::string_view text) {
  return decode_utf8(text, 0).size;
}

/// Copies an input, and changes the special texts in its strings and keys on the way.
class Rewriter {
 public:
  /// What takes the place of the first character of `text`.
  using Change = std::function<std::string(std::string_view text, bool by_assistant)>;

  Rewriter(const SpecialTexts& special, Change change) : special_(special), change_(std::move(change)) {}

  json::object operator()(const json::object& input) {
    json::object out;
    for (const auto& [key, value] : input) {
      if (key != "messages" || !value.is_array()) {
        out[text(key)] = rewritten(value);
        continue;
      }
      json::array messages;
      for (const json::value& message : value.get_array()) {
        by_assistant_ = string_or(message, "role", "") == "assistant";
        messages.push_back(rewritten(message));
      }
      by_assistant_ = false;
      out[key] = std::move(messages);
    }
    return out;
  }

 private:
  json::value rewritten(const json::value& value) {
    if (value.is_string()) return json::value(text(value.get_string()));
    if (value.is_array()) {
      json::array out;
      for (const json::value& item : value.get_array()) out.push_back(rewritten(item));
      return out;
    }
    if (!value.is_object()) return value;
    json::object out;
    for (const auto& [key, member] : value.get_object()) out[text(key)] = rewritten(member);
    return out;
  }

  std::string text(std::string_view from) {
    std::string out;
    while (!from.empty()) {
      const size_t length = special_.length_at(from);
      const size_t first = first_character(from);
      out += length > 0 ? change_(from.substr(0, length), by_assistant_) : std::string(from.substr(0, first));
      from.remove_prefix(first);  // another one may begin within this one
    }
    return out;
  }

  const SpecialTexts& special_;
  Change change_;
  bool by_assistant_ = false;
};

class PromptRenderer {
 public:
  PromptRenderer(const SpecialTexts& special, const json::object& input, const Render& render)
      : special_(special), input_(input), render_(render) {}

  Result<PromptText> run() {
    expected_ = ONDOL_TRY(render_(input_));
    collect();
    if (firsts_.empty()) return PromptText{std::move(expected_), {}};
    if (choose_stand_ins()) {
      if (auto marked = render_marked({})) return std::move(*marked);
      if (by_assistants_.size() <= kMaxKept) {
        if (auto marked = render_with_kept()) return std::move(*marked);
      }
    }
    Rewriter broken(special_, [](std::string_view text, bool) {
      return std::string(text.substr(0, first_character(text))).append(kBreak);
    });
    return PromptText{ONDOL_TRY(render_(broken(input_))), {}};
  }

 private:
  // The first characters of special texts, and the texts in assistants' messages.
  void collect() {
    Rewriter look(special_, [&](std::string_view text, bool by_assistant) {
      std::string first(text.substr(0, first_character(text)));
      firsts_.insert(first);
      if (by_assistant) by_assistants_.insert(std::string(text));
      return first;
    });
    (void)look(input_);
  }

  bool choose_stand_ins() {
    const std::string all = expected_ + json::serialize(input_);
    char32_t letter = kFirstStandIn;
    for (const std::string& first : firsts_) {
      std::string stand_in;
      for (; stand_in.empty() && letter <= kLastStandIn; ++letter) {
        append_utf8(stand_in, letter);
        if (all.find(stand_in) != std::string::npos) stand_in.clear();
      }
      if (stand_in.empty()) return false;
      stand_ins_[first] = stand_in;
    }
    return true;
  }

  /// With stand-ins for all special texts but those of assistants that are `kept`. Nothing where the template makes
  /// something else of it.
  std::optional<PromptText> render_marked(const std::set<std::string>& kept) {
    Rewriter marker(special_, [&](std::string_view text, bool by_assistant) {
      const std::string first(text.substr(0, first_character(text)));
      return by_assistant && kept.contains(std::string(text)) ? first : stand_ins_.at(first);
    });
    const auto rendered = render_(marker(input_));
    if (!rendered) return std::nullopt;
    PromptText out;
    for (size_t at = 0; at < rendered->size();) {
      const size_t size = first_character(std::string_view(*rendered).substr(at));
      const std::string_view character = std::string_view(*rendered).substr(at, size);
      at += size;
      const std::string* original = nullptr;
      for (const auto& [first, stand_in] : stand_ins_) original = stand_in == character ? &first : original;
      if (original != nullptr) out.plain.push_back(out.text.size());
      out.text += original != nullptr ? *original : character;
    }
    if (out.text != expected_) return std::nullopt;
    return out;
  }

  /// Keeps as few of the assistants' texts as the template leaves room for.
  std::optional<PromptText> render_with_kept() {
    std::set<std::string> kept = by_assistants_;
    std::optional<PromptText> best = render_marked(kept);
    for (const std::string& text : by_assistants_) {
      if (!best) break;
      kept.erase(text);
      if (auto marked = render_marked(kept)) {
        best = std::move(marked);
      } else {
        kept.insert(text);
      }
    }
    return best;
  }

  const SpecialTexts& special_;
  const json::object& input_;
  const Render& render_;
  std::string expected_;
  std::set<std::string> firsts_;
  std::set<std::string> by_assistants_;
  std::map<std::string, std::string> stand_ins_;  // by first character
};

}  // namespace

SpecialTexts::SpecialTexts(const Tokenizer& tokenizer) {
  std::set<std::string> beginnings;
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    if (!tokenizer.is_control(id)) continue;
    std::string text = tokenizer.piece(id, true);
    if (text.size() < 2) continue;
    beginnings_.insert(text, 1);
    for (size_t size = 1; size < text.size(); ++size) beginnings.insert(text.substr(0, size));
    texts_.push_back(std::move(text));
  }
  for (const std::string& text : beginnings) beginnings_.insert(text, 0);
}

size_t SpecialTexts::length_at(std::string_view text) const {
  if (text.empty() || !beginnings_.may_start(static_cast<unsigned char>(text[0]))) return 0;
  size_t length = 0;
  beginnings_.visit(text, [&](TokenId is_whole, size_t size) {
    if (is_whole == 1 || size == text.size()) length = size;
  });
  return length;
}

Result<PromptText> render_prompt(const SpecialTexts& special, const json::object& input, const Render& render) {
  return PromptRenderer(special, input, render).run();
}

}  // namespace ondol
