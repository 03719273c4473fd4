// The sampling fields of OpenAI's requests, with llama.cpp's and vLLM's names for what OpenAI does not have.
#pragma once

#include "runtime/sampler.h"
#include "server/fields.h"

namespace ondol::server {

/// What is absent keeps the program's usual value; the seed is then a random one.
SamplerOptions read_sampling(const Fields& fields);

/// A random seed.
uint64_t random_seed();

}  // namespace ondol::server
