// Finds the type of lanes/types.inl that multiplies weights of a DType.
namespace ondol::cpu::ONDOL_ISA {
namespace {

const LanesType* lanes_type_of(DType type) {
  switch (type) {
#define ONDOL_CASE(type) \
  case DType::type:      \
    return &k##type;
    ONDOL_LANES_TYPES(ONDOL_CASE)
#undef ONDOL_CASE
    default:
      return nullptr;
  }
}

}  // namespace

}  // namespace ondol::cpu::ONDOL_ISA
