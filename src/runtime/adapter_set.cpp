#include "runtime/adapter_set.h"

#include <algorithm>

namespace ondol {

AdapterSet::AdapterSet(std::vector<Member> members) {
  const auto content = [](const Member& member) { return member.adapter->content(); };
  std::stable_sort(members.begin(), members.end(),
                   [&](const Member& a, const Member& b) { return content(a) < content(b); });
  std::vector<Member> distinct;
  for (Member& member : members) {
    if (!distinct.empty() && content(distinct.back()) == content(member)) {
      distinct.back().factor += member.factor;
    } else {
      distinct.push_back(std::move(member));
    }
  }
  std::erase_if(distinct, [](const Member& member) { return member.factor == 0; });
  if (distinct.empty()) return;
  auto body = std::make_shared<Body>();
  for (Member& member : distinct) {
    const struct {
      Hash128 content;
      float factor[2];  // twice, so that no padding is hashed
    } about = {content(member), {member.factor, member.factor}};
    body->key = hash_bytes({reinterpret_cast<const uint8_t*>(&about), sizeof(about)}, body->key);
    body->uses.push_back({member.adapter.get(), member.factor});
    body->owners.push_back(std::move(member.adapter));
  }
  body_ = std::move(body);
}

std::span<const AdapterUse> AdapterSet::uses() const {
  return body_ ? std::span<const AdapterUse>(body_->uses) : std::span<const AdapterUse>();
}

}  // namespace ondol
