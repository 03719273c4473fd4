// The tools, each made by one function, in the order of the files beside this one.
#pragma once

#include <memory>

#include "agent/tool.h"
#include "agent/tool_list.h"

namespace ondol {

std::unique_ptr<Tool> make_ask_user();
std::unique_ptr<Tool> make_calculator();
std::unique_ptr<Tool> make_clock();
std::unique_ptr<Tool> make_edit_file();
std::unique_ptr<Tool> make_fetch_url(HostList hosts, DocumentReader* page_reader);
std::unique_ptr<Tool> make_list_files();
/// Null where libmosquitto was missing when this was built.
std::unique_ptr<Tool> make_mqtt_publish(const std::string& broker, HostList hosts);
std::unique_ptr<Tool> make_mqtt_subscribe(const std::string& broker, HostList hosts);
std::unique_ptr<Tool> make_notes(std::string folder);
std::unique_ptr<Tool> make_read_file();
/// With `proxy_socket`, calls may ask for the network, which is then reached at these hosts.
std::unique_ptr<Tool> make_run_python(std::string proxy_socket, std::vector<std::string> host_names);
std::unique_ptr<Tool> make_run_shell(std::string proxy_socket, std::vector<std::string> host_names);
std::unique_ptr<Tool> make_search_documents(decltype(ToolNeeds::search_documents) search);
std::unique_ptr<Tool> make_search_files();
std::unique_ptr<Tool> make_write_file();

}  // namespace ondol
