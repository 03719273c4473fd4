// Masks of grammars: microseconds per token for allowed() and accept() together, over a real vocabulary.
//
//   grammar_bench FOLDER_OF_A_TOKENIZER
//
// Every text is held to its grammar three times. "first" knows nothing yet, as after the start of a server; "new" has a
// grammar that nobody has used, in a process that has used others; "again" repeats a text whose masks are remembered.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <string>
#include <vector>

#include "text/grammar/token_mask.h"
#include "text/tokenizer_folder.h"

namespace {

/// Time of this thread on a processor, in microseconds: other programs do not count.
double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

struct Case {
  std::string name;
  ondol::Result<ondol::GrammarPtr> (*make)();
  std::string text;
};

constexpr std::string_view kSchema = R"({"type": "object", "required": ["name", "arguments"], "properties": {
  "name": {"const": "book_trip"},
  "arguments": {"type": "object", "additionalProperties": false, "required": ["travellers", "legs", "budget"], "properties": {
    "travellers": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["name", "age"], "properties": {
      "name": {"type": "string", "maxLength": 80}, "age": {"type": "integer", "minimum": 0, "maximum": 130},
      "email": {"type": "string", "format": "email"}}, "additionalProperties": false}},
    "legs": {"type": "array", "items": {"type": "object", "required": ["from", "to", "date"], "properties": {
      "from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"}, "date": {"type": "string", "format": "date"},
      "class": {"enum": ["economy", "business", "first"]}, "notes": {"type": ["string", "null"]}}}},
    "budget": {"type": "object", "properties": {"amount": {"type": "number", "minimum": 0}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}},
    "remarks": {"type": "string"}}}},
  "$defs": {"place": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "country": {"type": "string"},
    "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}}}}})";

constexpr std::string_view kCall =
    R"({"name": "book_trip", "arguments": {"travellers": [{"name": "김민수", "age": 41, "email": "minsu.kim@example.com"}, {"name": "Maria-Luise Oberländer", "age": 38}], "legs": [{"from": {"city": "서울", "country": "대한민국", "coordinates": [37.5665, 126.978]}, "to": {"city": "Wien", "country": "Österreich"}, "date": "2026-03-14", "class": "business", "notes": "Window seats if possible; one of us gets sick easily."}, {"from": {"city": "Wien"}, "to": {"city": "서울"}, "date": "2026-03-29", "class": "economy", "notes": null}], "budget": {"amount": 5400.5, "currency": "EUR"}, "remarks": "Please look for a quiet hotel near the old town.\nBreakfast is important, \"late\" check-out too. 조용한 방이면 좋겠습니다."}})";

constexpr std::string_view kArithmetic = R"gbnf(root ::= (expr "=" ws term "\n")+
expr ::= term ([-+*/] ws term)*
term ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num ::= [0-9]+ ws
ws ::= [ \t\n]*
)gbnf";

const ondol::JsonSchemaOptions kServed = {
    .compact = true, .closed = true, .strict = false, .plain_numbers = true, .never = {}};

std::string repeated(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

std::vector<Case> cases() {
  return {
      {"JSON Schema", [] { return ondol::grammar_from_json_schema(*ondol::parse_json(kSchema)); }, std::string(kCall)},
      {"JSON Schema as served", [] { return ondol::grammar_from_json_schema(*ondol::parse_json(kSchema), kServed); },
       std::string(kCall)},
      {"json_object", []() -> ondol::Result<ondol::GrammarPtr> { return ondol::grammar_of_json_objects(); },
       std::string(kCall)},
      {"regex", [] { return ondol::grammar_from_regex("(\\d{4}-\\d{2}-\\d{2} (INFO|WARN|ERROR) [^\\n]{1,200}\\n)+"); },
       repeated("2026-01-15 WARN the disk is 91 % full, and 로그 files grow by 3 GB a day\n2026-01-15 INFO done\n", 6)},
      {"GBNF", [] { return ondol::grammar_from_gbnf(kArithmetic); },
       repeated("(width + 2 * margin) * (height - 17) / scale = area\nx1 + (y - (z * 3)) = 42\n", 6)},
      {"free text, then a call",
       []() -> ondol::Result<ondol::GrammarPtr> {
         ondol::GrammarBuilder b;
         const auto call = ONDOL_TRY(b.json_schema(*ondol::parse_json(kSchema), kServed));
         const auto calls = b.repeat(b.sequence({b.special("<tool_call>"), b.literal("\n"), call, b.literal("\n"),
                                                 b.special("</tool_call>"), b.text_before({"<tool_call>"})}),
                                     0, -1);
         return b.build(b.sequence({b.text_before({"<tool_call>"}), calls}));
       },
       "Let me book that trip for you. 잠시만 기다려 주세요; I look for flights <fast> ones first.\n<tool_call>\n" +
           std::string(kCall) + "\n</tool_call>"},
  };
}

struct Times {
  double mean = 0;
  double p99 = 0;
  size_t n_tokens = 0;
};

Times run(const ondol::GrammarPtr& grammar, const std::shared_ptr<const ondol::MaskVocabulary>& vocabulary,
          const std::vector<ondol::TokenId>& tokens, std::string_view name) {
  std::vector<double> times;
  const auto constraint = constrain(grammar, vocabulary);
  for (const ondol::TokenId token : tokens) {
    const double start = now_us();
    const ondol::TokenSet* allowed = constraint->allowed();
    const double masked = now_us();
    if (allowed != nullptr && !allowed->contains(token)) {
      fmt::print("{}: token {} of {} is masked\n", name, times.size(), tokens.size());
      break;
    }
    const double checked = now_us();
    constraint->accept(token);
    times.push_back(masked - start + (now_us() - checked));
  }
  Times out;
  out.n_tokens = times.size();
  if (times.empty()) return out;
  out.mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  out.p99 = times[times.size() * 99 / 100];
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print("usage: grammar_bench FOLDER_OF_A_TOKENIZER\n");
    return 2;
  }
  const auto tokenizer = ondol::load_tokenizer_folder(argv[1]);
  if (!tokenizer) {
    fmt::print("{}\n", tokenizer.error().message());
    return 1;
  }
  const double start = now_us();
  const auto shared = ondol::MaskVocabulary::create(*tokenizer);
  fmt::print("{} tokens, made ready in {:.0f} ms\n", (*tokenizer)->vocabulary_size(), (now_us() - start) / 1000);
  fmt::print("{:24} {:>7} {:>10} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}\n", "", "tokens", "build ms", "first us", "p99",
             "new us", "p99", "again us", "p99");
  for (const Case& c : cases()) {
    const auto tokens = (*tokenizer)->encode(c.text, false, ondol::SpecialTokens::kParse);
    const double build_start = now_us();
    const auto grammar = c.make();
    const double build_ms = (now_us() - build_start) / 1000;
    if (!grammar) {
      fmt::print("{}: {}\n", c.name, grammar.error().message());
      return 1;
    }
    const Times first = run(*grammar, ondol::MaskVocabulary::create(*tokenizer), tokens, c.name);
    run(*c.make(), shared, tokens, c.name);
    const ondol::GrammarPtr other = *c.make();
    const Times fresh = run(other, shared, tokens, c.name);
    const Times again = run(other, shared, tokens, c.name);
    fmt::print("{:24} {:7} {:10.1f} {:9.1f} {:7.0f} {:7.1f} {:7.0f} {:7.2f} {:7.1f}\n", c.name, first.n_tokens,
               build_ms, first.mean, first.p99, fresh.mean, fresh.p99, again.mean, again.p99);
  }
  return 0;
}
