#include "hub/find_model.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace ondol {
namespace {

class ShippedModel : public ::testing::Test {
 protected:
  ShippedModel() { std::filesystem::create_directories(program_folder()); }
  ~ShippedModel() override { std::filesystem::remove_all(root_); }

  std::filesystem::path program_folder() const { return root_ / "bin"; }
  void put(const std::string& folder) const {
    std::filesystem::create_directories(root_ / folder);
    std::ofstream(root_ / folder / "ondol-mini.gguf") << "GGUF";
  }
  std::filesystem::path root_ = std::filesystem::path(::testing::TempDir()) / "shipped_model";
};

TEST_F(ShippedModel, LiesBesideAnInstalledProgramOrInItsSourceTree) {
  EXPECT_FALSE(shipped_model(program_folder()).has_value());
  put("models/default");
  const auto of_sources = shipped_model(program_folder());
  ASSERT_TRUE(of_sources.has_value());
  EXPECT_EQ(of_sources->name, "ondol-mini");
  EXPECT_EQ(of_sources->path, (root_ / "models/default/ondol-mini.gguf").string());
  put("share/ondol");
  EXPECT_EQ(shipped_model(program_folder())->path, (root_ / "share/ondol/ondol-mini.gguf").string());
}

}  // namespace
}  // namespace ondol
