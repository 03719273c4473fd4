// Finds the type of strips/types.inl that multiplies weights of a DType.
namespace ondol::cpu::ONDOL_ISA {
namespace {

const StripsType* strips_type_of(DType type) {
  switch (type) {
#define ONDOL_CASE(type) \
  case DType::type:      \
    return &kStrips##type;
    ONDOL_STRIPS_TYPES(ONDOL_CASE)
#undef ONDOL_CASE
    default:
      return nullptr;
  }
}

}  // namespace
}  // namespace ondol::cpu::ONDOL_ISA
