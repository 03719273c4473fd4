#include "agent/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include <unistd.h>

namespace ondol {
namespace {

constexpr size_t kShortestValue = 8;

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_token(char c) {
  return is_word(c) || c == '-';
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// What begins a token, how many characters must follow at least, and what it is called.
struct Prefix {
  std::string_view begin;
  size_t least;
  std::string_view name;
};

constexpr Prefix kPrefixes[] = {
    {"github_pat_", 30, "GitHub token"}, {"ghp_", 30, "GitHub token"},   {"gho_", 30, "GitHub token"},
    {"ghu_", 30, "GitHub token"},        {"ghs_", 30, "GitHub token"},   {"ghr_", 30, "GitHub token"},
    {"glpat-", 18, "GitLab token"},      {"sk-", 20, "API key"},         {"sk_live_", 16, "API key"},
    {"rk_live_", 16, "API key"},         {"xoxb-", 16, "Slack token"},   {"xoxp-", 16, "Slack token"},
    {"xoxa-", 16, "Slack token"},        {"xoxr-", 16, "Slack token"},   {"xoxs-", 16, "Slack token"},
    {"AKIA", 16, "AWS key"},             {"ASIA", 16, "AWS key"},        {"AIza", 35, "Google key"},
    {"ya29.", 20, "Google token"},       {"hf_", 30, "Hugging Face token"}, {"npm_", 36, "npm token"},
    {"pypi-", 40, "PyPI token"},         {"dop_v1_", 40, "API token"},
};

/// A place in the text that is a secret: from `begin` to `end`.
struct Found {
  size_t begin = 0;
  size_t end = 0;
  std::string_view name;
};

size_t end_of(std::string_view text, size_t at, bool (*holds)(char)) {
  while (at < text.size() && holds(text[at])) ++at;
  return at;
}

bool find_prefixed(std::string_view text, size_t at, Found& found) {
  for (const Prefix& prefix : kPrefixes) {
    if (!text.substr(at).starts_with(prefix.begin)) continue;
    const size_t body = at + prefix.begin.size();
    const size_t end = end_of(text, body, is_token);
    if (end - body < prefix.least) continue;
    found = {at, end, prefix.name};
    return true;
  }
  return false;
}

/// header.payload.signature, each in base64url; the header begins with {" in JSON.
bool find_web_token(std::string_view text, size_t at, Found& found) {
  if (!text.substr(at).starts_with("eyJ")) return false;
  size_t end = at;
  for (int part = 0; part < 3; ++part) {
    const size_t begin = end;
    end = end_of(text, begin, is_token);
    if (end - begin < 8) return false;
    if (part < 2 && (end >= text.size() || text[end++] != '.')) return false;
  }
  found = {at, end, "web token"};
  return true;
}

bool find_private_key(std::string_view text, size_t at, Found& found) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  if (!text.substr(at).starts_with(kBegin)) return false;
  const size_t line_end = std::min(text.find("-----", at + kBegin.size()), text.size());
  if (text.substr(at, line_end - at).find("PRIVATE KEY") == std::string_view::npos) return false;
  const size_t end_line = text.find("-----END ", line_end);
  const size_t end = end_line == std::string_view::npos ? text.size() : text.find("-----", end_line + 9);
  found = {at, end == std::string_view::npos ? text.size() : std::min(end + 5, text.size()), "private key"};
  return true;
}

/// The password of scheme://user:password@host; `at` is at the "://".
bool find_address_password(std::string_view text, size_t at, Found& found) {
  if (!text.substr(at).starts_with("://")) return false;
  const size_t end = std::min(text.find_first_of(" \t\r\n/\"'<>", at + 3), text.size());
  const std::string_view authority = text.substr(at + 3, end - at - 3);
  const size_t sign = authority.rfind('@');
  const size_t colon = authority.find(':');
  if (sign == std::string_view::npos || colon == std::string_view::npos || colon + 1 >= sign) return false;
  found = {at + 3 + colon + 1, at + 3 + sign, "password"};
  return true;
}

bool looks_random(std::string_view value) {
  if (value.size() < kShortestValue) return false;
  const bool has_digit = std::any_of(value.begin(), value.end(), [](unsigned char c) { return std::isdigit(c); });
  const bool has_letter = std::any_of(value.begin(), value.end(), [](unsigned char c) { return std::isalpha(c); });
  return has_digit && has_letter && value.find_first_of("()<>{}$") == std::string_view::npos;
}

/// name = value, name: "value", "name": "value" and "Authorization: Bearer value"; `at` is where a word begins.
bool find_setting(std::string_view text, size_t at, Found& found) {
  const size_t name_end = end_of(text, at, is_token);
  const std::string_view name = text.substr(at, name_end - at);
  const bool is_bearer = lower(name) == "bearer";
  if (!is_bearer && !is_secret_name(name)) return false;
  size_t value = name_end;
  if (!is_bearer) {
    value = std::min(text.find_first_not_of("\"' \t", value), text.size());
    if (value >= text.size() || (text[value] != '=' && text[value] != ':')) return false;
    ++value;
  }
  value = std::min(text.find_first_not_of("\"' \t", value), text.size());
  const bool is_quoted = value > 0 && value < text.size() && (text[value - 1] == '"' || text[value - 1] == '\'');
  const size_t end = std::min(
      is_quoted ? text.find_first_of(std::string("\n") + text[value - 1], value) : text.find_first_of(" \t\r\n\"',;&`", value),
      text.size());
  if (!looks_random(text.substr(value, end - value))) return false;
  found = {value, end, "value"};
  return true;
}

bool find_at(std::string_view text, size_t at, Found& found) {
  if (find_private_key(text, at, found) || find_address_password(text, at, found)) return true;
  if (at > 0 && is_word(text[at - 1])) return false;
  return find_prefixed(text, at, found) || find_web_token(text, at, found) || find_setting(text, at, found);
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(c);
    for (n_bits += 8; n_bits >= 6; n_bits -= 6) text += kLetters[(bits >> (n_bits - 6)) & 63];
  }
  if (n_bits > 0) text += kLetters[(bits << (6 - n_bits)) & 63];
  return text;
}

std::string percent_encoded(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    if (is_token(c) || c == '.' || c == '~') {
      text += c;
    } else {
      text += {'%', kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]};
    }
  }
  return text;
}

