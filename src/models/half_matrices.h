// F32 matrices held in F16: half the memory, and multiplied faster where there are matrix instructions.
#pragma once

#include <memory>

#include "formats/model_file.h"

namespace ondol {

/// The same file with its F32 matrices in F16, in memory of their own; everything else stays where it lies. A matrix
/// with a number that F16 has not (65504 is its largest) stays as it is. Numbers change by 1/2048 of themselves at
/// most.
std::shared_ptr<const ModelFile> with_half_matrices(std::shared_ptr<const ModelFile> file);

}  // namespace ondol
