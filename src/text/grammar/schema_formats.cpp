#include "text/grammar/schema_formats.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ondol::grammar {
namespace {

// RFC 3339. Years in which February has 29 days are those divisible by 4, but for full centuries not by 400.
constexpr std::string_view kYear = "[0-9]{4}";
constexpr std::string_view kLeapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
constexpr std::string_view kTime = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?";
constexpr std::string_view kOffset = "(?:[zZ]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

std::string date() {
  return fmt::format(
      "(?:{0}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
      "02-(?:0[1-9]|1[0-9]|2[0-8]))|{1}-02-29)",
      kYear, kLeapYear);
}

/// ISO 8601's durations as RFC 3339, appendix A, has them.
constexpr std::string_view kDuration =
    "P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
    "(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?|"
    "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))";

constexpr std::string_view kUuid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

constexpr std::string_view kByteNumber = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

std::string ipv4() {
  return fmt::format("{0}(?:\\.{0}){{3}}", kByteNumber);
}

/// RFC 4291: eight groups, of which one run may be left out, and the last two may be an IPv4 address.
std::string ipv6() {
  const std::string group = "[0-9a-fA-F]{1,4}";
  const std::string last = fmt::format("(?:{0}:{0}|{1})", group, ipv4());
  std::string out = fmt::format("(?:{0}:){{6}}{1}", group, last);
  // `before` groups in front of "::" at most, and the given number behind it.
  for (int behind = 7; behind >= 0; --behind) {
    const int before = 7 - behind;
    const std::string front = before == 0 ? "" : fmt::format("(?:(?:{0}:){{0,{1}}}{0})?", group, before - 1);
    std::string back;
    if (behind == 1) back = group;
    if (behind >= 2) back = fmt::format("(?:{0}:){{{1}}}{2}", group, behind - 2, last);
    out += fmt::format("|{0}::{1}", front, back);
  }
  return "(?:" + out + ")";
}

// Labels of up to 63 characters. What stands behind xn-- is not decoded.
constexpr std::string_view kLabel = "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)";

std::string hostname() {
  return fmt::format("{0}(?:\\.{0})*", kLabel);
}

std::string email(std::string_view more_letters) {
  const std::string atom = fmt::format("[a-zA-Z0-9!#$%&'*+/=?^_`{{|}}~{0}-]+", more_letters);
  const std::string quoted = fmt::format("\"(?:[ !#-\\[\\]-~{0}]|\\\\[ -~])*\"", more_letters);
  const std::string label = fmt::format("[a-zA-Z0-9{0}]+(?:-+[a-zA-Z0-9{0}]+)*", more_letters);
  return fmt::format("(?:{0}(?:\\.{0})*|{1})@(?:{2}(?:\\.{2})*|\\[(?:{3}|IPv6:{4})\\])", atom, quoted, label, ipv4(),
                     ipv6());
}

/// RFC 3986 and, with more letters, RFC 3987.
std::string uri(std::string_view more_letters, std::string_view more_in_query, bool may_be_relative) {
  const std::string hex = "%[0-9a-fA-F]{2}";
  const std::string unreserved = fmt::format("a-zA-Z0-9._~{0}\\-", more_letters);
  const std::string sub = "!$&'()*+,;=";
  const std::string pchar = fmt::format("(?:[{0}{1}:@]|{2})", unreserved, sub, hex);
  const std::string no_colon = fmt::format("(?:[{0}{1}@]|{2})", unreserved, sub, hex);
  const std::string host =
      fmt::format("(?:\\[(?:{0}|[vV][0-9a-fA-F]+\\.[{1}{2}:]+)\\]|(?:[{1}{2}]|{3})*)", ipv6(), unreserved, sub, hex);
  const std::string authority =
      fmt::format("//(?:(?:[{0}{1}:]|{2})*@)?{3}(?::[0-9]*)?(?:/{4}*)*", unreserved, sub, hex, host, pchar);
  const std::string absolute = fmt::format("/(?:{0}+(?:/{0}*)*)?", pchar);
  const std::string tail = fmt::format("(?:\\?(?:{0}|[/?{1}])*)?(?:#(?:{0}|[/?])*)?", pchar, more_in_query);
  const std::string rootless = fmt::format("{0}+(?:/{0}*)*", pchar);
  std::string out = fmt::format("[a-zA-Z][a-zA-Z0-9+.-]*:(?:{0}|{1}|{2}|){3}", authority, absolute, rootless, tail);
  if (may_be_relative) {
    out = fmt::format("(?:{0}|(?:{1}|{2}|{3}+(?:/{4}*)*|){5})", out, authority, absolute, no_colon, pchar, tail);
  }
  return out;
}

/// RFC 6570: literals, and expressions in braces.
constexpr std::string_view kUriTemplate =
    "(?:[!#-$&-;=?-\\[\\]_a-z~\\u00a0-\\u{10fffd}]|%[0-9a-fA-F]{2}|"
    "\\{[+#./"
    ";?&=,!@|]?(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})(?:\\.?(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*(?::[1-9][0-9]{0,3}|\\*)?"
    "(?:,(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2})(?:\\.?(?:[a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*(?::[1-9][0-9]{0,3}|\\*)?)*\\})*";

constexpr std::string_view kJsonPointer = "(?:/(?:[^/~]|~[01])*)*";

// Letters beyond ASCII that RFC 3987 and RFC 6531 add.
constexpr std::string_view kMoreLetters =
    "\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef\\u{10000}-\\u{1fffd}\\u{20000}-\\u{2fffd}\\u{30000}-\\u{3fffd}";

constexpr std::string_view kPrivate = "\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}";

class Formats {
 public:
  Formats(TermStore& terms, const CharacterTerm& character) : terms_(terms), character_(character) {}

