// The list of block formats: one line each. Backends iterate over it to multiply with every format by decoding.
#pragma once

#include "quant/format.h"
#include "quant/iq1_m.h"
#include "quant/iq1_s.h"
#include "quant/iq2_s.h"
#include "quant/iq2_xs.h"
#include "quant/iq2_xxs.h"
#include "quant/iq3_s.h"
#include "quant/iq3_xxs.h"
#include "quant/iq4_nl.h"
#include "quant/iq4_xs.h"
#include "quant/mxfp4.h"
#include "quant/nvfp4.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/tq1_0.h"
#include "quant/tq2_0.h"

// X(name, encoder): DType::name is stored as Block##name, which decode_block(const Block##name&, float*) decodes.
#define ONDOL_BLOCK_FORMATS(X) \
  X(Q4_0, encode_q4_0)         \
  X(Q4_1, encode_q4_1)         \
  X(Q5_0, encode_q5_0)         \
  X(Q5_1, encode_q5_1)         \
  X(Q8_0, encode_q8_0)         \
  X(Q2_K, encode_q2_k)         \
  X(Q3_K, encode_q3_k)         \
  X(Q4_K, encode_q4_k)         \
  X(Q5_K, encode_q5_k)         \
  X(Q6_K, encode_q6_k)         \
  X(IQ4_NL, encode_iq4_nl)     \
  X(IQ4_XS, encode_iq4_xs)     \
  X(MXFP4, encode_mxfp4)       \
  X(NVFP4, encode_nvfp4)       \
  X(IQ1_S, encode_iq1_s)       \
  X(IQ1_M, encode_iq1_m)       \
  X(IQ2_XXS, encode_iq2_xxs)   \
  X(IQ2_XS, encode_iq2_xs)     \
  X(IQ2_S, encode_iq2_s)       \
  X(IQ3_XXS, encode_iq3_xxs)   \
  X(IQ3_S, encode_iq3_s)       \
  X(TQ1_0, encode_tq1_0)       \
  X(TQ2_0, encode_tq2_0)
