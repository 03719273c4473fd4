#include "agent/mcp/knowledge_offer.h"

#include <utility>

#include <fmt/format.h>

#include "agent/schema_check.h"

namespace ondol::mcp {
namespace {

constexpr std::string_view kCollectionScheme = "ondol://collections/";
constexpr std::string_view kModelScheme = "ondol://models/";

/// Names may have any character; URIs may not.
std::string encoded(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~' || byte >= 0x80;
    text += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return text;
}

Reply json_contents(const std::string& uri, const json::value& value) {
  return json::object{{"contents", json::array{json::object{
                                       {"uri", uri}, {"mimeType", "application/json"}, {"text", json_text(value)}}}}};
}

json::object resource(const std::string& uri, const std::string& name, const std::string& description) {
  return {{"uri", uri}, {"name", name}, {"description", description}, {"mimeType", "application/json"}};
}

OfferedTool reading_tool(const char* name, const char* description, const char* schema,
                         std::function<Reply(const json::object& arguments, Call& call)> run) {
  const json::value parameters = *parse_json(schema);
  json::object listing{{"name", name},
                       {"description", description},
                       {"inputSchema", parameters},
                       {"annotations", json::object{{"readOnlyHint", true}, {"openWorldHint", false}}}};
  return {name, std::move(listing),
          [parameters, run = std::move(run)](const json::object& arguments, Call& call) -> Reply {
            if (const auto fits = check_against_schema(parameters, arguments); !fits)
              return text_result("arguments: " + fits.error().message(), true);
            return run(arguments, call);
          }};
}

/// As text for models, and whole for programs.
json::object structured_result(std::string_view text, json::object whole, Revision revision) {
  json::object result = text_result(text);
  if (revision >= Revision::k2025_06_18) result["structuredContent"] = std::move(whole);
  return result;
}

Result<std::string> chosen(Collections& collections, const json::object& arguments) {
  const std::string wanted = string_or(arguments, "collection", "");
  const std::vector<std::string> names = collections.names();
  if (names.empty()) return Error("there are no collections");
  if (wanted.empty()) return names.front();
  std::string known;
  for (const std::string& name : names) {
    if (name == wanted) return name;
    known += (known.empty() ? "" : ", ") + name;
  }
  return Error(fmt::format("collection: there is no '{}'; there are: {}", wanted.substr(0, 100), known));
}

Reply search(Collections& collections, const json::object& arguments, Call& call) {
  const auto collection = chosen(collections, arguments);
  if (!collection) return text_result(collection.error().message(), true);
  auto hits = collections.search(*collection, string_or(arguments, "question", ""),
                                 static_cast<size_t>(int_or(arguments, "n", 5)));
  if (!hits) return text_result(hits.error().message(), true);
  std::string text = hits->empty() ? "Nothing fits." : "";
  for (const json::value& hit : *hits)
    text += fmt::format("{}{}, bytes {} to {}\n{}\n", text.empty() ? "" : "\n", string_or(hit, "path", ""),
                        int_or(hit, "start", 0), int_or(hit, "end", 0), string_or(hit, "text", ""));
  return structured_result(text, {{"hits", std::move(*hits)}}, call.revision());
}

Reply ask(Collections& collections, const json::object& arguments, Call& call) {
  const auto collection = chosen(collections, arguments);
  if (!collection) return text_result(collection.error().message(), true);
  auto answer = collections.ask(*collection, string_or(arguments, "question", ""), [&call] { return call.goes_on(); });
  if (!answer) return text_result(answer.error().message(), true);
  std::string text = string_or(*answer, "answer", "");
  const json::value* sources = answer->if_contains("sources");
  if (sources != nullptr && sources->is_array()) {
    for (const json::value& source : sources->get_array())
      text += fmt::format("\n[{}] {}: \"{}\"", int_or(source, "number", 0), string_or(source, "path", ""),
                          string_or(source, "quote", ""));
  }
  return structured_result(text, std::move(*answer), call.revision());
}

class CollectionShelf : public ResourceShelf {
 public:
  explicit CollectionShelf(std::shared_ptr<Collections> collections) : collections_(std::move(collections)) {}
  json::array list() const override {
    json::array all;
    for (const std::string& name : collections_->names())
      all.push_back(resource(fmt::format("{}{}", kCollectionScheme, encoded(name)), name,
                             "The documents of a collection; the tools search and ask find what they say"));
    return all;
  }
  std::optional<Reply> read(const std::string& uri, Call&) override {
    for (const std::string& name : collections_->names()) {
      if (uri != fmt::format("{}{}", kCollectionScheme, encoded(name))) continue;
      const auto contents = collections_->contents(name);
      if (!contents) return RpcError{kRpcInternalError, contents.error().message()};
      return json_contents(uri, *contents);
    }
    return std::nullopt;
  }

