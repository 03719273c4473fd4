// Activation, GatedUnit, RopePairs: what a backend's elementwise operations compute. Plain data: kernel files include
// it.
#pragma once

namespace ondol {

/// kGelu is x Phi(x); kGeluTanh its tanh form; kGeluQuick is x sigmoid(1.702 x).
enum class Activation { kSilu, kGelu, kGeluTanh, kGeluQuick, kRelu, kReluSquared };

/// out = act(gate) * up, with gpt-oss's variant: gate clamped to at most `limit`, up to [-limit, limit], then
/// gate * sigmoid(alpha gate) * (up + 1).
struct GatedUnit {
  Activation activation = Activation::kSilu;
  bool clamped_swiglu = false;
  float alpha = 1.702f;
  float limit = 7.0f;
};

/// How rotary position embedding pairs the elements of a head.
enum class RopePairs { kInterleaved /* (0,1), (2,3) ... */, kHalves /* (0,n/2), (1,n/2+1) ... */ };

}  // namespace ondol
