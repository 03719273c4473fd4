#include "text/named_pre_tokenizers.h"

#include <fmt/format.h>

#include <span>

namespace ondol {
namespace {

#define ONDOL_CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define ONDOL_WORD R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define ONDOL_SYMBOLS R"( ?[^\s\p{L}\p{N}]+)"
#define ONDOL_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define ONDOL_CASED_WORDS(not_han, end)                                                \
  R"([^\r\n\p{L}\p{N}]?(?:)" not_han R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*(?:)" not_han \
  R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])+)" end R"(|[^\r\n\p{L}\p{N}]?(?:)" not_han             \
  R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+(?:)" not_han R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])*)" end
#define ONDOL_O200K_WORDS(end)                                                          \
  R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)" end \
  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)" end
#define ONDOL_DEEPSEEK_WORDS R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"

constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    ONDOL_CONTRACTIONS "|" ONDOL_WORD R"(|\p{N}{1,3}|)" ONDOL_SYMBOLS R"([\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kQwen2 =
    ONDOL_CONTRACTIONS "|" ONDOL_WORD R"(|\p{N}|)" ONDOL_SYMBOLS R"([\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kQwen35 =
    ONDOL_CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kO200k =
    ONDOL_O200K_WORDS(ONDOL_CONTRACTIONS "?") R"(|\p{N}{1,3}|)" ONDOL_SYMBOLS R"([\r\n/]*|)" ONDOL_SPACES;
constexpr std::string_view kTekken = ONDOL_O200K_WORDS("") R"(|\p{N}|)" ONDOL_SYMBOLS R"([\r\n/]*|)" ONDOL_SPACES;
constexpr std::string_view kKimi = R"(\p{Han}+|)" ONDOL_CASED_WORDS(
    R"((?!\p{Han}))", ONDOL_CONTRACTIONS "?") R"(|\p{N}{1,3}|)" ONDOL_SYMBOLS R"([\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kYoutuWords =
    ONDOL_O200K_WORDS(ONDOL_CONTRACTIONS "?") R"(|\p{N}|)" ONDOL_SYMBOLS R"([\r\n/]*|)" ONDOL_SPACES;
constexpr std::string_view kJais2 = ONDOL_CONTRACTIONS
    "|" ONDOL_WORD R"(|\p{N}{1,3}|)" ONDOL_SYMBOLS
    R"([\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S))"
    R"(|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    ONDOL_CONTRACTIONS "|" ONDOL_WORD R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|)" ONDOL_SPACES;
constexpr std::string_view kUfakzeka = ONDOL_WORD R"(|\p{N}|)" ONDOL_SYMBOLS R"([\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kExaoneMoe =
    ONDOL_CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}|)" ONDOL_SYMBOLS
                       R"([\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kMiniCpm5 =
    ONDOL_CONTRACTIONS "|" ONDOL_WORD R"(|\p{N}+|)" ONDOL_SYMBOLS R"([\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kDeepSeek3 = ONDOL_DEEPSEEK_WORDS R"(| ?[\p{P}\p{S}]+[\r\n]*|)" ONDOL_SPACES;
constexpr std::string_view kSpark = ONDOL_DEEPSEEK_WORDS R"(| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kBloom = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";

constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kThreeDigits = R"(\p{N}{1,3})";
// Groups of three counted from the right: 1234567 is 1 234 567.
constexpr std::string_view kDigitsFromRight = R"(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))";
constexpr std::string_view kHanKana = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr std::string_view kHanHangul = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr std::string_view kLines = R"([^\n]+|[\n]+)";
constexpr std::string_view kNewline = R"([\r\n])";
constexpr std::string_view kThreeAsciiDigits = "[0-9][0-9][0-9]";

// Letters of scripts with case, as DeepSeek LLM lists them.
constexpr std::string_view kDeepSeekLetters =
    R"(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1})"
    R"(\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A})"
    R"(\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})"
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC})"
    R"(\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134})"
    R"(\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4})"
    R"(\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787})"
    R"(\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A})"
    R"(\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})"
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+)";

