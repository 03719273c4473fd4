// LooseJson: turns a value as models write it (JSON, Python's literals, keywords of a call) into JSON, piece by piece.
//
// Total: whatever comes in, what comes out is the beginning of a JSON text, and a whole one when done() or after
// close(). Words without quotes become strings; what cannot be understood is left out. Between tokens the output has
// what Python's json.dumps writes (", " and ": "), so that arguments look as templates render them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ondol::chat_format {

struct LooseJsonOptions {
  std::string quote = "";  // also opens and closes strings, which then have no escapes; "": none
  bool keywords = false;   // the value is `name=value, ...)`, whose opening parenthesis is taken
  std::vector<std::string> positional_names = {};  // of values without a name among keywords
};

class LooseJson {
 public:
  explicit LooseJson(LooseJsonOptions options = {});

  /// Takes text from the front and appends JSON to `out`; returns how many bytes were taken. The rest has to come again
  /// with what follows it. Takes nothing after the end of the value. `is_final`: nothing follows.
  size_t push(std::string_view text, bool is_final, std::string& out);
  bool is_done() const { return is_done_; }
  /// Ends what is still open.
  void close(std::string& out);

 private:
  enum class Phase { kValue, kKey, kSeparator, kComma, kString, kWord };
  struct Level {
    char closer;  // of the input
    bool is_object;
    bool has_items = false;
  };

  size_t step(std::string_view text, bool is_final, std::string& out);
  size_t string_step(std::string_view text, bool is_final, std::string& out);
  size_t escape_step(std::string_view text, bool is_final, std::string& out);
  size_t unicode_escape(std::string_view text, bool is_final, std::string& out);
  size_t word_step(std::string_view text, bool is_final, std::string& out);
  size_t opening(std::string_view text, bool is_final, std::string& out);
  size_t key_step(std::string_view text, bool is_final, std::string& out);
  size_t separator_step(std::string_view text, bool is_final, std::string& out);
  size_t comma_step(std::string_view text, bool is_final, std::string& out);
  void open_level(char opener, std::string& out);
  void close_level(char closer, std::string& out);
  void pop_level(std::string& out);
  void value_ended();
  void string_ended(std::string& out);
  void finish_key(std::string& out);
  void begin_item(std::string& out);
  bool begins_string(std::string_view text, bool& needs_text) const;
  void write(std::string_view text, std::string& out);

  LooseJsonOptions options_;
  std::vector<Level> levels_;
  Phase phase_ = Phase::kValue;
  std::string key_;           // JSON of a key (or of a value without one) until it is known which
  bool key_is_open_ = false;  // the string or word being read goes to key_
  std::string word_;
  std::string end_quote_;  // of the string being read
  size_t next_positional_ = 0;
  size_t muted_at_ = 0;  // depth whose contents are left out; 0: none
  bool is_done_ = false;
};

/// Appends `text` to `out` as the inside of a JSON string.
void append_escaped(std::string_view text, std::string& out);
std::string json_string(std::string_view text);

/// One value as JSON: a number, a literal of JSON or Python, a quoted string; other text becomes a string.
std::string loose_scalar(std::string_view text);

}  // namespace ondol::chat_format
