#include "server/model_catalog.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "hub/find_model.h"

namespace ondol::server {
namespace {

/// A store in which nothing lies, and a default model as the environment names it.
class ModelCatalogTest : public testing::Test {
 protected:
  void SetUp() override { ::setenv("ONDOL_MODEL", sample().c_str(), 1); }
  void TearDown() override { ::unsetenv("ONDOL_MODEL"); }

  static std::string sample() { return std::string(ONDOL_SOURCE_DIR) + "/examples/sample.gguf"; }

  ModelCatalog catalog_{Store({"/nonexistent", "/nonexistent", "/nonexistent"}), EngineOptions{}};
};

TEST_F(ModelCatalogTest, ListsTheDefaultModelWhereNoOtherWasNamed) {
  const std::vector<StoredModel> models = catalog_.list();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].path, sample());
  EXPECT_EQ(catalog_.find(models[0].name).model.path, sample());
  EXPECT_EQ(catalog_.find("").model.path, sample());
}

TEST_F(ModelCatalogTest, ListsWhatWasNamedInItsPlace) {
  StoredModel named = *find_model(sample(), catalog_.store());
  named.name = "mine";
  catalog_.add("mine", named);
  const std::vector<StoredModel> models = catalog_.list();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "mine");
}

}  // namespace
}  // namespace ondol::server
