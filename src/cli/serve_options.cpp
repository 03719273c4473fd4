#include "cli/serve_options.h"

#include <cctype>
#include <charconv>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/files.h"
#include "cli/document_store_option.h"
#include "hub/store.h"

namespace ondol::cli {
namespace {

constexpr size_t kMaxKeyFileBytes = size_t{1} << 20;

/// The number at the beginning, and what follows it in lower case.
template <typename Number>
bool split_number(const std::string& text, Number& number, std::string& unit) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc()) return false;
  unit.assign(parsed.ptr, end);
  for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return true;
}

/// "NAME=KEY" or "KEY". Base64 keys end in '=', which names nothing.
Result<server::ApiKey> parse_key(const std::string& text, size_t index) {
  const size_t split = text.find('=');
  const bool is_named =
      split != std::string::npos && split > 0 && text.find_first_not_of('=', split) != std::string::npos;
  server::ApiKey key;
  key.name = is_named ? text.substr(0, split) : fmt::format("key{}", index + 1);
  key.key = is_named ? text.substr(split + 1) : text;
  if (key.key.empty()) return Error("--api-key: expected a key, got an empty one");
  return key;
}

Result<std::vector<server::ApiKey>> read_keys(const std::vector<std::string>& given, const std::string& file) {
  std::vector<std::string> texts = given;
  if (!file.empty()) {
    const std::string content = ONDOL_TRY(read_file(file, kMaxKeyFileBytes));
    for (size_t begin = 0; begin < content.size();) {
      const size_t end = std::min(content.find('\n', begin), content.size());
      std::string line = content.substr(begin, end - begin);
      while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
      if (!line.empty() && line[0] != '#') texts.push_back(line);
      begin = end + 1;
    }
    if (texts.size() == given.size()) return Error(fmt::format("{}: expected keys, one a line, got none", file));
  }
  std::vector<server::ApiKey> keys;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    keys.push_back(ONDOL_TRY(parse_key(text, keys.size())));
    if (!names.insert(keys.back().name).second) {
      return Error(fmt::format("--api-key: expected a name for one key, '{}' is there twice", keys.back().name));
    }
  }
  return keys;
}

/// "NAME=PATH", where there is a store.
Result<std::map<std::string, std::string>> named_stores(const std::vector<std::string>& given) {
  std::map<std::string, std::string> stores;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    // Not to be taken for a part of a path, or for the name of a collection that a client made.
    if (equals == std::string::npos || name.empty() || name.find('/') != std::string::npos || name.starts_with("vs_")) {
      return Error(
          fmt::format("--store: expected NAME=PATH, with a name that does not begin with vs_, got '{}'", text));
    }
    const std::string place = text.substr(equals + 1);
    ONDOL_TRY(expect_store(place));
    if (!stores.emplace(name, place).second) {
      return Error(fmt::format("--store: expected a name for one store, '{}' is there twice", name));
    }
  }
  return stores;
}

}  // namespace

