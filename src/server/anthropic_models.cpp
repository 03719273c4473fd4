// Models in Anthropic's form.
#include "server/anthropic.h"
#include "server/iso_time.h"

namespace ondol::server {

json::object anthropic_model(const StoredModel& model) {
  return {{"type", "model"},
          {"id", model.name},
          {"display_name", model.name},
          {"created_at", iso_time(from_unix_seconds(model.modified_unix_seconds))}};
}

json::object anthropic_model_list(const std::vector<StoredModel>& models) {
  json::array data;
  for (const StoredModel& model : models) data.push_back(anthropic_model(model));
  json::object list = {{"has_more", false}};
  list["first_id"] = models.empty() ? json::value(nullptr) : json::value(models.front().name);
  list["last_id"] = models.empty() ? json::value(nullptr) : json::value(models.back().name);
  list["data"] = std::move(data);
  return list;
}

}  // namespace ondol::server
