#include "agent/mcp/catalog.h"

#include <algorithm>
#include <utility>

namespace ondol::mcp {
namespace {

template <typename Item>
void put(std::vector<std::shared_ptr<const Item>>& items, Item item) {
  auto fresh = std::make_shared<const Item>(std::move(item));
  for (auto& known : items) {
    if (known->name == fresh->name) {
      known = std::move(fresh);
      return;
    }
  }
  items.push_back(std::move(fresh));
}

template <typename Item>
bool drop(std::vector<std::shared_ptr<const Item>>& items, const std::string& name) {
  return std::erase_if(items, [&](const auto& item) { return item->name == name; }) > 0;
}

template <typename Item>
std::shared_ptr<const Item> find(const std::vector<std::shared_ptr<const Item>>& items, std::string_view name) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return item->name == name; });
  return found == items.end() ? nullptr : *found;
}

}  // namespace

void Catalog::add(OfferedTool tool) {
  {
    const std::lock_guard lock(mutex_);
    put(tools_, std::move(tool));
  }
  tell({Change::Kind::kTools, {}});
}

void Catalog::add(OfferedPrompt prompt) {
  {
    const std::lock_guard lock(mutex_);
    put(prompts_, std::move(prompt));
  }
  tell({Change::Kind::kPrompts, {}});
}

void Catalog::add(std::shared_ptr<ResourceShelf> shelf) {
  {
    const std::lock_guard lock(mutex_);
    shelves_.push_back(std::move(shelf));
  }
  tell({Change::Kind::kResources, {}});
}

void Catalog::remove_tool(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (!drop(tools_, name)) return;
  }
  tell({Change::Kind::kTools, {}});
}

void Catalog::remove_prompt(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (!drop(prompts_, name)) return;
  }
  tell({Change::Kind::kPrompts, {}});
}

std::vector<std::shared_ptr<const OfferedTool>> Catalog::tools() const {
  const std::lock_guard lock(mutex_);
  return tools_;
}

std::vector<std::shared_ptr<const OfferedPrompt>> Catalog::prompts() const {
  const std::lock_guard lock(mutex_);
  return prompts_;
}

std::vector<std::shared_ptr<ResourceShelf>> Catalog::shelves() const {
  const std::lock_guard lock(mutex_);
  return shelves_;
}

std::shared_ptr<const OfferedTool> Catalog::find_tool(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return find(tools_, name);
}

std::shared_ptr<const OfferedPrompt> Catalog::find_prompt(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return find(prompts_, name);
}

int Catalog::listen(Listener listener) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_[next_listener_] = std::move(listener);
  return next_listener_++;
}

void Catalog::stop_listening(int id) {
  const std::lock_guard lock(listeners_mutex_);
  listeners_.erase(id);
}

void Catalog::tell(const Change& change) {
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& [id, listener] : listeners_) listener(change);
}

json::object text_result(std::string_view text, bool is_error) {
  json::object result{{"content", json::array{json::object{{"type", "text"}, {"text", text}}}}};
  result["isError"] = is_error;
  return result;
}

}  // namespace ondol::mcp
