#include "train/ranks.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <type_traits>

#include <fmt/format.h>

namespace ondol::train {
namespace {

// What is used of MPI 3.1 (sections 3 to 5 and 8), as Open MPI's library offers it: its handles are pointers to objects
// with names of their own.
using Handle = void*;
constexpr int kSuccess = 0;
constexpr int kFunneled = 1;  // MPI_THREAD_FUNNELED: one thread calls
/// MPI_IN_PLACE: what is sent is where the result goes.
void* const kInPlace = reinterpret_cast<void*>(1);
/// Numbers in one call.
constexpr size_t kAtOnce = size_t{1} << 26;

struct Functions {
  int (*init_thread)(int*, char***, int, int*);
  int (*finalize)();
  int (*rank)(Handle, int*);
  int (*size)(Handle, int*);
  int (*reduce)(const void*, void*, int, Handle, Handle, int, Handle);
  int (*broadcast)(void*, int, Handle, int, Handle);
  Handle world;
  Handle floats;
  Handle doubles;
  Handle sum;
};

/// Its plugins look for the library's names among those of the whole program.
Result<Functions> load() {
  void* library = nullptr;
  for (const char* name : {"libmpi.so.40", "libmpi.so"}) {
    library = ::dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    if (library != nullptr) break;
  }
  if (library == nullptr) {
    return Error(
        fmt::format("several processes were started (mpirun), but Open MPI's library cannot be loaded: {}; "
                    "apt install openmpi-bin",
                    ::dlerror()));
  }
  Functions functions{};
  std::string missing;
  const auto find = [&](auto& function, const char* name) {
    void* symbol = ::dlsym(library, name);
    if (symbol == nullptr) missing = name;
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
  };
  find(functions.init_thread, "MPI_Init_thread");
  find(functions.finalize, "MPI_Finalize");
  find(functions.rank, "MPI_Comm_rank");
  find(functions.size, "MPI_Comm_size");
  find(functions.reduce, "MPI_Reduce");
  find(functions.broadcast, "MPI_Bcast");
  find(functions.world, "ompi_mpi_comm_world");
  find(functions.floats, "ompi_mpi_float");
  find(functions.doubles, "ompi_mpi_double");
  find(functions.sum, "ompi_mpi_op_sum");
  if (!missing.empty()) return Error(fmt::format("libmpi.so: expected Open MPI, which has '{}'", missing));
  return functions;
}

Result<void> check(int code, const char* what) {
  if (code == kSuccess) return {};
  return Error(
      fmt::format("MPI: {} failed with {}; another process has ended, or its machine cannot be reached", what, code));
}

class MpiRanks final : public Ranks {
 public:
  static Result<std::unique_ptr<Ranks>> create(const Functions& functions) {
    int provided = 0;
    ONDOL_TRY(check(functions.init_thread(nullptr, nullptr, kFunneled, &provided), "MPI_Init_thread"));
    std::unique_ptr<MpiRanks> ranks(new MpiRanks(functions));
    ONDOL_TRY(check(functions.rank(functions.world, &ranks->rank_), "MPI_Comm_rank"));
    ONDOL_TRY(check(functions.size(functions.world, &ranks->size_), "MPI_Comm_size"));
    return std::unique_ptr<Ranks>(std::move(ranks));
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Result<void> add_up(std::span<float> numbers) override { return add_up(numbers, functions_.floats); }
  Result<void> add_up(std::span<double> numbers) override { return add_up(numbers, functions_.doubles); }
  Result<void> leave() override { return check(functions_.finalize(), "MPI_Finalize"); }

 private:
  explicit MpiRanks(const Functions& functions) : functions_(functions) {}

  /// In one place, then sent to all: so all have the same bits, which MPI_Allreduce does not promise.
  template <typename T>
  Result<void> add_up(std::span<T> numbers, Handle type) {
    while (!numbers.empty()) {
      const std::span<T> part = numbers.first(std::min(numbers.size(), kAtOnce));
      const auto n = static_cast<int>(part.size());
      const void* sent = rank_ == 0 ? kInPlace : static_cast<const void*>(part.data());
      ONDOL_TRY(
          check(functions_.reduce(sent, part.data(), n, type, functions_.sum, 0, functions_.world), "MPI_Reduce"));
      ONDOL_TRY(check(functions_.broadcast(part.data(), n, type, 0, functions_.world), "MPI_Bcast"));
      numbers = numbers.subspan(part.size());
    }
    return {};
  }

  Functions functions_;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace

Result<bool> Ranks::any(bool one) {
  double n = one ? 1 : 0;
  ONDOL_TRY(add_up(std::span(&n, 1)));
  return n > 0;
}

Result<std::unique_ptr<Ranks>> join_ranks() {
  const char* n = std::getenv("OMPI_COMM_WORLD_SIZE");
  if (n == nullptr || std::atoi(n) < 2) return std::unique_ptr<Ranks>();
  return MpiRanks::create(ONDOL_TRY(load()));
}

}  // namespace ondol::train
