// WaitingTexts: texts that are not running yet or no more. Those that had to make room come first, the oldest of them;
// then clients take turns, first come first served within each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ondol {

/// Text has members `id` and `request.client`.
template <typename Text>
class WaitingTexts {
 public:
  void push(std::unique_ptr<Text> text) {
    const std::string& client = text->request.client;
    auto place = std::find_if(clients_.begin(), clients_.end(), [&](const Client& c) { return c.name == client; });
    if (place == clients_.end()) place = clients_.insert(clients_.end(), Client{client, {}});
    place->texts.push_back(std::move(text));
    ++n_;
  }

  /// A text that has run.
  void push_back_first(std::unique_ptr<Text> text) {
    const auto place = std::find_if(interrupted_.begin(), interrupted_.end(),
                                    [&](const std::unique_ptr<Text>& other) { return other->id > text->id; });
    interrupted_.insert(place, std::move(text));
    ++n_;
  }

  /// The next one, or null.
  Text* front() const {
    if (!interrupted_.empty()) return interrupted_.front().get();
    return clients_.empty() ? nullptr : clients_.front().texts.front().get();
  }

  /// Takes the next one, and its client goes to the end of the line.
  std::unique_ptr<Text> pop() {
    --n_;
    if (!interrupted_.empty()) return take_first(interrupted_);
    Client client = std::move(clients_.front());
    clients_.pop_front();
    std::unique_ptr<Text> text = take_first(client.texts);
    if (!client.texts.empty()) clients_.push_back(std::move(client));
    return text;
  }

  /// Takes the one with this id, or null.
  std::unique_ptr<Text> remove(uint64_t id) {
    if (std::unique_ptr<Text> text = remove_from(interrupted_, id)) return text;
    for (auto client = clients_.begin(); client != clients_.end(); ++client) {
      std::unique_ptr<Text> text = remove_from(client->texts, id);
      if (!text) continue;
      if (client->texts.empty()) clients_.erase(client);
      return text;
    }
    return nullptr;
  }

  size_t size() const { return n_; }

 private:
  using Texts = std::deque<std::unique_ptr<Text>>;
  struct Client {
    std::string name;
    Texts texts;
  };

  static std::unique_ptr<Text> take_first(Texts& texts) {
    std::unique_ptr<Text> text = std::move(texts.front());
    texts.pop_front();
    return text;
  }

  std::unique_ptr<Text> remove_from(Texts& texts, uint64_t id) {
    const auto place = std::find_if(texts.begin(), texts.end(), [&](const auto& text) { return text->id == id; });
    if (place == texts.end()) return nullptr;
    std::unique_ptr<Text> text = std::move(*place);
    texts.erase(place);
    --n_;
    return text;
  }

  Texts interrupted_;
  std::deque<Client> clients_;  // the first one's turn is next; none is empty
  size_t n_ = 0;
};

}  // namespace ondol
