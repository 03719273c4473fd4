#include "agent/mcp/tool_offer.h"

#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "agent/mcp/elicitation.h"
#include "agent/schema_check.h"

namespace ondol::mcp {
namespace {

json::object listing_of(const Tool& tool) {
  const ToolDefinition& definition = tool.definition();
  const Effect effect = tool.effect({});
  json::value schema = definition.parameters;
  if (!schema.is_object()) schema = json::object();
  schema.as_object().emplace("type", "object");
  const bool only_reads = effect <= Effect::kReads;
  return {{"name", definition.name},
          {"description", definition.description},
          {"inputSchema", std::move(schema)},
          {"annotations", json::object{{"readOnlyHint", only_reads},
                                       {"destructiveHint", !only_reads},
                                       {"openWorldHint", effect == Effect::kReachesOut}}}};
}

/// Shared by all tools of an offer.
struct Shared {
  explicit Shared(const ToolOffer& offer) : offer(offer) {}
  const ToolOffer offer;
  std::mutex mutex;  // a tool is used by one thread at a time
  Taint taint;
};

ToolContext context_of(const Shared& shared, Call& call) {
  return {shared.offer.workspace, shared.offer.sandbox, [&call] { return call.goes_on(); },
          [&call](std::string_view question) { return ask_for_text(call, question, question); }};
}

/// Whether the call may be made; otherwise what to answer.
std::optional<Reply> judge(Tool& tool, const json::object& arguments, Shared& shared, Call& call,
                           ToolContext& context) {
  const Ruling ruling = rule(shared.offer.policy, shared.taint, tool.effect(arguments), tool.hosts(arguments));
  if (ruling.verdict == Verdict::kAllowed) return std::nullopt;
  if (ruling.verdict == Verdict::kRefused) return text_result("refused: " + ruling.reason, true);
  const auto preview = tool.preview(arguments, context);
  if (!preview) return text_result(preview.error().message(), true);
  if (!call.client_can("elicitation"))
    return text_result(fmt::format("refused: {}; it must be approved, and this client has no way to ask (elicitation). "
                                   "The owner can start the server with --approve auto.",
                                   ruling.reason),
                       true);
  const auto consent = ask_for_consent(call, "approve", fmt::format("{}\n\n{}", ruling.reason, *preview));
  if (!consent) return text_result(consent.error().message(), true);
  if (*consent) return std::nullopt;
  return text_result("refused by the person who was asked", true);
}

Reply run_tool(Tool& tool, const json::object& arguments, Shared& shared, Call& call) {
  // Grammars hold only what models of ours write.
  if (const auto fits = check_against_schema(tool.definition().parameters, arguments);
      tool.definition().parameters.is_object() && !fits)
    return text_result("arguments: " + fits.error().message(), true);
  const std::lock_guard lock(shared.mutex);
  ToolContext context = context_of(shared, call);
  if (auto refusal = judge(tool, arguments, shared, call, context)) return std::move(*refusal);
  const auto result = tool.call(arguments, context);
  if (!result) return RpcError{kRpcInternalError, result.error().message()};
  shared.taint.has_untrusted_text |= result->is_untrusted;
  json::object answer = text_result(result->text, result->is_error);
  if (result->structured.is_object() && call.revision() >= Revision::k2025_06_18)
    answer["structuredContent"] = result->structured;
  return answer;
}

}  // namespace

std::vector<std::string> offer_tools(Catalog& catalog, const ToolOffer& offer) {
  const auto shared = std::make_shared<Shared>(offer);
  std::vector<std::string> names;
  for (Tool* tool : offer.tools) {
    // Approval is another matter: what must be asked about is offered.
    Policy widest = offer.policy;
    widest.approval = Approval::kAsk;
    if (rule(widest, {}, tool->effect({}), {}).verdict == Verdict::kRefused) continue;
    names.push_back(tool->definition().name);
    catalog.add(OfferedTool{tool->definition().name, listing_of(*tool),
                            [tool, shared](const json::object& arguments, Call& call) {
                              return run_tool(*tool, arguments, *shared, call);
                            }});
  }
  return names;
}

}  // namespace ondol::mcp