  TermId regex(std::string_view pattern) { return *regex_term(terms_, pattern, RegexMeaning::kWholeText, character_); }

  /// Times with their offset from UTC. Second 60 comes only at 23:59 in UTC; that hours and minutes fit the offset is
  /// said apart from each other.
  TermId time() {
    const std::string second = ":60(?:\\.[0-9]+)?";
    std::vector<TermId> ways = {regex(fmt::format("{0}{1}", kTime, kOffset)),
                                regex(fmt::format("23:59{0}[zZ]", second))};
    std::vector<TermId> east_hours, east_minutes, west_hours, west_minutes;
    for (int n = 0; n < 60; ++n) {
      if (n < 24) {
        ways.push_back(regex(fmt::format("{0:02}:59{1}\\+{2:02}:00", (23 + n) % 24, second, n)));
        east_hours.push_back(regex(fmt::format("{0:02}:[0-9]{{2}}{1}\\+{0:02}:[0-9]{{2}}", n, second)));
        west_hours.push_back(regex(fmt::format("{0:02}:[0-9]{{2}}{1}-{2:02}:[0-9]{{2}}", 23 - n, second, n)));
      }
      if (n > 0) {
        east_minutes.push_back(regex(fmt::format("[0-9]{{2}}:{0:02}{1}\\+[0-9]{{2}}:{2:02}", n - 1, second, n)));
      }
      west_minutes.push_back(regex(fmt::format("[0-9]{{2}}:{0:02}{1}-[0-9]{{2}}:{2:02}", 59 - n, second, n)));
    }
    ways.push_back(terms_.both({terms_.either(east_hours), terms_.either(east_minutes)}));
    ways.push_back(terms_.both({terms_.either(west_hours), terms_.either(west_minutes)}));
    return terms_.either(std::move(ways));
  }

  TermId at_most(TermId term, int n_characters) {
    return terms_.both({term, terms_.repeat(character_(CodePointSet::all()), 0, n_characters)});
  }

  TermId hostname() { return at_most(regex(grammar::hostname()), 253); }

 private:
  TermStore& terms_;
  const CharacterTerm& character_;
};

}  // namespace

std::optional<TermId> format_term(TermStore& terms, std::string_view format, const CharacterTerm& character) {
  Formats formats(terms, character);
  if (format == "date") return formats.regex(date());
  if (format == "time") return formats.time();
  if (format == "date-time") {
    const TermId parts[] = {formats.regex(date()), formats.regex("[tT]"), formats.time()};
    return terms.concat(parts);
  }
  if (format == "duration") return formats.regex(kDuration);
  if (format == "uuid") return formats.regex(kUuid);
  if (format == "ipv4") return formats.regex(ipv4());
  if (format == "ipv6") return formats.regex(ipv6());
  if (format == "hostname") return formats.hostname();
  if (format == "email") return formats.regex(email(""));
  if (format == "idn-email") return formats.regex(email("\\u0080-\\u{10ffff}"));
  if (format == "uri") return formats.regex(uri("", "", false));
  if (format == "uri-reference") return formats.regex(uri("", "", true));
  if (format == "iri") return formats.regex(uri(kMoreLetters, kPrivate, false));
  if (format == "iri-reference") return formats.regex(uri(kMoreLetters, kPrivate, true));
  if (format == "uri-template") return formats.regex(kUriTemplate);
  if (format == "json-pointer") return formats.regex(kJsonPointer);
  if (format == "relative-json-pointer") return formats.regex(fmt::format("(?:0|[1-9][0-9]*)(?:#|{})", kJsonPointer));
  return std::nullopt;
}

}  // namespace ondol::grammar