constexpr std::string_view kDefaultSteps[] = {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, kDigits, kThreeAsciiDigits};
constexpr std::string_view kGpt2Steps[] = {kGpt2};
constexpr std::string_view kDigitGpt2Steps[] = {kDigit, kGpt2};
constexpr std::string_view kLlama3Steps[] = {kLlama3};
constexpr std::string_view kQwen2Steps[] = {kQwen2};
constexpr std::string_view kQwen35Steps[] = {kQwen35};
constexpr std::string_view kO200kSteps[] = {kO200k};
constexpr std::string_view kTekkenSteps[] = {kTekken};
constexpr std::string_view kKimiSteps[] = {kKimi};
constexpr std::string_view kJais2Steps[] = {kJais2};
constexpr std::string_view kDeepSeekLlmSteps[] = {
    kNewline,  kDeepSeekLetters, R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)",
    R"(\s+$)", kHanHangul,       kDigits};
constexpr std::string_view kDeepSeekCoderSteps[] = {kNewline, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHanHangul, kDigit};
constexpr std::string_view kDeepSeek3Steps[] = {kThreeDigits, kHanKana, kDeepSeek3};
constexpr std::string_view kSparkSteps[] = {kThreeDigits, kHanKana, kSpark, kDigit};
constexpr std::string_view kYoutuSteps[] = {
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+)"
    R"(|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+)"
    R"(|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    kYoutuWords};
constexpr std::string_view kFalconSteps[] = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, kThreeAsciiDigits};
constexpr std::string_view kBloomSteps[] = {kBloom};
constexpr std::string_view kVikingSteps[] = {kBloom, kDigit};
constexpr std::string_view kChameleonSteps[] = {"<sentinel:[0-9]+>",       "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
                                                R"(([\t\n]|    |  ))",     kDigit,
                                                R"([\p{P}!-/:-@\[-`{-~])", kGpt2};
constexpr std::string_view kTinyAyaSteps[] = {R"(\d{1,3}(?=(?:\d{3})*\b))", kO200k};
constexpr std::string_view kSuperBpeSteps[] = {kDigits, R"((?=(\d{3})+(?!\d)))"};
constexpr std::string_view kBailingSteps[] = {kBailing};
constexpr std::string_view kSeedCoderSteps[] = {kSeedCoder};
constexpr std::string_view kUfakzekaSteps[] = {kUfakzeka};
constexpr std::string_view kAfmoeSteps[] = {
    kDigitsFromRight,
    R"([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{F900}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\x{FF9F})"
    R"(\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60}-\x{AA7F})"
    R"(\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)",
    kDeepSeek3};
constexpr std::string_view kLagunaSteps[] = {kLines, kQwen2};
constexpr std::string_view kExaoneMoeSteps[] = {kExaoneMoe};
constexpr std::string_view kLinesSteps[] = {kLines};
constexpr std::string_view kMiniCpm5Steps[] = {kThreeDigits, kMiniCpm5};

#undef ONDOL_CONTRACTIONS
#undef ONDOL_WORD
#undef ONDOL_SYMBOLS
#undef ONDOL_SPACES
#undef ONDOL_CASED_WORDS
#undef ONDOL_O200K_WORDS
#undef ONDOL_DEEPSEEK_WORDS

enum Flag : unsigned {
  kNone = 0,
  kNfc = 1,           // the family's tokenizer normalises to NFC first
  kIgnoreMerges = 2,  // a word of the vocabulary is that token
  kCharacters = 4,    // merges run on characters
  kEscapeSpaces = 8,  // spaces become U+2581
  kAddsBos = 16,
  kDropsSpaces = 32,  // whitespace only separates words
};

struct Row {
  std::string_view name;
  std::span<const std::string_view> patterns;
  unsigned flags;
};

constexpr unsigned kLlama3Flags = kIgnoreMerges | kAddsBos;

