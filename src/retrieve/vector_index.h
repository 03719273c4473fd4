// VectorIndex: which chunks are near a question in meaning.
//
// Vectors are Q8_0 (int8, 32 to a scale), in the store's file and in memory, one row for each part of a chunk; all of
// them are multiplied with the question by the kernels that multiply weights, so the search is exact but for rounding.
// 100,000 vectors of 384 numbers take 41 MB.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "retrieve/database.h"

namespace ondol {

class VectorIndex {
 public:
  /// The tables must be there (document_store.cpp). The database must outlive it.
  static Result<VectorIndex> open(Database& database);
  VectorIndex(VectorIndex&&) noexcept;
  ~VectorIndex();

  /// Within the caller's transaction: forgets all vectors of another model.
  Result<void> set_model(const std::string& name, const std::string& source, int width);
  /// What that model is opened with; empty: nobody's vectors are kept.
  Result<std::string> source();

  /// Within the caller's transaction: the vectors of a chunk, in the place of those that it had.
  Result<void> put(int64_t chunk, std::span<const std::vector<float>> parts);

  /// How near each chunk is, by its nearest part: cosines from -1 to 1. Chunks without vectors are left out.
  struct Nearness {
    int64_t chunk = 0;
    float cosine = 0;
  };
  /// In the order of chunks. Error: a question of another width than the vectors.
  Result<std::vector<Nearness>> nearness(std::span<const float> question);

 private:
  VectorIndex(Database& database, Statement insert, Statement remove)
      : database_(&database), insert_(std::move(insert)), remove_(std::move(remove)) {}
  Result<void> refresh();
  Result<std::string> setting(std::string_view key);

  Database* database_;
  Statement insert_;
  Statement remove_;
  std::unique_ptr<Backend> backend_;  // made when it is wanted
  int64_t version_ = -1;              // of what follows
  int64_t width_ = 0;                 // of vectors; rows are padded to a multiple of 32
  std::vector<int64_t> chunks_;       // of each row, ascending
  Buffer rows_;
};

}  // namespace ondol
