// A draft model changes when tokens are computed, never which: every text is compared with plain generation.
#include "runtime/model_drafter.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "formats/gguf_writer.h"
#include "tests/runtime/generation.h"

namespace ondol {
namespace {

/// A folder for the models that a test makes.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / fmt::format("ondol-draft-{}", ::getpid())) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// Models made from the sample.
class ModelDrafterTest : public testing::Test {
 protected:
  using Change = std::function<void(Metadata&, std::vector<TensorEntry>&)>;

  /// Writes the sample with changed metadata and tensors, and returns the path.
  std::string write(const std::string& name, const Change& change) {
    const auto file = open_model_file(sample_model()).value();
    Metadata metadata = file->metadata();
    std::vector<TensorEntry> tensors = file->tensors();
    change(metadata, tensors);
    const std::string path = folder_.path / (name + ".gguf");
    const auto written = write_gguf(path, metadata, tensors);
    if (!written) throw std::runtime_error(written.error().message());
    return path;
  }

  template <typename T>
  static T& value(Metadata& metadata, const std::string& key) {
    for (auto& [name, meta] : metadata) {
      if (name == key) return std::get<T>(meta.value);
    }
    throw std::runtime_error(key);
  }
  template <typename T>
  static std::vector<T>& array(Metadata& metadata, const std::string& key) {
    return std::get<std::vector<T>>(value<MetaValue::Array>(metadata, key));
  }

  /// The sample's first layer alone: a small model that often guesses wrong.
  std::string shallow_model() {
    return write("shallow", [](Metadata& metadata, std::vector<TensorEntry>& tensors) {
      value<uint32_t>(metadata, "llama.block_count") = 1;
      std::erase_if(tensors, [](const TensorEntry& entry) {
        return entry.name.starts_with("blk.") && !entry.name.starts_with("blk.0.");
      });
    });
  }

  /// The sample with n more tokens, which are of this type in GGUF (5: unused, 1: a word).
  std::string longer_model(int n, int32_t type) {
    return write(fmt::format("longer-{}-{}", n, type), [&](Metadata& metadata, std::vector<TensorEntry>& tensors) {
      for (int i = 0; i < n; ++i) {
        array<std::string>(metadata, "tokenizer.ggml.tokens").push_back(fmt::format("[PAD{}]", i));
        array<int32_t>(metadata, "tokenizer.ggml.token_type").push_back(type);
      }
      Tensor& embedding = tensors.at(0).tensor;
      padded_ = OwnedTensor(embedding.type(), Shape{embedding.rows() + n, embedding.columns()});
      std::memcpy(padded_.buffer.data(), embedding.bytes(), embedding.size_bytes());
      embedding = padded_.tensor;
      value<uint32_t>(metadata, "llama.vocab_size") += static_cast<uint32_t>(n);
    });
  }

  static std::unique_ptr<ModelDrafter> drafter(const std::string& path, const Engine& target) {
    auto opened = ModelDrafter::open(path, target, {});
    if (!opened) throw std::runtime_error(opened.error().message());
    return std::move(opened).value();
  }

  static std::string error_of(const std::string& path, const Engine& target) {
    const auto opened = ModelDrafter::open(path, target, {});
    return opened ? "" : opened.error().message();
  }

