// VectorIndex: which chunks are near a question in meaning.
//
// Vectors lie in the store's file and in memory (vector_rows.h), one row for each part of a chunk. A few are all
// multiplied with the question. Of many, one bit for each number picks those that are worth it (sign_codes.h), and of
// very many a graph does (near_graph.h), which complete_graph() makes and the store keeps; what came after it is looked
// at besides. What these take is made or read when a second question comes: for one it would not pay.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "retrieve/database.h"
#include "retrieve/near_graph.h"
#include "retrieve/near_graph_table.h"
#include "retrieve/sign_codes.h"
#include "retrieve/vector_rows.h"

namespace ondol {

class VectorIndex {
 public:
  /// How many vectors there must be for more than multiplying all of them.
  struct Limits {
    size_t sign_codes = 20'000;
    size_t graph = 1'000'000;
    size_t server = 20'000;  // for those that a PostgreSQL server searches itself (server_vectors.h)
  };

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

  /// How near a chunk is, by its nearest part: a cosine from -1 to 1. Chunks without vectors are left out.
  struct Nearness {
    int64_t chunk = 0;
    float cosine = 0;
  };
  /// Of all chunks, in their order. Error: a question of another width than the vectors.
  Result<std::vector<Nearness>> nearness(std::span<const float> question);
  /// Of at least the n nearest chunks (all, if there are fewer) and of `also`, in the order of chunks. Of many vectors
  /// one of the n may be missed now and then; cosines are always those of nearness().
  Result<std::vector<Nearness>> nearest(std::span<const float> question, size_t n, std::span<const int64_t> also);

  /// Outside of transactions: on a PostgreSQL server with pgvector, makes what it searches itself; else brings the
  /// graph up to date where there are vectors enough for one and more than a few
  /// are not in it, and saves it now and then. `progress` as that of embed_pending(); what is done stays after false,
  /// and after an end by force up to the last save. How many vectors it took in.
  Result<int64_t> complete_graph(const std::function<bool(int64_t done, int64_t all)>& progress = {});

  void set_limits(const Limits& limits) { limits_ = limits; }

 private:
  VectorIndex(Database& database, Statement insert, Statement remove)
      : database_(&database), insert_(std::move(insert)), remove_(std::move(remove)) {}
  Result<void> refresh();
  Result<void> expect_width(std::span<const float> question, int64_t width) const;
  Result<std::vector<Nearness>> nearest_in_server(std::span<const float> question, size_t n,
                                                  std::span<const int64_t> also);
  Result<void> prepare_search();
  Result<void> open_graph();
  Result<std::string> setting(std::string_view key);
  /// All rows of the pieces that these rows are of, and of `also`; ascending.
  std::vector<uint32_t> whole_chunks(std::span<const uint32_t> rows, std::span<const int64_t> also) const;

  Database* database_;
  Statement insert_;
  Statement remove_;
  Limits limits_;
  std::unique_ptr<Backend> backend_;  // made when it is wanted
  int64_t version_ = -1;              // of what follows
  std::unique_ptr<VectorRows> rows_ = std::make_unique<VectorRows>();
  size_t n_questions_ = 0;
  // One of these, when it is wanted.
  std::unique_ptr<SignCodes> codes_;
  std::unique_ptr<NearGraph> graph_;
  std::vector<uint32_t> beside_graph_;  // rows that are not in it
};

}  // namespace ondol
