// --store: where indexed documents are kept.
#pragma once

#include <memory>
#include <string>

#include <CLI/App.hpp>

namespace ondol::cli {

/// Adds the option; without it the documents lie beside the models.
void add_document_store_option(CLI::App& command, std::string& path);

}  // namespace ondol::cli