  Folder folder_;
  OwnedTensor padded_;
};

TEST_F(ModelDrafterTest, TextIsTheSame) {
  const auto engine = open(sample_model(), 256);
  for (const std::string& model : {sample_model(), shallow_model()}) {
    for (const char* prompt : {kRepetitive, kPlain}) {
      for (size_t i = 0; i < samplers().size(); ++i) {
        Request request;
        request.prompt = prompt;
        request.sampler = samplers()[i];
        const Outcome plain = run(*engine, request, 0);
        for (const int speculate : {1, 5, kSpeculateAuto}) {
          EXPECT_EQ(run(*engine, request, speculate, nullptr, drafter(model, *engine)), plain)
              << model << ", " << prompt << ", sampler " << i << ", drafts of " << speculate;
        }
      }
    }
  }
}

/// Sampled text too: its own guesses are drawn with the same random numbers.
TEST_F(ModelDrafterTest, AModelForeseesItself) {
  const auto engine = open(sample_model(), 256);
  const std::string shallow = shallow_model();
  for (size_t i = 0; i < samplers().size(); ++i) {
    Request request;
    request.prompt = kPlain;
    request.sampler = samplers()[i];
    Generated counts;
    run(*engine, request, 5, &counts, drafter(sample_model(), *engine));
    EXPECT_GT(counts.n_drafted, 50) << i;
    EXPECT_GT(counts.n_accepted, counts.n_drafted * 9 / 10) << i;
    run(*engine, request, 5, &counts, drafter(shallow, *engine));
    EXPECT_GT(counts.n_accepted, 0) << i;
    EXPECT_LT(counts.n_accepted, counts.n_drafted * 3 / 4) << i;
  }
}

TEST_F(ModelDrafterTest, EveryEndIsTheSame) {
  const auto engine = open(sample_model(), 80);
  const std::string model = shallow_model();
  Request full;
  Request shifted;
  shifted.generation.shift_context = true;
  shifted.generation.keep = 3;
  Request text;
  text.generation.stop = {"dog", " s"};
  Request own_end;
  own_end.generation.ignore_end = false;
  std::vector<Request> requests = {full, shifted, text, own_end};
  for (int n = 0; n < 6; ++n) {
    requests.push_back(full);
    requests.back().generation.max_tokens = n;
    requests.push_back(full);
    requests.back().stop_after = n + 1;  // cancelled
  }
  for (const int speculate : {1, 4, 7}) {
    for (const Request& request : requests) {
      for (const std::string& path : {sample_model(), model}) {
        EXPECT_EQ(run(*engine, request, speculate, nullptr, drafter(path, *engine)), run(*engine, request, 0));
      }
    }
  }
  EXPECT_EQ(run(*engine, full, 0).reason, StopReason::kContextFull);
  EXPECT_GT(run(*engine, shifted, 7, nullptr, drafter(model, *engine)).n_shifts, 0);
}

TEST_F(ModelDrafterTest, AShorterContextThanTheTargetsMovesAlong) {
  const auto engine = open(sample_model(), 256);
  Request request;
  request.prompt = kPlain;
  const Outcome plain = run(*engine, request, 0);
  for (const int64_t context : {1, 2, 3, 5, 20, 64}) {
    const auto small = open(sample_model(), context);
    Generated counts;
    EXPECT_EQ(run(*engine, request, 4, &counts, drafter(sample_model(), *small)), plain) << context;
    if (context == 64) {
      EXPECT_GT(counts.n_accepted, 20);
    }
  }
}

std::vector<TokenId> tokens_of(const std::vector<Guess>& guesses) {
  std::vector<TokenId> tokens;
  for (const Guess& guess : guesses) tokens.push_back(guess.token);
  return tokens;
}

/// What the engine's model finds most likely after `text`, n times.
std::vector<TokenId> most_likely(Engine& engine, std::vector<TokenId> text, int n) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < n; ++i) {
    Session session(engine);
    if (!session.sync(text)) throw std::runtime_error("sync");
    const auto logits = session.logits();
    tokens.push_back(static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    text.push_back(tokens.back());
  }
  return tokens;
}

TEST_F(ModelDrafterTest, GuessesWhatItsModelFindsMostLikelyAndReadsOnlyWhatIsNew) {
  const auto engine = open(sample_model(), 256);
  const auto draft = drafter(sample_model(), *engine);
  const auto always = [](std::span<const Guess>) { return true; };
  std::vector<TokenId> text = {300, 301, 302, 303, 304};
  draft->begin(text);
  auto guesses = draft->guess(4, nullptr, always);
  EXPECT_EQ(tokens_of(guesses), most_likely(*engine, text, 4));

  // Two guesses were right, then something else came.
  const std::vector<TokenId> next = {guesses[0].token, guesses[1].token, 777};
  for (const TokenId token : next) {
    draft->accept(token);
    text.push_back(token);
  }
  guesses = draft->guess(3, nullptr, always);
  EXPECT_EQ(draft->session().n_reused(), 7);
  EXPECT_EQ(tokens_of(guesses), most_likely(*engine, text, 3));

  // All were right: the last guess and the token after it are new.
  for (const Guess& guess : guesses) {
    draft->accept(guess.token);
    text.push_back(guess.token);
  }
  draft->accept(42);
  text.push_back(42);
  EXPECT_EQ(tokens_of(draft->guess(2, nullptr, always)), most_likely(*engine, text, 2));
  EXPECT_EQ(draft->session().n_reused(), 10);

  text.resize(3);
  draft->begin(text);
  EXPECT_EQ(tokens_of(draft->guess(2, nullptr, always)), most_likely(*engine, text, 2));
}

TEST_F(ModelDrafterTest, StopsWhenToldTo) {
  const auto engine = open(sample_model(), 256);
  const auto draft = drafter(sample_model(), *engine);
  draft->begin(std::vector<TokenId>{300, 301, 302});
  for (size_t wanted : {1, 3, 7}) {
    std::vector<size_t> asked;
    const auto guesses = draft->guess(7, nullptr, [&](std::span<const Guess> so_far) {
      asked.push_back(so_far.size());
      return so_far.size() < wanted;
    });
    EXPECT_EQ(guesses.size(), wanted);
    EXPECT_EQ(asked.size(), wanted);
  }
}

TEST_F(ModelDrafterTest, ReadsALongTextFirstABatchAtATime) {
  const std::string model = write("long", [](Metadata& metadata, std::vector<TensorEntry>&) {
    value<uint32_t>(metadata, "llama.context_length") = 8192;
  });
  const auto engine = open(model, 8192);
  EngineOptions options;
  options.batch_rows = 100;
  const auto draft = ModelDrafter::open(model, *engine, options).value();
  std::vector<TokenId> text;
  for (int i = 0; i < 250; ++i) text.push_back(300 + i % 97);
  const auto always = [](std::span<const Guess>) { return true; };
  draft->begin(text);
  for (const size_t read : {100u, 200u, 250u}) {
    EXPECT_TRUE(draft->guess(3, nullptr, always).empty());
    EXPECT_EQ(draft->session().tokens().size(), read);
  }
  EXPECT_EQ(tokens_of(draft->guess(3, nullptr, always)), most_likely(*engine, text, 3));
  // Of a very long one, only the end.
  while (text.size() < 3000) text.push_back(300 + static_cast<TokenId>(text.size()) % 89);
  draft->begin(text);
  int n_calls = 1;
  while (draft->guess(3, nullptr, always).empty()) ++n_calls;
  EXPECT_EQ(n_calls, static_cast<int>(ModelDrafter::kMostToRead / 100 + 2));
  EXPECT_EQ(draft->session().tokens().size(), ModelDrafter::kMostToRead + 2);
  // When it was not asked for long, it misses something.
  for (int i = 0; i < 1000; ++i) draft->accept(400 + i % 83);
  n_calls = 1;
  while (draft->guess(3, nullptr, always).empty()) ++n_calls;
  EXPECT_EQ(n_calls, static_cast<int>(ModelDrafter::kMostMissed / 100 + 2));
  EXPECT_EQ(draft->session().tokens().size(), ModelDrafter::kMostMissed + 2);
}

TEST_F(ModelDrafterTest, ATextThatItCannotReadGivesNoGuesses) {
  const auto engine = open(sample_model(), 256);
  const auto draft = drafter(sample_model(), *engine);
  const auto always = [](std::span<const Guess>) { return true; };
  draft->begin(std::vector<TokenId>{300, 100000});
  EXPECT_TRUE(draft->guess(3, nullptr, always).empty());
  EXPECT_TRUE(draft->guess(3, nullptr, always).empty());
  draft->begin(std::vector<TokenId>{300, 301});
  EXPECT_FALSE(draft->guess(3, nullptr, always).empty());
  draft->begin({});
  EXPECT_TRUE(draft->guess(3, nullptr, always).empty());
}

TEST_F(ModelDrafterTest, VocabulariesMustAgree) {
  const auto engine = open(sample_model(), 256);
  const std::string other = write("other", [](Metadata& metadata, std::vector<TensorEntry>&) {
    array<std::string>(metadata, "tokenizer.ggml.tokens")[700] += "x";
  });
  const std::string error = error_of(other, *engine);
  EXPECT_NE(error.find("other.gguf: expected a draft model with the vocabulary of"), std::string::npos) << error;
  EXPECT_NE(error.find("(2048 tokens)"), std::string::npos) << error;
  EXPECT_NE(error.find("token 700 is"), std::string::npos) << error;
  EXPECT_NE(error.find("take a small model of the same family"), std::string::npos) << error;

  const std::string more = error_of(longer_model(3, 1), *engine);
  EXPECT_NE(more.find("2051 tokens"), std::string::npos) << more;
  EXPECT_NE(more.find("only one of them has token 2048 '[PAD0]'"), std::string::npos) << more;

  const std::string other_end = write("other-end", [](Metadata& metadata, std::vector<TensorEntry>&) {
    value<uint32_t>(metadata, "tokenizer.ggml.eos_token_id") = 1;
  });
  EXPECT_NE(error_of(other_end, *engine).find("texts end with token 2 "), std::string::npos);

  // Where texts begin matters only to models that begin them with a token.
  const auto change_bos = [](bool adds) {
    return [adds](Metadata& metadata, std::vector<TensorEntry>&) {
      value<uint32_t>(metadata, "tokenizer.ggml.bos_token_id") = 1;
      value<bool>(metadata, "tokenizer.ggml.add_bos_token") = adds;
    };
  };
  EXPECT_EQ(error_of(write("bos-unused", change_bos(false)), *engine), "");
  EXPECT_NE(error_of(write("bos-added", change_bos(true)), *engine).find("texts begin with token 0 "),
            std::string::npos);
}

TEST_F(ModelDrafterTest, PaddingOfTheVocabularyIsNoDifference) {
  const std::string padded = longer_model(5, 5);
  const auto shorter = open(sample_model(), 256);
  const auto longer = open(padded, 256);
  Request request;
  const Outcome plain = run(*shorter, request, 0);
  Generated counts;
  EXPECT_EQ(run(*shorter, request, 4, &counts, drafter(padded, *shorter)), plain);
  EXPECT_GT(counts.n_accepted, 30);
  EXPECT_EQ(run(*longer, request, 4, &counts, drafter(sample_model(), *longer)), plain);
  EXPECT_GT(counts.n_accepted, 30);
  // A text of nothing but padding, which the draft model has no tokens for.
  request.sampler.logit_bias[2050] = 1000;
  const Outcome padding = run(*longer, request, 0);
  ASSERT_EQ(padding.tokens, std::vector<TokenId>(90, 2050));
  EXPECT_EQ(run(*longer, request, 4, nullptr, drafter(sample_model(), *longer)), padding);
}

TEST_F(ModelDrafterTest, ModelsThatGenerateNothingAreRefused) {
  const auto engine = open(sample_model(), 256);
  const std::string bert = ONDOL_SOURCE_DIR "/tests/golden/hugging_face/bert";
  EngineOptions options;
  options.needs_tokenizer = false;
  const auto opened = ModelDrafter::open(bert, *engine, options);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("got one that makes embeddings"), std::string::npos);
}

