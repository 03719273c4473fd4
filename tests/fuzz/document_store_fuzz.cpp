// Opens arbitrary bytes as a document store, asks it and adds to it.
#include <filesystem>
#include <string>

#include <unistd.h>

#include "base/files.h"
#include "retrieve/document_store.h"
#include "retrieve/plain_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("ondol-store-fuzz-" + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string path = folder / "s.db";
  if (ondol::write_file_atomically(path, {reinterpret_cast<const char*>(data), size})) {
    if (auto store = ondol::DocumentStore::open(path)) {
      (void)store->search("apple banana");
      (void)store->documents();
      (void)store->kept_reranker();
      ondol::DocumentRecord record;
      record.path = "a";
      if (store->put(record, ondol::read_plain_text("apple"))) (void)store->commit();
    }
  }
  fs::remove_all(folder);
  return 0;
}
