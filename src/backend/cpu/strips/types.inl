// The types of weights that are multiplied in strips. Each is defined in one of the files of ONDOL_ISA.
#define ONDOL_STRIPS_TYPES(X) \
  X(Q4_0)                     \
  X(Q4_1)                     \
  X(Q5_0)                     \
  X(Q5_1)                     \
  X(Q8_0)                     \
  X(Q2_K)                     \
  X(Q3_K)                     \
  X(Q4_K)                     \
  X(Q5_K)                     \
  X(Q6_K)                     \
  X(IQ4_NL)                   \
  X(IQ4_XS)                   \
  X(MXFP4)

namespace ondol::cpu::ONDOL_ISA {

#define ONDOL_DECLARE(type) extern const StripsType kStrips##type;
ONDOL_STRIPS_TYPES(ONDOL_DECLARE)
#undef ONDOL_DECLARE

}  // namespace ondol::cpu::ONDOL_ISA