TEST_F(ModelDrafterTest, ItsMemoryIsPlanned) {
  const auto needs = ModelDrafter::memory_needs(sample_model(), {}).value();
  const auto engine = open(sample_model(), 256);
  EXPECT_EQ(needs.kv_bytes_per_token, engine->plan().kv_bytes_per_token);
  EXPECT_EQ(needs.most_tokens, 1024);
  EXPECT_EQ(needs.fixed_bytes, engine->plan().weights_bytes + engine->plan().working_bytes);
  EXPECT_EQ(drafter(sample_model(), *engine)->engine().context_length(), 256);

  EngineOptions options;
  options.beside = {int64_t{1} << 50, 0, 0};
  const auto opened = Engine::open(sample_model(), options);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("GiB for the draft model"), std::string::npos);
}

/// Takes its time and is always wrong.
class BadDrafter : public Drafter {
 public:
  explicit BadDrafter(int& n_calls) : n_calls_(n_calls) {}
  void begin(std::span<const TokenId>) override {}
  void accept(TokenId) override {}
  std::vector<Guess> guess(int, const Sampler*, const AnotherPays& another_pays) override {
    ++n_calls_;
    // Longer than any pass of the sample takes, under sanitizers and on a busy machine too.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    const std::vector<Guess> guesses = {{1999, GuessKind::kSure}};
    another_pays(guesses);
    return guesses;
  }

 private:
  int& n_calls_;
};

TEST_F(ModelDrafterTest, RestsWhereItDoesNotPay) {
  const auto engine = open(sample_model(), 1024);
  Request request;
  request.prompt = kPlain;
  request.sampler.temperature = 3;
  request.sampler.top_k = 0;
  request.sampler.logit_bias[1999] = -INFINITY;
  request.generation.max_tokens = 400;
  int n_calls = 0;
  run(*engine, request, kSpeculateAuto, nullptr, std::make_unique<BadDrafter>(n_calls));
  EXPECT_GT(n_calls, 0);
  EXPECT_LT(n_calls, 60);
}

}  // namespace
}  // namespace ondol
