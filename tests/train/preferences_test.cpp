// Preferences: losses against PyTorch (tools/make_preference_goldens.py), gradients of a model against the loss as it
// changes, and margins that grow.
#include "train/preferences.h"

#include <map>
#include <random>

#include "base/files.h"
#include "base/json.h"
#include "tests/train/lesson.h"
#include "train/lora.h"
#include "train/optimizer.h"
#include "train/preference_losses.h"

namespace ondol::train {
namespace {

using Kind = PreferenceOptions::Kind;

TEST(PreferenceLosses, EqualPyTorch) {
  const std::string text = read_file(ONDOL_SOURCE_DIR "/tests/golden/train/preferences.json").value();
  const json::value cases = parse_json(text).value();
  const auto near = [](double got, const json::value& expected) {
    const double e = expected.to_number<double>();
    EXPECT_NEAR(got, e, 1e-9 * std::abs(e) + 1e-15);
  };
  for (const json::value& c : cases.as_array()) {
    const auto number = [&](const char* key) { return c.at(key).to_number<double>(); };
    SCOPED_TRACE(json::serialize(c));
    if (c.at("kind").as_string() == "kto") {
      const JudgedLoss got = kto_loss(number("chosen"), number("reference_chosen"), number("drift"), number("beta"),
                                      c.at("good").as_bool());
      near(got.loss, c.at("loss"));
      near(got.slope, c.at("slopes").as_array()[0]);
      continue;
    }
    const PairChances learner{number("chosen"), number("rejected")};
    const PairLoss got =
        c.at("kind").as_string() == "dpo"
            ? dpo_loss(learner, {number("reference_chosen"), number("reference_rejected")}, number("beta"))
            : orpo_loss(learner, c.at("n_chosen").as_int64(), c.at("n_rejected").as_int64(), number("beta"));
    near(got.loss, c.at("loss"));
    near(got.chosen_slope, c.at("slopes").as_array()[0]);
    near(got.rejected_slope, c.at("slopes").as_array()[1]);
  }
}

/// Chances that round to 1 or 0 give finite losses and slopes.
TEST(PreferenceLosses, AreFiniteAtTheEnds) {
  for (const double chosen : {0.0, -1e-300, -1e4}) {
    for (const double rejected : {0.0, -1e-300, -1e4}) {
      for (const PairLoss& loss :
           {dpo_loss({chosen, rejected}, {-3, -4}, 0.1), orpo_loss({chosen, rejected}, 5, 7, 0.1)}) {
        EXPECT_TRUE(std::isfinite(loss.loss) && std::isfinite(loss.chosen_slope) && std::isfinite(loss.rejected_slope))
            << chosen << " " << rejected;
      }
    }
  }
}

Segment segment(std::vector<int32_t> tokens, size_t n_prompt, SegmentRole role) {
  Segment made{std::move(tokens), {}, role};
  made.is_target.assign(made.tokens.size(), 1);
  for (size_t i = 0; i < n_prompt; ++i) made.is_target[i] = 0;
  return made;
}

/// Two sequences: two pairs in the first, one in the second; or as many judged answers.
std::vector<PackedSequence> lessons(Kind kind) {
  const bool is_judged = kind == Kind::kKto;
  const auto good = is_judged ? SegmentRole::kDesirable : SegmentRole::kChosen;
  const auto bad = is_judged ? SegmentRole::kUndesirable : SegmentRole::kRejected;
  return {{{segment({1, 17, 22, 5, 13}, 2, good), segment({1, 17, 20, 8}, 2, bad), segment({1, 3, 21, 27}, 3, good),
            segment({1, 3, 21, 12, 30, 4}, 3, bad)}},
          {{segment({1, 9, 9, 30, 31}, 1, good), segment({1, 14, 15}, 1, bad)}}};
}

class PreferencesTest : public testing::TestWithParam<Kind> {
 protected:
  PreferencesTest() : lesson_("llama", {2, ""}, {}, Lesson::Learns::kNothing) {
    LoraOptions options;
    options.rank = 4;
    lora_.emplace(LoraAdapter::create(lesson_.model(), options, lesson_.parameters()).value());
    lesson_.use(lora_->use());
    student_ = lesson_.make_student();
    options_.kind = GetParam();
    options_.beta = 0.5;
    options_.odds_weight = 0.5;
    options_.desirable = 1.5;
  }

  void shake() {
    std::mt19937 generator(5);
    std::normal_distribution<float> normal(0.0f, 0.03f);
    for (Parameter& parameter : lesson_.parameters().all()) {
      for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) parameter.value.f32()[i] += normal(generator);
    }
  }

