#include <utility>

#include <fmt/format.h>

#include "agent/printable_text.h"
#include "agent/tools/plain_tool.h"
#include "agent/tools/tools.h"

namespace ondol {
namespace {

constexpr int64_t kDefaultHits = 5, kMostHits = 20;

class SearchDocuments : public PlainTool {
 public:
  explicit SearchDocuments(decltype(ToolNeeds::search_documents) search)
      : PlainTool("search_documents", "Finds passages in the owner's collection of documents.",
                  R"({"query": {"type": "string"}, "count": {"type": "integer", "minimum": 1, "maximum": 20}})",
                  R"(["query"])", Effect::kReads),
        search_(std::move(search)) {}

  Result<std::string> preview(const json::object& arguments, ToolContext&) override {
    return fmt::format("search the documents for: {}", string_or(arguments, "query", ""));
  }

  Result<ToolResult> call(const json::object& arguments, ToolContext&) override {
    const int64_t n = std::clamp(int_or(arguments, "count", kDefaultHits), int64_t{1}, kMostHits);
    const std::vector<Hit> hits = ONDOL_TRY(search_(string_or(arguments, "query", ""), static_cast<size_t>(n)));
    std::string text;
    json::array places;
    for (const Hit& hit : hits) {
      const std::string page = hit.page > 0 ? fmt::format(", page {}", hit.page) : "";
      text += fmt::format("[{}] {}{}\n{}\n\n", places.size() + 1, hit.path, page, hit.text);
      places.push_back({{"path", hit.path}, {"page", hit.page}, {"start", hit.start}, {"end", hit.end}});
    }
    ToolResult result = foreign_words(hits.empty() ? "(nothing was found)" : printable_text(text));
    result.structured = std::move(places);
    return result;
  }

 private:
  decltype(ToolNeeds::search_documents) search_;
};

}  // namespace

std::unique_ptr<Tool> make_search_documents(decltype(ToolNeeds::search_documents) search) {
  return std::make_unique<SearchDocuments>(std::move(search));
}

}  // namespace ondol
