// AdapterRegistry: the low-rank adapters that requests may name, which come and go while the server runs. Each belongs
// to one model; its numbers are in memory while that is loaded. What a text uses lives until the text has ended,
// whatever happens here meanwhile. Any thread may use it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/adapter_set.h"
#include "server/http.h"
#include "server/loaded_model.h"

namespace ondol::server {

struct RegisteredAdapter {
  int id = 0;  // never given twice
  std::string name;
  std::string model;  // the model's id
  std::string path;
  float factor = 1.0f;                     // where it is asked for by name
  float usual_factor = 0.0f;               // in texts of requests that name no adapters
  std::shared_ptr<const Adapter> adapter;  // null while the model is not loaded, or when `problem` says why
  std::string problem;
};

/// An adapter that a request names, by its id or its name.
struct AdapterChoice {
  std::optional<int> id;
  std::string name;
  std::optional<float> factor;
};
/// Absent: whatever the model's name says, or the usual ones.
using AdapterChoices = std::optional<std::vector<AdapterChoice>>;

class AdapterRegistry {
 public:
  struct Added {
    RegisteredAdapter entry;
    std::optional<HttpError> error;
  };
  /// Reads the adapter at `wanted.path` for the model, whose id it gets. Takes as long as reading the file. Fails with
  /// 400 when it is none, is for another model, or the name can be none; with 409 when the name is taken, unless it is
  /// an adapter's of this model that it `replaces`.
  Added add(const LoadedModel& model, RegisteredAdapter wanted, bool replaces);

  /// One that was added another time: it is read when its model is loaded, or by read_missing. What has its name goes.
  void remember(RegisteredAdapter entry);

  /// False when there is none of this name.
  bool remove(const std::string& name);

  std::optional<RegisteredAdapter> find(const std::string& name) const;
  /// In the order of their ids; of one model, or of all.
  std::vector<RegisteredAdapter> list(const std::string& model = "") const;

  /// The usual factors of all adapters of a model: those that are not in the list get 0. 404 names an unknown id.
  std::optional<HttpError> set_usual(const std::string& model, const std::vector<AdapterChoice>& choices);

  /// What a request to this model uses: exactly the adapters that it names, in the model's name or in a list, which has
  /// the last word; the usual ones when it names none.
  std::optional<HttpError> choose(const LoadedModel& model, const std::string& named, const AdapterChoices& choices,
                                  AdapterSet& set) const;

  /// When a model has been loaded, before anybody uses it, and when it is going.
  void model_loaded(const LoadedModel& model) { read_missing(model); }
  /// Reads those of the model that are not in memory.
  void read_missing(const LoadedModel& model);
  void model_unloads(const std::string& model);

 private:
  static const RegisteredAdapter* find_in(const std::vector<RegisteredAdapter>& entries, const AdapterChoice& choice,
                                          const std::string& model);

  mutable std::mutex mutex_;
  std::vector<RegisteredAdapter> entries_;
  int next_id_ = 0;
};

/// 404, with the names that there are.
HttpError unknown_adapter(const std::string& model, const std::string& name, const std::vector<RegisteredAdapter>& all);

}  // namespace ondol::server
