#include "cli/document_store_option.h"

#include <filesystem>

#include "hub/store.h"
#include "retrieve/database.h"

namespace ondol::cli {

void add_document_store_option(CLI::App& command, std::string& path) {
  path = std::filesystem::path(StoreFolders::from_environment().own).parent_path() / "documents.db";
  command.add_option("--store", path, "The file that holds what was indexed, or postgresql://USER@HOST/DATABASE")
      ->capture_default_str();
}

Result<void> expect_store(const std::string& place) {
  std::error_code error;
  if (Database::is_address(place) || std::filesystem::exists(place, error)) return {};
  return Error(place + ": there is no such store; make one: ondol index FOLDER");
}

void make_folder_of_store(const std::string& place) {
  std::error_code error;
  if (Database::is_address(place)) return;
  std::filesystem::create_directories(std::filesystem::path(place).parent_path(), error);
}

std::string reader_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "ondol-reader";
}

}  // namespace ondol::cli
