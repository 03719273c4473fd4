// Bodies of /v1/responses, and grammars in Lark's notation (input that does not begin with a brace): nothing crashes,
// and what is accepted becomes messages of a bounded size.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/responses_lark.h"
#include "server/responses_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.starts_with('{')) {
    const auto pattern = ondol::server::regex_of_lark(text);
    ONDOL_CHECK(!pattern || pattern->size() < size_t{2} << 20);
    return 0;
  }
  const auto body = ondol::parse_json(text);
  if (!body || !body->is_object()) return 0;
  ondol::server::RequestFault fault;
  const auto request = ondol::server::read_response_request(ondol::server::Fields(body->get_object(), fault), {}, {true, true});
  if (fault) return 0;
  const auto messages = ondol::server::messages_of_items(request.instructions, request.input, "letters");
  ONDOL_CHECK(messages.size() <= 2 * request.input.size() + 1);
  const auto hosts = ondol::HostList::parse({"example.org", "localhost:80"});
  for (const auto& server : request.tools.remote) (void)ondol::server::check_remote_server(*hosts, server);
  for (const auto& item : request.input) (void)ondol::server::made_item(item->value);
  return 0;
}
