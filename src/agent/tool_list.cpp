#include "agent/tool_list.h"

#include <utility>

#include "agent/tools/tools.h"

namespace ondol {

Result<std::vector<std::unique_ptr<Tool>>> make_tools(const ToolNeeds& needs) {
  const HostList hosts = ONDOL_TRY(HostList::parse(needs.host_names));
  std::vector<std::unique_ptr<Tool>> tools;
  const auto add = [&](std::unique_ptr<Tool> tool) {
    if (tool) tools.push_back(std::move(tool));
  };
  add(make_read_file());
  add(make_write_file());
  add(make_edit_file());
  add(make_list_files());
  add(make_search_files());
  add(make_run_shell(needs.proxy_socket, needs.host_names));
  add(make_run_python(needs.proxy_socket, needs.host_names));
  if (needs.search_documents) add(make_search_documents(needs.search_documents));
  if (!hosts.is_empty()) add(make_fetch_url(hosts, needs.page_reader));
  add(make_calculator());
  add(make_clock());
  if (!needs.notes_folder.empty()) add(make_notes(needs.notes_folder));
  add(make_ask_user());
  if (!needs.mqtt_broker.empty()) {
    add(make_mqtt_publish(needs.mqtt_broker, hosts));
    add(make_mqtt_subscribe(needs.mqtt_broker, hosts));
  }
  return tools;
}

}  // namespace ondol