bool is_local(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<server::AdapterToLoad> parse_named_adapter(const std::string& text) {
  const auto is_there = [](const std::string& path) {
    std::error_code code;
    return std::filesystem::exists(path, code);
  };
  const auto whole = parse_adapter(text);
  if (whole && is_there(whole->path)) return server::AdapterToLoad{"", whole->path, whole->factor};
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error(fmt::format("--adapter {}: there is no such file", text));
  const auto rest = parse_adapter(text.substr(equals + 1));
  if (rest && is_there(rest->path)) return server::AdapterToLoad{text.substr(0, equals), rest->path, rest->factor};
  return Error(
      fmt::format("--adapter {}: there is no such file: expected PATH, PATH=FACTOR, NAME=PATH or "
                  "NAME=PATH=FACTOR",
                  text));
}

Result<std::chrono::seconds> parse_duration(const std::string& text) {
  static const std::map<std::string, int64_t> kUnits = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  int64_t number = 0;
  std::string unit;
  if (split_number(text, number, unit) && kUnits.contains(unit) && number < 1'000'000'000) {
    return std::chrono::seconds(std::max<int64_t>(number, -1) * kUnits.at(unit));
  }
  return Error(fmt::format("expected a time, as in 300, 90s, 5m or 1h (-1 is for ever), got '{}'", text));
}

Result<uint64_t> parse_size(const std::string& text) {
  static const std::map<std::string, int> kShifts = {{"", 0}, {"k", 10}, {"m", 20}, {"g", 30}, {"t", 40}};
  double number = 0;
  std::string unit;
  const bool has_number = split_number(text, number, unit);
  if (unit.ends_with("ib")) unit.resize(unit.size() - 2);
  if (unit.ends_with("b")) unit.pop_back();
  if (has_number && kShifts.contains(unit) && number >= 0 && number < 1e15) {
    return static_cast<uint64_t>(number * static_cast<double>(uint64_t{1} << kShifts.at(unit)));
  }
  return Error(fmt::format("expected a size, as in 4GiB or 500M, got '{}'", text));
}

void ServeFlags::add_to(CLI::App& command) {
  command.add_option("MODEL", models,
                     "Models that stay loaded (files, folders or names in the store); the first is the default. Others "
                     "of the store are loaded when they are asked for");
  command.add_option("--host", host, "Address to listen on; 0.0.0.0 is all of this machine's")->capture_default_str();
  command.add_option("--port", port, "Port; 0 takes any free one")->check(CLI::Range(0, 65535))->capture_default_str();
  command.add_option("--api-key", keys, "KEY or NAME=KEY that clients must send (any number of times)");
  command.add_option("--api-key-file", key_file, "A file with such keys, one a line");
  command.add_option("--parallel", parallel, "Texts generated at once by a model; 0 leaves it to the program")
      ->check(CLI::Range(0, 1024));
  command.add_option("--tls-cert", tls_certificate, "Certificate chain (PEM), for https");
  command.add_option("--tls-key", tls_key, "Its private key (PEM)");
  command.add_option("--allow-origin", allowed_origins,
                     "Web page that may use the server from a browser, as https://app.example (any number of times)");
  command.add_option("--allow-host", allowed_hosts,
                     "Name of this machine that requests may use, as llm.example (any number of times)");
  command.add_flag("--no-page", no_page, "Serve the APIs only, not the page for people");
  data_folder = (std::filesystem::path(StoreFolders::from_environment().own).parent_path() / "serve").string();
  command
      .add_option(
          "--data-dir", data_folder,
          "Folder that keeps files, trainings and what they taught (/v1/files, /v1/vector_stores, /v1/fine_tuning)")
      ->capture_default_str();
  command.add_option("--cache-dir", cache_directory,
                     "Folder that keeps what was computed of prompts, for later and after a restart");
  command.add_option("--cache-size", cache_size, "Its limit")->capture_default_str();
  command
      .add_option("--keep-alive", keep_alive, "How long a model stays loaded that was not named here; -1 is for ever")
      ->capture_default_str();
  command.add_option("--alias", aliases,
                     "NAME=MODEL: a further name for a model, or for MODEL:ADAPTER (any number of times)");
  command.add_option("--store", stores,
                     "NAME=PATH: a store that `ondol index` made, as /v1/vector_stores/NAME (any number of times)");
  command.add_flag("--code-interpreter", code_interpreter,
                   "Let models of /v1/responses run Python, in the sandbox and without network, where a client asks "
                   "for it");
  command.add_option("--mcp-host", mcp_hosts,
                     "HOST or HOST:PORT that clients of /v1/responses may name MCP servers on; *.example.org is all "
                     "below it, and a private address takes its port (any number of times)");
  command.add_option(
      "--workspace", workspaces,
      "A folder in which agents may work (/v1/agents; any number of times); without one, there are none");
  command.add_option("--agents-table", agent_table,
                     "Where their jobs are: a file, or postgresql://... for several servers; without it, a file in the "
                     "data folder");
  command.add_option("--agent-workers", n_agent_workers, "Agents that work at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command.add_option("--log", log, "Log requests as text or json")->check(CLI::IsMember({"text", "json"}));
  model.add_to(command);
  command.get_option("--adapter")
      ->description(
          "A low-rank adapter (a GGUF file, or a folder as PEFT writes it): NAME=PATH for requests that name it, PATH "
          "for all that name none; perhaps with a factor behind: =0.5 (any number of times)");
}

Result<ServeOptions> ServeFlags::resolved(bool is_watched) const {
  ServeOptions options;
  options.server.host = host;
  options.server.port = port;
  options.server.keys = ONDOL_TRY(read_keys(keys, key_file));
  options.server.allowed_origins = allowed_origins;
  options.server.allowed_hosts = allowed_hosts;
  options.has_page = !no_page;
  options.data_folder = data_folder;
  options.stores = ONDOL_TRY(named_stores(stores));
  options.hosted.runs_code = code_interpreter;
  options.hosted.mcp_hosts = mcp_hosts;
  options.workspaces = workspaces;
  options.agent_table = agent_table;
  options.n_agent_workers = n_agent_workers;
  options.server.tls_certificate = tls_certificate;
  options.server.tls_key = tls_key;
  options.pool.models = models;
  ModelOptions without_adapters = model;
  without_adapters.adapters.clear();  // they come and go with requests
  options.pool.load.engine = ONDOL_TRY(without_adapters.engine_options());
  for (const std::string& text : model.adapters) {
    options.pool.adapters.push_back(ONDOL_TRY(parse_named_adapter(text)));
  }
  for (const std::string& text : aliases) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return Error(fmt::format("--alias: expected NAME=MODEL, got '{}'", text));
    }
    options.pool.aliases[text.substr(0, equals)] = text.substr(equals + 1);
  }
  if (parallel > 0) options.pool.load.scheduler.max_running = parallel;
  options.pool.load.cache_directory = cache_directory;
  options.pool.load.cache_bytes = ONDOL_TRY(parse_size(cache_size).in("--cache-size"));
  options.pool.keep_alive = ONDOL_TRY(parse_duration(keep_alive).in("--keep-alive"));
  options.log = log == "json" ? LogForm::kJson : log == "text" || is_watched ? LogForm::kText : LogForm::kNone;
  return options;
}

}  // namespace ondol::cli
