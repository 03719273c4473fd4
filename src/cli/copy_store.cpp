// ondol copy-store: a store of documents from a file to a database server, and back.
#include "retrieve/copy_store.h"

#include <memory>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/document_store_option.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "retrieve/database.h"

namespace ondol::cli {
namespace {

struct Options {
  std::string from;
  std::string to;
};

Result<void> copy(const Options& options) {
  ONDOL_TRY(expect_store(options.from));
  make_folder_of_store(options.to);
  install_interrupt_handler();
  int64_t n = 0;
  {
    ProgressBar bar(std::string(tr("copying")), "rows");
    n = ONDOL_TRY(copy_store(options.from, options.to, [&](int64_t done, int64_t all) {
      bar.update(static_cast<double>(done), static_cast<double>(all));
      return !interrupted.load();
    }));
  }
  fmt::print(stderr, "{} rows copied; try it: ondol search \"...\" --store {}\n", n, Database::shown(options.to));
  return {};
}

}  // namespace

void add_copy_store(CLI::App& app, const Globals&) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(app, "copy-store", "Move a store of documents to a PostgreSQL server, or back",
                                  "  ondol copy-store work.db postgresql://ondol@server/documents\n"
                                  "  ondol copy-store postgresql://ondol@server/documents work.db\n",
                                  [options] { return copy(*options); });
  command->add_option("FROM", options->from, "A store's file, or a server's address")->required();
  command->add_option("TO", options->to, "The same; it must be empty, or not be there yet")->required();
}

}  // namespace ondol::cli
