#!/usr/bin/env python3
"""Writes the small files that tests/formats compares with, and the seeds of the fuzz targets gguf, safetensors, imatrix.

usage: make_format_seeds.py          (from the root of the source tree)
needs: gguf, safetensors, huggingface_hub, torch and numpy from PyPI. They are implementations of the formats other than Ondol's own.
"""
import json
import pathlib
import shutil
import struct

import gguf
import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "formats"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"


def ramp(*shape, dtype=np.float32):
    """0, 0.5, 1, ...: exact in every type that is used here, and easy to say in a test."""
    return (np.arange(np.prod(shape), dtype=np.float32) * 0.5).reshape(shape).astype(dtype)


def write(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_every_meta_type(w):
    w.add_uint8("t.uint8", 200)
    w.add_int8("t.int8", -100)
    w.add_uint16("t.uint16", 60000)
    w.add_int16("t.int16", -30000)
    w.add_uint32("t.uint32", 4000000000)
    w.add_int32("t.int32", -2000000000)
    w.add_float32("t.float32", 1.5)
    w.add_bool("t.bool", True)
    w.add_string("t.string", "온돌 ondol")
    w.add_key_value("t.empty", "", gguf.GGUFValueType.STRING)
    w.add_uint64("t.uint64", 2**64 - 1)
    w.add_int64("t.int64", -(2**62))
    w.add_float64("t.float64", 0.1)
    w.add_array("t.strings", ["a", "", "방바닥"])
    w.add_array("t.bools", [True, False, True])
    w.add_array("t.ints", [1, -2, 3])
    w.add_array("t.floats", [0.5, -0.25])
    w.add_array("t.bytes", b"\x00\x01\xff")


def small_gguf(path):
    w = gguf.GGUFWriter(path, "llama")
    add_every_meta_type(w)
    w.add_tensor("f32", ramp(2, 3))
    w.add_tensor("f16", ramp(3, 5, dtype=np.float16))
    w.add_tensor("cube", ramp(2, 3, 4))
    w.add_tensor("ids", np.arange(5, dtype=np.int32))
    w.add_tensor("q8_0", gguf.quants.quantize(ramp(2, 64), gguf.GGMLQuantizationType.Q8_0),
                 raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    write(w)


def aligned_gguf(path):
    w = gguf.GGUFWriter(path, "llama")
    w.add_custom_alignment(128)
    w.add_tensor("a", ramp(3))
    w.add_tensor("b", ramp(2, 2))
    write(w)


def split_gguf(stem, n_tensors=5, per_part=2):
    w = gguf.GGUFWriter(stem, "llama", split_max_tensors=per_part)
    w.add_name("split")
    for i in range(n_tensors):
        w.add_tensor(f"tensor{i}", ramp(2, 2) + i)
    write(w)


def with_header(entries, data, padding=""):
    header = (json.dumps(entries) + padding).encode()
    return struct.pack("<Q", len(header)) + header + data


def small_safetensors(path):
    tensors = {
        "f64": ramp(2, dtype=np.float64), "f32": ramp(2, 3), "f16": ramp(3, 5, dtype=np.float16),
        "i64": np.array([-1, 2**40]), "i32": np.arange(3, dtype=np.int32), "i16": np.arange(2, dtype=np.int16),
        "i8": np.array([-1], dtype=np.int8), "u8": np.array([[200, 1]], dtype=np.uint8),
        "bool": np.array([True, False]), "empty": np.zeros((0, 4), dtype=np.float32), "scalar": np.float32(2.5),
    }
    save_file({name: np.ascontiguousarray(value) if value.ndim else np.array(value) for name, value in tensors.items()},
              path, metadata={"note": "온돌"})  # one key only: their order is not fixed


def torch_safetensors(path):
    values = torch.arange(8, dtype=torch.float32).reshape(2, 4) * 0.5
    save_torch_file({"bf16": values.to(torch.bfloat16), "f8": values.to(torch.float8_e4m3fn),
                     "conv3d": torch.arange(2 * 3 * 2 * 2 * 2, dtype=torch.float32).reshape(2, 3, 2, 2, 2)}, path)


def sharded_safetensors(folder):
    state = {f"layer{i}.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) * 0.5 + i for i in range(5)}
    folder.mkdir()
    save_torch_state_dict(state, folder, max_shard_size=50)


def unaligned_safetensors(path):
    """A header of odd length, as early writers made it: the numbers lie at odd addresses."""
    entries = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    padding = " " * (1 - len(json.dumps(entries)) % 2)
    path.write_bytes(with_header(entries, ramp(4).tobytes(), padding))


def gguf_imatrix(path):
    """As llama-imatrix writes it: sums of squares, and how many tokens each matrix saw. Expert 1 saw none."""
    w = gguf.GGUFWriter(path, "imatrix")
    w.add_type("imatrix")
    w.add_array("imatrix.datasets", ["text.txt"])
    w.add_uint32("imatrix.chunk_count", 1)
    w.add_uint32("imatrix.chunk_size", 4)
    w.add_tensor("blk.0.attn_q.weight.in_sum2", ramp(1, 4))
    w.add_tensor("blk.0.attn_q.weight.counts", np.full((1, 1), 4, dtype=np.float32))
    w.add_tensor("blk.0.ffn_up_exps.weight.in_sum2", ramp(3, 4))
    w.add_tensor("blk.0.ffn_up_exps.weight.counts", np.array([[2], [0], [1]], dtype=np.float32))
    write(w)


def older_imatrix(path):
    def entry(name, calls, values):
        return struct.pack("<i", len(name)) + name.encode() + struct.pack(f"<ii{len(values)}f", calls, len(values), *values)

    text = b"text.txt"
    path.write_bytes(struct.pack("<i", 2) + entry("blk.0.attn_q.weight", 4, [0, 0.5, 1, 1.5])
                     + entry("blk.0.attn_k.weight", 0, [2, 3]) + struct.pack("<ii", 1, len(text)) + text)


def make_corpus(name, paths):
    shutil.rmtree(CORPUS / name, ignore_errors=True)
    (CORPUS / name).mkdir(parents=True)
    for path in paths:
        shutil.copyfile(path, CORPUS / name / path.name)


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(GOLDEN / "sharded", ignore_errors=True)
    small_gguf(GOLDEN / "small.gguf")
    aligned_gguf(GOLDEN / "aligned.gguf")
    split_gguf(GOLDEN / "split.gguf")
    small_safetensors(GOLDEN / "small.safetensors")
    torch_safetensors(GOLDEN / "torch.safetensors")
    unaligned_safetensors(GOLDEN / "unaligned.safetensors")
    sharded_safetensors(GOLDEN / "sharded")
    gguf_imatrix(GOLDEN / "imatrix.gguf")
    older_imatrix(GOLDEN / "imatrix.dat")
    make_corpus("gguf", GOLDEN.glob("*.gguf"))
    make_corpus("imatrix", GOLDEN.glob("imatrix.*"))
    make_corpus("safetensors", [*GOLDEN.glob("*.safetensors"), *GOLDEN.glob("sharded/*")])


main()
