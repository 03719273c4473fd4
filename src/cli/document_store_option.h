// --store: where indexed documents are kept.
#pragma once

#include <memory>
#include <string>

#include <CLI/App.hpp>

#include "base/result.h"

namespace ondol::cli {

/// Adds the option; without it the documents lie beside the models.
void add_document_store_option(CLI::App& command, std::string& path);

/// An error that says how to make one, where there is none.
Result<void> expect_store(const std::string& place);

/// Where a new store's file is going to be.
void make_folder_of_store(const std::string& place);

/// The program beside this one that parses documents.
std::string reader_program();

}  // namespace ondol::cli
