// AnswerWriter: receives an answer while it is made, and writes it in the form of one API, streaming or whole.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/http.h"
#include "text/chat_format.h"

namespace ondol::server {

enum class FinishReason {
  kStop,      // the model ended it
  kStopText,  // a stop text was found
  kLength,    // max_tokens, or the context is full
  kToolCalls,
};

struct AnswerStart {
  std::string model;  // its id
  int n_prompt = 0;   // tokens, of the first prompt
  /// The answer begins with reasoning: the prompt has opened it.
  bool is_reasoning = false;
};

/// One token outside of reasoning, with the chances that were asked for.
struct TokenReport {
  std::string text;  // its bytes, perhaps half a character
  float logprob = 0;
  std::vector<std::pair<std::string, float>> best;
};

/// Over all choices.
struct AnswerUsage {
  int n_prompt = 0;
  int n_cached = 0;  // of n_prompt
  int n_generated = 0;
  int n_reasoning = 0;       // of n_generated
  double queue_seconds = 0;  // these three of the first choice
  double prompt_seconds = 0;
  double token_seconds = 0;
};

/// Calls come one at a time: begin, then the others, then end or fail; or only fail. They come from the thread that
/// generates, which must not be held up.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  /// The model is being loaded, which takes a while. Before begin, at most once.
  virtual void waiting() {}
  /// The prompt was accepted.
  virtual void begin(const AnswerStart& start) = 0;
  virtual void prompt_progress(int /*choice*/, int /*done*/, int /*total*/) {}
  /// Calls have ids: the model's own, or made here (in kCallBegin).
  virtual void delta(int choice, const AnswerDelta& delta) = 0;
  virtual void token(int /*choice*/, const TokenReport& /*report*/) {}
  /// What belongs to one token has been told.
  virtual void flush() {}
  virtual void choice_end(int choice, FinishReason reason, const std::string& stop_text) = 0;
  virtual void end(const AnswerUsage& usage) = 0;
  virtual void fail(const HttpError& error) = 0;
};

}  // namespace ondol::server