 private:
  const std::shared_ptr<Collections> collections_;
};

class ModelShelf : public ResourceShelf {
 public:
  explicit ModelShelf(std::shared_ptr<Models> models) : models_(std::move(models)) {}
  json::array list() const override {
    json::array all;
    for (const json::value& model : models_->list()) {
      const std::string name = string_or(model, "name", "");
      all.push_back(resource(fmt::format("{}{}", kModelScheme, encoded(name)), name, "A language model; see generate"));
    }
    return all;
  }
  std::optional<Reply> read(const std::string& uri, Call&) override {
    for (const json::value& model : models_->list())
      if (uri == fmt::format("{}{}", kModelScheme, encoded(string_or(model, "name", ""))))
        return json_contents(uri, model);
    return std::nullopt;
  }

 private:
  const std::shared_ptr<Models> models_;
};

Reply generate(Models& models, const json::object& arguments, Call& call) {
  Models::Wish wish;
  wish.model = string_or(arguments, "model", "");
  wish.system = string_or(arguments, "system", "");
  wish.prompt = string_or(arguments, "prompt", "");
  wish.max_tokens = static_cast<int>(int_or(arguments, "max_tokens", wish.max_tokens));
  wish.goes_on = [&call](size_t n_characters) {
    call.progress(static_cast<double>(n_characters), 0, "characters");
    return call.goes_on();
  };
  const auto text = models.generate(wish);
  return text ? text_result(*text) : text_result(text.error().message(), true);
}

}  // namespace

void offer_collections(Catalog& catalog, std::shared_ptr<Collections> collections) {
  constexpr const char* kSearch = R"({"type": "object", "properties": {
    "question": {"type": "string", "description": "Words or a question"},
    "collection": {"type": "string", "description": "Its name; without it the first"},
    "n": {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many passages; 5 without it"}},
    "required": ["question"], "additionalProperties": false})";
  constexpr const char* kAsk = R"({"type": "object", "properties": {
    "question": {"type": "string", "description": "What is to be answered"},
    "collection": {"type": "string", "description": "Its name; without it the first"}},
    "required": ["question"], "additionalProperties": false})";
  catalog.add(reading_tool(
      "search", "Passages of the owner's documents that fit a question, the best first", kSearch,
      [collections](const json::object& arguments, Call& call) { return search(*collections, arguments, call); }));
  catalog.add(reading_tool(
      "ask", "An answer from the owner's documents, each claim with places that say it", kAsk,
      [collections](const json::object& arguments, Call& call) { return ask(*collections, arguments, call); }));
  catalog.add(std::make_shared<CollectionShelf>(std::move(collections)));
}

void offer_models(Catalog& catalog, std::shared_ptr<Models> models) {
  constexpr const char* kGenerate = R"({"type": "object", "properties": {
    "prompt": {"type": "string", "description": "What the model is asked"},
    "system": {"type": "string", "description": "How it is to answer"},
    "model": {"type": "string", "description": "Its name; without it the default"},
    "max_tokens": {"type": "integer", "minimum": 1, "maximum": 100000, "description": "512 without it"}},
    "required": ["prompt"], "additionalProperties": false})";
  catalog.add(
      reading_tool("generate", "A text by a language model on the owner's machine", kGenerate,
                   [models](const json::object& arguments, Call& call) { return generate(*models, arguments, call); }));
  catalog.add(std::make_shared<ModelShelf>(std::move(models)));
}

}  // namespace ondol::mcp
