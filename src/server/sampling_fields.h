// The sampling fields of OpenAI's requests, with llama.cpp's and vLLM's names for what OpenAI does not have.
#pragma once

#include "runtime/recommended_sampling.h"
#include "server/fields.h"

namespace ondol::server {

/// What is absent is as the model's file recommends; the seed is then a random one.
SamplingWish read_sampling(const Fields& fields);

/// A random seed.
uint64_t random_seed();

}  // namespace ondol::server
