#include "agent/tool_picker.h"

#include <algorithm>
#include <cmath>

namespace ondol {
namespace {

constexpr double kSaturation = 1.2;
constexpr double kLengthShare = 0.5;
constexpr int kNameWeight = 3;
/// How much better a tool that is not offered must fit than all that are.
constexpr double kClearlyBetter = 1.25;
/// The least score of a tool that fits, as a share of what one word may be worth at most. Words that many tools share
/// give less, however many tools there are.
constexpr double kFits = 0.3;

/// Descriptions of tools are English; what people ask for in Korean is read with these words too.
struct Translation {
  std::string_view korean;
  std::string_view english;
};
constexpr Translation kTranslations[] = {
    {"파일", "file"},
    {"폴더", "folder list files"},
    {"목록", "list"},
    {"읽", "read file"},
    {"열어", "read open"},
    {"쓰", "write"},
    {"저장", "write save"},
    {"만들", "write create"},
    {"고쳐", "edit replace"},
    {"고치", "edit replace"},
    {"수정", "edit replace"},
    {"바꿔", "edit replace"},
    {"바꾸", "edit replace"},
    {"찾", "search find"},
    {"검색", "search find"},
    {"문서", "document search"},
    {"실행", "run program"},
    {"명령", "run shell command"},
    {"셸", "run shell"},
    {"파이썬", "run python"},
    {"코드", "run python code"},
    {"계산", "calculate calculator"},
    {"더하", "calculate calculator"},
    {"곱하", "calculate calculator"},
    {"시간", "time clock"},
    {"시각", "time clock"},
    {"날짜", "date clock"},
    {"오늘", "date clock"},
    {"웹", "fetch web page"},
    {"페이지", "fetch page"},
    {"주소", "fetch url"},
    {"내려받", "fetch download"},
    {"기억", "notes remember"},
    {"메모", "notes"},
    {"노트", "notes"},
    {"물어", "ask user question"},
    {"조명", "publish device lamp"},
    {"전등", "publish device lamp"},
    {"로봇", "publish device robot"},
    {"기기", "publish device"},
};

std::string with_translations(std::string_view text) {
  std::string result(text);
  for (const Translation& entry : kTranslations) {
    if (text.find(entry.korean) != std::string_view::npos) result.append(" ").append(entry.english);
  }
  return result;
}

/// read_file, mqtt.publish and readFile are several words.
std::string words_of(std::string_view name) {
  std::string words;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto is_upper = [&](size_t at) { return name[at] >= 'A' && name[at] <= 'Z'; };
    if (i > 0 && is_upper(i) && !is_upper(i - 1)) words += ' ';
    words += name[i] == '_' || name[i] == '.' || name[i] == '-' ? ' ' : name[i];
  }
  return words;
}

/// Names of the parameters, whose descriptions would only add noise.
std::string parameter_names(const json::value& schema) {
  std::string names;
  const json::value* properties = find_member(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return names;
  for (const auto& member : properties->get_object()) names.append(" ").append(words_of(member.key()));
  return names;
}

bool contains(const std::vector<size_t>& list, size_t item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

std::vector<std::string> ToolPicker::terms_of(std::string_view text) {
  std::vector<std::string> terms;
  reader_.read(text, [&](const Term& term) { terms.emplace_back(term.text); });
  return terms;
}

ToolPicker::ToolPicker(const std::vector<const ToolDefinition*>& tools) {
  double total = 0;
  for (const ToolDefinition* tool : tools) {
    std::unordered_map<std::string, int> counts;
    for (const std::string& term : terms_of(words_of(tool->name))) counts[term] += kNameWeight;
    for (const std::string& term : terms_of(tool->description)) counts[term] += 1;
    for (const std::string& term : terms_of(parameter_names(tool->parameters))) counts[term] += 1;
    double length = 0;
    for (const auto& [term, count] : counts) {
      length += count;
      ++n_tools_with_[term];
    }
    lengths_.push_back(length);
    total += length;
    counts_.push_back(std::move(counts));
  }
  if (!tools.empty()) mean_length_ = std::max(1.0, total / static_cast<double>(tools.size()));
}

/// What a word is worth that so many tools have.
double ToolPicker::rarity(int n_tools) const {
  const double n = static_cast<double>(counts_.size());
  return std::log(1 + (n - n_tools + 0.5) / (n_tools + 0.5));
}

std::vector<ToolPicker::Scored> ToolPicker::rank(std::string_view query) {
  std::vector<std::string> terms = terms_of(with_translations(query));
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  std::vector<Scored> scored(counts_.size());
  for (size_t i = 0; i < counts_.size(); ++i) {
    scored[i].tool = i;
    const double norm = kSaturation * (1 - kLengthShare + kLengthShare * lengths_[i] / mean_length_);
    for (const std::string& term : terms) {
      const auto found = counts_[i].find(term);
      if (found == counts_[i].end()) continue;
      scored[i].score += rarity(n_tools_with_[term]) * found->second * (kSaturation + 1) / (found->second + norm);
    }
  }
  std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  return scored;
}

std::optional<size_t> ToolPicker::missing(std::string_view query, const std::vector<size_t>& offered) {
  const std::vector<Scored> ranked = rank(query);
  if (ranked.empty() || contains(offered, ranked.front().tool)) return {};
  double best_offered = 0;
  for (const Scored& entry : ranked) {
    if (contains(offered, entry.tool)) best_offered = std::max(best_offered, entry.score);
  }
  const double least = std::max(best_offered * kClearlyBetter, kFits * rarity(1) * (kSaturation + 1));
  return ranked.front().score > least ? std::optional(ranked.front().tool) : std::nullopt;
}

std::vector<size_t> ToolPicker::pick(std::string_view query, size_t most, const std::vector<size_t>& offered,
                                     const std::vector<size_t>& used) {
  std::vector<size_t> picked;
  if (counts_.size() <= most) {
    for (size_t i = 0; i < counts_.size(); ++i) picked.push_back(i);
    return picked;
  }
  if (!offered.empty() && !missing(query, offered)) return offered;
  const std::vector<Scored> ranked = rank(query);
  for (auto at = used.rbegin(); at != used.rend() && picked.size() + 1 < most; ++at) {
    if (!contains(picked, *at)) picked.push_back(*at);
  }
  for (const Scored& entry : ranked) {
    if (picked.size() < most && !contains(picked, entry.tool)) picked.push_back(entry.tool);
  }
  std::sort(picked.begin(), picked.end());
  return picked;
}

}  // namespace ondol