constexpr Row kTable[] = {
    {"default", kDefaultSteps, kNone},
    // GPT-2's pattern.
    {"gpt-2", kGpt2Steps, kNone},
    {"phi-2", kGpt2Steps, kNone},
    {"jina-es", kGpt2Steps, kNone},
    {"jina-de", kGpt2Steps, kNone},
    {"jina-v2-es", kGpt2Steps, kNone},
    {"jina-v2-de", kGpt2Steps, kNone},
    {"jina-v1-en", kGpt2Steps, kNone},
    {"jina-v2-code", kGpt2Steps, kNone},
    {"roberta-bpe", kGpt2Steps, kNone},
    {"gigachat", kGpt2Steps, kNone},
    {"a.x-4.0", kGpt2Steps, kNone},
    {"mellum", kGpt2Steps, kNone},
    {"modern-bert", kGpt2Steps, kNfc},
    {"exaone4", kGpt2Steps, kNone},
    {"mpt", kGpt2Steps, kNfc},
    {"olmo", kGpt2Steps, kNfc},
    {"jais", kGpt2Steps, kNone},
    {"trillion", kGpt2Steps, kNone},
    {"granite-docling", kGpt2Steps, kNone},
    // Single digits, then GPT-2's pattern.
    {"starcoder", kDigitGpt2Steps, kNone},
    {"refact", kDigitGpt2Steps, kNone},
    {"command-r", kDigitGpt2Steps, kNfc},
    {"smollm", kDigitGpt2Steps, kNone},
    {"codeshell", kDigitGpt2Steps, kNone},
    {"exaone", kDigitGpt2Steps, kNone},
    {"minerva-7b", kDigitGpt2Steps, kNone},
    {"mellum2", kDigitGpt2Steps, kNone},
    // cl100k: up to three digits together.
    {"llama-bpe", kLlama3Steps, kLlama3Flags},
    {"llama3", kLlama3Steps, kLlama3Flags},
    {"llama-v3", kLlama3Steps, kLlama3Flags},
    {"falcon3", kLlama3Steps, kLlama3Flags},
    {"falcon-h1", kLlama3Steps, kLlama3Flags},
    {"pixtral", kLlama3Steps, kLlama3Flags},
    {"midm-2.0", kLlama3Steps, kLlama3Flags},
    {"lfm2", kLlama3Steps, kLlama3Flags},
    {"jina-v5-nano", kLlama3Steps, kLlama3Flags},
    {"dbrx", kLlama3Steps, kNone},
    {"smaug-bpe", kLlama3Steps, kNone},
    {"cl100k", kLlama3Steps, kNone},
    {"chatglm-bpe", kLlama3Steps, kNone},
    {"glm4", kLlama3Steps, kIgnoreMerges},
    {"glm5", kLlama3Steps, kIgnoreMerges},
    {"jais-2", kJais2Steps, kNone},
    // Qwen: single digits.
    {"qwen2", kQwen2Steps, kNfc},
    {"deepseek-r1-qwen", kQwen2Steps, kNfc},
    {"kormo", kQwen2Steps, kNone},
    {"f2llmv2", kQwen2Steps, kNfc},
    {"megrez", kQwen2Steps, kNfc},
    {"stablelm2", kQwen2Steps, kNfc},
    {"hunyuan", kQwen2Steps, kNone},
    {"solar-open", kQwen2Steps, kNone},
    {"grok-2", kQwen2Steps, kNone},
    {"qwen35", kQwen35Steps, kNfc},
    {"laguna", kLagunaSteps, kNone},
    {"ufakzeka", kUfakzekaSteps, kNone},
    // o200k: words also end before a capital.
    {"gpt-4o", kO200kSteps, kNone},
    {"o200k", kO200kSteps, kNone},
    {"llama4", kO200kSteps, kNone},
    {"kanana2", kO200kSteps, kNone},
    {"talkie", kO200kSteps, kNone},
    {"minimax-m2", kO200kSteps, kNone},
    {"granite-embed-multi-97m", kO200kSteps, kIgnoreMerges},
    {"tiny_aya", kTinyAyaSteps, kNone},
    {"cohere2moe", kTinyAyaSteps, kNone},
    {"youtu", kYoutuSteps, kIgnoreMerges},
    {"kimi-k2", kKimiSteps, kNone},
    {"tekken", kTekkenSteps, kIgnoreMerges | kAddsBos},
    // DeepSeek and those that follow it.
    {"deepseek-llm", kDeepSeekLlmSteps, kNone},
    {"deepseek-coder", kDeepSeekCoderSteps, kNone},
    {"deepseek-v3", kDeepSeek3Steps, kNone},
    {"hunyuan-dense", kDeepSeek3Steps, kNone},
    {"joyai-llm", kDeepSeek3Steps, kNone},
    {"hy_v4", kDeepSeek3Steps, kNone},
    {"spark2_5", kSparkSteps, kNone},
    {"afmoe", kAfmoeSteps, kNone},
    // Others.
    {"falcon", kFalconSteps, kNone},
    {"poro-chat", kBloomSteps, kNone},
    {"bloom", kBloomSteps, kNone},
    {"gpt3-finnish", kBloomSteps, kNone},
    {"viking", kVikingSteps, kNone},
    {"chameleon", kChameleonSteps, kAddsBos},
    {"superbpe", kSuperBpeSteps, kNone},
    {"bailingmoe", kBailingSteps, kNone},
    {"bailingmoe2", kBailingSteps, kNone},
    {"llada-moe", kBailingSteps, kNone},
    {"seed-coder", kSeedCoderSteps, kNone},
    {"exaone-moe", kExaoneMoeSteps, kNfc},
    {"minicpm5", kMiniCpm5Steps, kIgnoreMerges},
    // Merges on characters.
    {"gemma4", kLinesSteps, kCharacters | kEscapeSpaces | kAddsBos},
    {"granite-embed-multi-311m", kLinesSteps, kCharacters | kEscapeSpaces | kAddsBos},
    {"sarvam-moe", kLinesSteps, kCharacters | kEscapeSpaces},
    {"whitespace", {}, kCharacters | kDropsSpaces},
};

