// How a reader process ends when it ends by itself.
#pragma once

namespace ondol {

constexpr int kReaderOutOfMemory = 3;
constexpr int kReaderNotConfined = 4;  // the limits could not be set
constexpr int kReaderNotStarted = 127;

}  // namespace ondol
