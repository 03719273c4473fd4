#!/usr/bin/env python3
"""Writes tests/golden/quant/: random blocks of every format and what they decode to according to the `gguf` package.

<NAME>.bin is some blocks, followed by their values as little-endian float32; the number of blocks follows from the size.
grids.txt is the 64-bit FNV-1a hash of every codebook, as bytes.
half.bin is float32 values followed by their F16 and BF16 bits (numpy, and gguf's rounding to nearest even).

Usage: make_quant_goldens.py tests/golden/quant      (needs numpy and gguf)
"""
import pathlib
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Q
from gguf import quants
from gguf.quants import dequantize, quantize

# Byte offsets of the F16 fields of each block. IQ1_M's is scattered and handled below; MXFP4 and NVFP4 have none.
F16_FIELDS = {
    Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0], Q.Q5_1: [0, 2], Q.Q8_0: [0],
    Q.Q2_K: [80, 82], Q.Q3_K: [108], Q.Q4_K: [0, 2], Q.Q5_K: [0, 2], Q.Q6_K: [208],
    Q.IQ4_NL: [0], Q.IQ4_XS: [0], Q.MXFP4: [], Q.NVFP4: [],
    Q.IQ2_XXS: [0], Q.IQ2_XS: [0], Q.IQ2_S: [0], Q.IQ3_XXS: [0], Q.IQ3_S: [0],
    Q.IQ1_S: [0], Q.IQ1_M: [], Q.TQ1_0: [52], Q.TQ2_0: [64],
}

# Ordinary, zero, minus zero, smallest and largest subnormal, negative, smallest normal, largest.
SCALES = [0x2A11, 0x0000, 0x8000, 0x0001, 0x03FF, 0xA83C, 0x0400, 0x7BFF]


def random_blocks(rng, kind):
    block_size, block_bytes = GGML_QUANT_SIZES[kind]
    n = 3 if block_size == 256 else len(SCALES)
    blocks = rng.integers(0, 256, (n, block_bytes), dtype=np.uint8)
    for i in range(n):
        for field, offset in enumerate(F16_FIELDS[kind]):
            # Large K-quant blocks: an ordinary one, a subnormal scale and the largest one.
            scale = SCALES[(i + field) % 8] if n == 8 else [0x2A11, 0x03FF, 0x7BFF][(i + field) % 3]
            blocks[i, offset:offset + 2] = np.frombuffer(np.uint16(scale).tobytes(), np.uint8)
        if kind == Q.IQ1_M:
            scale = [0x2A11, 0x03FF, 0x7BFF][i % 3]
            for word in range(4):
                byte = 48 + 2 * word + 1
                blocks[i, byte] = (blocks[i, byte] & 0x0F) | (((scale >> (4 * word)) & 15) << 4)
        if kind == Q.MXFP4:
            blocks[i, 0] = [127, 0, 1, 2, 120, 130, 200, 250][i]
        if kind == Q.NVFP4:
            blocks[i, :4] = [[0x38, 0, 1, 7], [8, 0x7E, 0x7F, 0x40]][i % 2]
    return blocks


def hash_of(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def grid_hashes():
    for kind in (quants.IQ2_XXS, quants.IQ2_XS, quants.IQ2_S, quants.IQ3_XXS, quants.IQ3_S, quants.IQ1_S):
        kind.init_grid()
        yield f"{kind.__name__} {hash_of(kind.grid.astype(np.int8).tobytes()):016x}\n"


def half_values(rng):
    ordinary = rng.standard_normal(200).astype(np.float32) * np.exp2(rng.integers(-30, 20, 200)).astype(np.float32)
    every = np.arange(0, 0x7C00, 97, dtype=np.uint16).view(np.float16).astype(np.float32)
    ties = (every[:-1] + every[1:]) / 2
    edges = np.array([0.0, -0.0, 65504, 65519.996, 65520, 1e30, np.inf, -np.inf, 2**-24, 2**-25, 2**-26, 1e-45, 3.4e38],
                     np.float32)
    return np.concatenate([ordinary, every, -ties, ties, edges]).astype(np.float32)


def main():
    out = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(20240229)
    for kind in F16_FIELDS:
        blocks = random_blocks(rng, kind)
        with np.errstate(over="ignore"):
            values = dequantize(blocks, kind).astype(np.float32)
        (out / f"{kind.name}.bin").write_bytes(blocks.tobytes() + values.tobytes())
    (out / "grids.txt").write_text("".join(grid_hashes()))
    values = half_values(rng)
    with np.errstate(over="ignore"):
        f16 = values.astype(np.float16)
    (out / "half.bin").write_bytes(values.tobytes() + f16.tobytes() + quantize(values, Q.BF16).tobytes())


if __name__ == "__main__":
    main()