  Lesson lesson_;
  std::optional<LoraAdapter> lora_;
  std::unique_ptr<Student> student_;
  PreferenceOptions options_;
};

TEST_P(PreferencesTest, GradientsAreTheSlopesOfTheLoss) {
  shake();
  if (GetParam() == Kind::kKto) return;  // its drift has no slope by design; see below
  const auto data = lessons(GetParam());
  Preferences preferences(*student_, options_);
  lesson_.parameters().clear_gradients();
  const double loss = preferences.learn(data).value().loss;
  EXPECT_NEAR(preferences.evaluate(data).value().loss, loss, 1e-6);
  double squares = 0;
  for (const Parameter& parameter : lesson_.parameters().all()) {
    for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
      squares += static_cast<double>(parameter.gradient.f32()[i]) * static_cast<double>(parameter.gradient.f32()[i]);
    }
  }
  // Along its own gradient, the mean loss grows by the gradient's length.
  const double length = std::sqrt(squares);
  const double step = 2e-3 / length;
  const auto loss_at = [&](double distance) {
    for (Parameter& parameter : lesson_.parameters().all()) {
      for (int64_t i = 0; i < parameter.value.shape().elements(); ++i) {
        parameter.value.f32()[i] += static_cast<float>(distance * static_cast<double>(parameter.gradient.f32()[i]));
      }
    }
    return preferences.evaluate(data).value().loss / 3;
  };
  const double above = loss_at(step);
  const double below = loss_at(-2 * step);
  EXPECT_NEAR((above - below) / (2 * step * length), length, 0.01 * length);
}

TEST_P(PreferencesTest, MarginsGrow) {
  const auto data = lessons(GetParam());
  Preferences preferences(*student_, options_);
  const PreferenceReport before = preferences.evaluate(data).value();
  const auto optimizer = create_optimizer(lesson_.parameters(), {});
  for (int step = 0; step < 30; ++step) {
    lesson_.parameters().clear_gradients();
    ASSERT_TRUE(preferences.learn(data).has_value());
    optimizer->step(lesson_.parameters(), 5e-3);
  }
  const PreferenceReport after = preferences.evaluate(data).value();
  EXPECT_EQ(after.n, GetParam() == Kind::kKto ? 6 : 3);
  EXPECT_LT(after.loss, before.loss);
  EXPECT_GT(after.margin, before.margin + 1.0);
  EXPECT_EQ(after.n_right, static_cast<double>(after.n));
}

/// The reference is the model as it was, whatever the adapter has become, and is kept.
TEST_P(PreferencesTest, TheReferenceStays) {
  if (GetParam() != Kind::kDpo) return;
  const auto data = lessons(GetParam());
  Preferences preferences(*student_, options_);
  // An adapter that adds nothing: the margin is 0, the loss log 2.
  const PreferenceReport start = preferences.evaluate(data).value();
  EXPECT_NEAR(start.margin, 0.0, 1e-6);
  EXPECT_NEAR(start.loss, 3 * std::log(2.0), 1e-6);
  shake();
  const double later = preferences.evaluate(data).value().loss;
  EXPECT_NE(later, start.loss);
  EXPECT_EQ(Preferences(*student_, options_).evaluate(data).value().loss, later);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PreferencesTest, testing::Values(Kind::kDpo, Kind::kOrpo, Kind::kKto),
                         [](const auto& test) {
                           return test.param == Kind::kDpo ? "dpo" : test.param == Kind::kOrpo ? "orpo" : "kto";
                         });

/// With one answer there is no other to compare with: the drift is 0, and gradients are those of the loss.
TEST(Kto, LearnsFromASingleAnswer) {
  Lesson lesson("llama", {2, ""});
  const auto student = lesson.make_student();
  PreferenceOptions options;
  options.kind = Kind::kKto;
  Preferences preferences(*student, options);
  const PackedSequence one{{segment({1, 17, 22, 5, 13}, 2, SegmentRole::kUndesirable)}};
  lesson.parameters().clear_gradients();
  const PreferenceReport report = preferences.learn({&one, 1}).value();
  // There is no adapter: learner and reference are the same, and the loss is 1 - sigmoid(0).
  EXPECT_NEAR(report.loss, 0.5, 1e-9);
  Lesson plain("llama", {2, ""});
  plain.parameters().clear_gradients();
  plain.learn(one);
  // d loss / d log p = beta / 4 for a bad answer; plain learning has -1 for each.
  for (size_t p = 0; p < lesson.parameters().all().size(); ++p) {
    Tensor expected = plain.parameters().all()[p].gradient;
    for (int64_t i = 0; i < expected.shape().elements(); ++i) expected.f32()[i] *= -0.1f / 4;
    EXPECT_LE(distance(lesson.parameters().all()[p].gradient, expected), 1e-5) << lesson.parameters().all()[p].name;
  }
}

}  // namespace
}  // namespace ondol::train
