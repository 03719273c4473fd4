#include "server/engine_generator.h"

#include "runtime/conversation.h"
#include "runtime/generate.h"

namespace ondol {
namespace {

/// Smaller models continue texts; what they make of instructions is chance.
constexpr int64_t kLeastParameters = 100'000'000;
/// Smaller models than these make an answer of whatever they are given.
constexpr int64_t kDiscerningParameters = 1'000'000'000;

int64_t n_parameters(const Engine& engine) {
  int64_t n = 0;
  for (const TensorEntry& entry : engine.file().tensors()) n += entry.tensor.shape().elements();
  return n;
}

json::array messages_of(const std::vector<ChatTurn>& turns) {
  json::array messages;
  for (const ChatTurn& turn : turns) messages.push_back(chat_message(turn.role, turn.text));
  return messages;
}

/// The rules as a part of the first question, for templates that know no system message.
std::vector<ChatTurn> without_system(std::vector<ChatTurn> turns) {
  if (turns.size() < 2 || turns[0].role != "system") return turns;
  turns[1].text = turns[0].text + "\n\n" + turns[1].text;
  turns.erase(turns.begin());
  return turns;
}

}  // namespace

bool follows_instructions(const Engine& engine) {
  return engine.chat_template() != nullptr && n_parameters(engine) >= kLeastParameters;
}

bool is_discerning(const Engine& engine) {
  return n_parameters(engine) >= kDiscerningParameters;
}

Result<std::vector<TokenId>> instruction_tokens(const Engine& engine, const std::vector<ChatTurn>& turns) {
  const json::object variables = {{"enable_thinking", false}};
  auto tokens = conversation_tokens(engine, messages_of(turns), variables);
  if (tokens || turns.empty() || turns[0].role != "system") return tokens;
  return conversation_tokens(engine, messages_of(without_system(turns)), variables);
}

EngineGenerator::EngineGenerator(std::unique_ptr<Engine> engine, Sampler sampler)
    : engine_(std::move(engine)),
      sampler_(std::move(sampler)),
      session_(*engine_),
      speculation_(session_),
      vocabulary_(MaskVocabulary::create(engine_->shared_tokenizer())) {}

Result<std::unique_ptr<EngineGenerator>> EngineGenerator::create(std::unique_ptr<Engine> engine) {
  if (engine->chat_template() == nullptr) {
    return Error(engine->file().path() + ": expected a model with a chat template, which can follow instructions");
  }
  SamplerOptions greedy;
  greedy.temperature = 0;
  Sampler sampler = ONDOL_TRY(Sampler::create(greedy, engine->tokenizer()));
  return std::unique_ptr<EngineGenerator>(new EngineGenerator(std::move(engine), std::move(sampler)));
}

bool EngineGenerator::is_discerning() const {
  return ondol::is_discerning(*engine_);
}

int64_t EngineGenerator::count_tokens(std::string_view text) const {
  return static_cast<int64_t>(engine_->tokenizer().encode(text, false, SpecialTokens::kAsPlainText).size());
}

Result<int64_t> EngineGenerator::count_prompt(const std::vector<ChatTurn>& turns) const {
  return static_cast<int64_t>(ONDOL_TRY(instruction_tokens(*engine_, turns)).size());
}

Result<std::string> EngineGenerator::generate(const Wish& wish) {
  const std::vector<TokenId> prompt = ONDOL_TRY(instruction_tokens(*engine_, wish.turns));
  std::unique_ptr<TokenConstraint> constraint;
  if (wish.grammar != nullptr) constraint = constrain(wish.grammar, vocabulary_);
  GenerateOptions options;
  options.max_tokens = wish.max_tokens;
  options.constraint = constraint.get();
  std::string text;
  const auto sink = [&](std::string_view piece) {
    text += piece;
    return !wish.sink || wish.sink(piece);
  };
  ONDOL_TRY(ondol::generate(speculation_, *engine_, sampler_, prompt, options, sink));
  return text;
}

}  // namespace ondol