PreTokenizerStep split_step(std::string_view pattern) {
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::kSplit;
  step.pattern = pattern;
  step.is_regex = true;
  return step;
}

NamedPreTokenizer from_row(const Row& row) {
  NamedPreTokenizer named;
  named.ignore_merges = (row.flags & kIgnoreMerges) != 0;
  named.on_characters = (row.flags & kCharacters) != 0;
  named.escape_spaces = (row.flags & kEscapeSpaces) != 0;
  named.adds_bos = (row.flags & kAddsBos) != 0;
  if (row.flags & kNfc) named.normalizer.push_back({});  // a default step is NFC
  if (named.escape_spaces) {
    NormalizerStep replace;
    replace.kind = NormalizerStep::Kind::kReplace;
    replace.pattern = " ";
    replace.content = "\xE2\x96\x81";
    named.normalizer.push_back(replace);
  }
  for (const std::string_view pattern : row.patterns) named.steps.push_back(split_step(pattern));
  PreTokenizerStep last;
  last.kind =
      (row.flags & kDropsSpaces) ? PreTokenizerStep::Kind::kWhitespaceSplit : PreTokenizerStep::Kind::kByteLevel;
  if (!named.on_characters || (row.flags & kDropsSpaces)) named.steps.push_back(last);
  return named;
}

}  // namespace

Result<NamedPreTokenizer> find_named_pre_tokenizer(std::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return from_row(row);
  }
  return Error(
      fmt::format("pre-tokeniser '{}' is not known; known are {}. Convert the model again with one of them, or "
                  "use a newer Ondol",
                  name, fmt::join(named_pre_tokenizers(), ", ")));
}

std::vector<std::string_view> named_pre_tokenizers() {
  std::vector<std::string_view> names;
  for (const Row& row : kTable) names.push_back(row.name);
  return names;
}

}  // namespace ondol