int replace_all(std::string& text, const std::string& value, const std::string& name) {
  const std::string replacement = "[secret: " + name + "]";
  int n = 0;
  for (size_t at = text.find(value); at != std::string::npos; at = text.find(value, at + replacement.size()), ++n) {
    text.replace(at, value.size(), replacement);
  }
  return n;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  std::string plain = lower(name);
  std::replace(plain.begin(), plain.end(), '-', '_');
  static constexpr std::string_view kParts[] = {"password", "passwd",  "passphrase", "secret",      "token",
                                                "api_key",  "apikey",  "access_key", "private_key", "credential",
                                                "auth_key", "encryption_key"};
  // What counts tokens is no secret.
  static constexpr std::string_view kOthers[] = {"max_token", "n_token", "tokens", "tokenizer", "token_count"};
  for (const std::string_view other : kOthers) {
    if (plain.find(other) != std::string::npos) return false;
  }
  if (plain == "pgpassword" || plain == "authorization" || plain.ends_with("_pat") || plain.ends_with("_key")) {
    return true;
  }
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](std::string_view part) { return plain.find(part) != std::string::npos; });
}

bool is_secret_path(std::string_view path) {
  const std::string whole = lower(path);
  const std::string_view name = std::string_view(whole).substr(whole.find_last_of('/') + 1);
  static constexpr std::string_view kNames[] = {".netrc",     ".pgpass",  ".npmrc",           ".pypirc",
                                                "id_rsa",     "id_dsa",   "id_ecdsa",         "id_ed25519",
                                                ".htpasswd", "credentials.json", "secrets.json",
                                                "secrets.yaml", "secrets.yml", "secrets.toml", ".git-credentials",
                                                ".dockercfg", "kubeconfig"};
  static constexpr std::string_view kEnds[] = {".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".keystore", ".ppk"};
  if (name == ".env" || name.starts_with(".env.") || name.ends_with(".env")) return true;
  for (const std::string_view secret : kNames) {
    if (name == secret) return true;
  }
  for (const std::string_view end : kEnds) {
    if (name.size() > end.size() && name.ends_with(end)) return true;
  }
  for (const std::string_view folder : {".ssh/", ".aws/", ".gnupg/", ".kube/", ".docker/", "/etc/shadow"}) {
    if (whole.find(folder) != std::string::npos) return true;
  }
  return whole.starts_with("/proc/") && whole.ends_with("/environ");
}

bool names_secret_path(const json::value& arguments) {
  if (arguments.is_object()) {
    return std::any_of(arguments.get_object().begin(), arguments.get_object().end(),
                       [](const auto& member) { return names_secret_path(member.value()); });
  }
  if (arguments.is_array()) {
    return std::any_of(arguments.get_array().begin(), arguments.get_array().end(), names_secret_path);
  }
  if (!arguments.is_string()) return false;
  const std::string_view text = arguments.get_string();
  constexpr std::string_view kBetween = " \t\r\n\"'`;|&<>()=,$*?[]{}\\";
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    if (is_secret_path(text.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

SecretFilter::SecretFilter(const std::vector<std::string>& environment) {
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || !is_secret_name(std::string_view(entry).substr(0, equals))) continue;
    const std::string name = entry.substr(0, equals), value = entry.substr(equals + 1);
    if (value.size() < kShortestValue) continue;
    for (const std::string& form : {value, base64(value), percent_encoded(value)}) {
      const std::pair<std::string, std::string> known{form, name};
      if (std::find(values_.begin(), values_.end(), known) == values_.end()) values_.push_back(known);
    }
  }
  std::sort(values_.begin(), values_.end(),
            [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

SecretFilter SecretFilter::of_process() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return SecretFilter(entries);
}

SecretFilter::Filtered SecretFilter::filter(std::string_view text) const {
  Filtered result{std::string(text), 0};
  for (const auto& [value, name] : values_) result.n_secrets += replace_all(result.text, value, name);
  const std::string known = std::move(result.text);
  result.text.clear();
  for (size_t at = 0; at < known.size();) {
    Found found;
    if (!find_at(known, at, found) || known.compare(found.begin, 9, "[secret: ") == 0) {
      result.text += known[at++];
      continue;
    }
    result.text.append(known, at, found.begin - at);
    result.text.append("[secret: ").append(found.name).append("]");
    at = found.end;
    ++result.n_secrets;
  }
  return result;
}

json::value SecretFilter::filter(const json::value& value) const {
  if (value.is_string()) return json::value(filter(std::string_view(value.get_string())).text);
  if (value.is_array()) {
    json::array items;
    for (const json::value& item : value.get_array()) items.push_back(filter(item));
    return items;
  }
  if (!value.is_object()) return value;
  json::object object;
  for (const auto& member : value.get_object()) object[member.key()] = filter(member.value());
  return object;
}

}  // namespace ondol
