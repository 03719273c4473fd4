// Multiplies by Hadamard matrices through the fast Walsh-Hadamard transform. The including file has read vec.h.
//
// Every instruction set adds the same pairs in the same order of stages, so results have the same bits in all of them.
namespace ondol::cpu::ONDOL_ISA {

void hadamard(float* x, int order, int n) {
  const F factor = splat(hadamard_factor(order));
  for (float* run = x; run < x + n; run += order) {
    for (int i = 0; i < order; i += kLanes) store(run + i, hadamard_of_lanes(load(run + i)));
    for (int stride = kLanes; stride < order; stride *= 2) {
      for (int first = 0; first < order; first += 2 * stride) {
        for (int i = first; i < first + stride; i += kLanes) {
          const F a = load(run + i);
          const F b = load(run + i + stride);
          store(run + i, a + b);
          store(run + i + stride, a - b);
        }
      }
    }
    for (int i = 0; i < order; i += kLanes) store(run + i, load(run + i) * factor);
  }
}

}  // namespace ondol::cpu::ONDOL_ISA
