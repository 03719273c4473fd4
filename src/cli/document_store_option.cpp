#include "cli/document_store_option.h"

#include <filesystem>

#include "hub/store.h"

namespace ondol::cli {

void add_document_store_option(CLI::App& command, std::string& path) {
  path = std::filesystem::path(StoreFolders::from_environment().own).parent_path() / "documents.db";
  command.add_option("--store", path, "The file that holds what was indexed")->capture_default_str();
}

}  // namespace ondol::cli
