// What the owner's machine knows, offered over MCP: collections of documents (search, ask, and each as a resource) and
// models (generate, and each as a resource). Where they come from is handed in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/catalog.h"

namespace ondol::mcp {

/// From several threads at once.
class Collections {
 public:
  virtual ~Collections() = default;
  virtual std::vector<std::string> names() = 0;
  /// [{"path", "page", "start", "end", "headings", "text", "score"}]
  virtual Result<json::array> search(const std::string& collection, const std::string& question, size_t n) = 0;
  /// As answer_json().
  virtual Result<json::object> ask(const std::string& collection, const std::string& question,
                                   const std::function<bool()>& goes_on) = 0;
  /// {"documents": [{"path", "bytes"}], "failed": [...]}
  virtual Result<json::object> contents(const std::string& collection) = 0;
};

/// From several threads at once.
class Models {
 public:
  virtual ~Models() = default;
  /// [{"name", ...}]; the first is the default.
  virtual json::array list() = 0;
  struct Wish {
    std::string model;  // "" is the default
    std::string system;
    std::string prompt;
    int max_tokens = 512;
    std::function<bool(size_t n_characters)> goes_on;  // told how much there is
  };
  virtual Result<std::string> generate(const Wish& wish) = 0;
};

/// The tools are offered where there is at least one collection.
void offer_collections(Catalog& catalog, std::shared_ptr<Collections> collections);
void offer_models(Catalog& catalog, std::shared_ptr<Models> models);

}  // namespace ondol::mcp
