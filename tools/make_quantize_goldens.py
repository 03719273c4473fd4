#!/usr/bin/env python3
"""Writes tests/golden/formats/plans.json: which type llama-quantize gives each tensor, for small made-up models.

usage: make_quantize_goldens.py PATH/TO/llama-quantize          (from the root of the source tree)
needs: gguf and numpy from PyPI, and llama.cpp's llama-quantize with --dry-run.
Types of runs of equal tensors are written once: ["Q4_K", 3] is three tensors. Tensors are listed role by role.
"""
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import gguf
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "golden" / "formats" / "plans.json"

FILE_TYPES = ["F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1", "Q4_K_M", "Q4_K_S", "Q4_0", "Q4_1",
              "IQ4_NL", "IQ4_XS", "MXFP4_MOE", "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K", "Q2_K_S", "TQ2_0", "TQ1_0",
              "IQ3_M", "IQ3_S", "IQ3_XS", "IQ3_XXS", "IQ2_M", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S"]

# name: architecture, width, layers, heads, kv_heads, ffn, experts, tied, fused
MODELS = {
    "gqa": ("llama", 256, 18, 8, 2, 512, 0, False, False),
    "mha-tied": ("llama", 256, 12, 4, 4, 512, 0, True, False),
    "eight-experts": ("llama", 256, 9, 8, 2, 256, 8, False, False),
    "many-experts": ("qwen3moe", 256, 10, 8, 1, 256, 16, False, False),
    "eighty-layers": ("llama", 256, 80, 8, 1, 256, 0, False, False),
    "odd-width": ("llama", 288, 6, 6, 6, 768, 0, True, False),
    "very-odd-width": ("llama", 48, 3, 4, 2, 96, 0, False, False),
    "fused": ("phi3", 256, 16, 8, 8, 512, 0, False, True),
}

# Beyond the file type alone: name -> (model, file type, options of llama-quantize)
EXTRAS = {
    "pure": ("gqa", "Q4_K_M", ["--pure"]),
    "leave": ("gqa", "Q4_K_M", ["--leave-output-tensor"]),
    "output": ("gqa", "Q4_K_M", ["--output-tensor-type", "q5_0"]),
    "output-tied": ("mha-tied", "Q4_K_M", ["--output-tensor-type", "q5_0"]),
    "embedding": ("gqa", "Q4_K_M", ["--token-embedding-type", "q8_0"]),
    "override": ("gqa", "Q4_K_S", ["--tensor-type", r"blk\.[0-3]\.ffn_up=q8_0"]),
    "imatrix-q4_0": ("gqa", "Q4_0", ["--imatrix"]),
    "imatrix-q5_0": ("gqa", "Q5_0", ["--imatrix"]),
    "imatrix-iq4_xs": ("gqa", "IQ4_XS", ["--imatrix"]),
    "imatrix-iq3_xxs": ("mha-tied", "IQ3_XXS", ["--imatrix"]),
}


def roles_of(model):
    """Name (or what stands between "blk.N." and ".weight"), shape and number of layers that have it; 0: no layer."""
    _, width, layers, heads, kv_heads, ffn, experts, tied, fused = model
    kv = width // heads * kv_heads
    stack = [experts] if experts else []
    suffix = "_exps" if experts else ""
    per_layer = [("attn_norm", [width]), ("ffn_norm", [width]), ("attn_output", [width, width])]
    if fused:
        per_layer += [("attn_qkv", [width + 2 * kv, width]), ("ffn_up", [2 * ffn, width])]
    else:
        per_layer += [("attn_q", [width, width]), ("attn_k", [kv, width]), ("attn_v", [kv, width]),
                      ("ffn_gate" + suffix, [*stack, ffn, width]), ("ffn_up" + suffix, [*stack, ffn, width])]
    per_layer += [("ffn_down" + suffix, [*stack, width, ffn])]
    if experts:
        per_layer += [("ffn_gate_inp", [experts, width])]
    result = [("token_embd.weight", [64, width], 0), ("output_norm.weight", [width], 0)]
    if not tied:
        result.append(("output.weight", [64, width], 0))
    return result + [(role, shape, layers) for role, shape in per_layer]


def tensors_of(model):
    for name, shape, layers in roles_of(model):
        if layers == 0:
            yield name, shape
        for i in range(layers):
            yield f"blk.{i}.{name}.weight", shape


def metadata_of(model):
    arch, width, layers, heads, kv_heads, ffn, experts, _, _ = model
    numbers = {"block_count": layers, "context_length": 512, "embedding_length": width, "feed_forward_length": ffn,
               "attention.head_count": heads, "attention.head_count_kv": kv_heads,
               "rope.dimension_count": width // heads, "vocab_size": 64}
    if experts:
        numbers |= {"expert_count": experts, "expert_used_count": 2, "expert_feed_forward_length": ffn}
    return {f"{arch}.{key}": value for key, value in numbers.items()}


def write_model(path, model):
    w = gguf.GGUFWriter(path, model[0])
    for key, value in metadata_of(model).items():
        w.add_uint32(key, value)
    w.add_layer_norm_rms_eps(1e-5)
    for name, shape in tensors_of(model):
        w.add_tensor(name, np.full(shape, 0.01, dtype=np.float32 if len(shape) == 1 else np.float16))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_imatrix(path):
    w = gguf.GGUFWriter(path, "imatrix")
    w.add_type("imatrix")
    w.add_array("imatrix.datasets", ["none"])
    w.add_uint32("imatrix.chunk_count", 1)
    w.add_uint32("imatrix.chunk_size", 512)
    w.add_tensor("blk.0.attn_q.weight.in_sum2", np.ones((1, 256), dtype=np.float32))
    w.add_tensor("blk.0.attn_q.weight.counts", np.ones((1, 1), dtype=np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


LINE = re.compile(r"\[ *\d+/ *\d+\]\s+(\S+)\s+- \[.*?\], type =\s+(\w+), size =[^(\n]*(?:\((\w+)\))?")


def types_by(quantize, path, model, file_type, options):
    run = subprocess.run([quantize, "--dry-run", *options, path, "/dev/null", file_type], capture_output=True, text=True)
    found = {m[1]: (m[3] or m[2]).upper() for m in LINE.finditer(run.stdout + run.stderr)}
    names = [name for name, _ in tensors_of(model)]
    if set(found) != set(names):
        sys.exit(f"{path} {file_type}: cannot understand the output:\n{run.stdout}{run.stderr}")
    return [[kind, len(list(group))] for kind, group in itertools.groupby(found[name] for name in names)]


def main():
    quantize = sys.argv[1]
    result = {"models": {}, "plans": []}
    with tempfile.TemporaryDirectory() as folder:
        imatrix = f"{folder}/imatrix.gguf"
        write_imatrix(imatrix)
        for name, model in MODELS.items():
            path = f"{folder}/{name}.gguf"
            write_model(path, model)
            result["models"][name] = {"architecture": model[0], "metadata": metadata_of(model),
                                      "roles": roles_of(model)}
            for file_type in FILE_TYPES:
                result["plans"].append({"model": name, "type": file_type, "options": [],
                                        "types": types_by(quantize, path, model, file_type, [])})
        for model_name, file_type, options in EXTRAS.values():
            given = options + [imatrix] if options == ["--imatrix"] else options
            types = types_by(quantize, f"{folder}/{model_name}.gguf", MODELS[model_name], file_type, given)
            result["plans"].append({"model": model_name, "type": file_type, "options": options, "types": types})
    lines = ",\n".join(json.dumps(plan) for plan in result["plans"])
    models = ",\n".join(f"{json.dumps(name)}: {json.dumps(model)}" for name, model in result["models"].items())
    OUT.write_text(f'{{"models": {{\n{models}\n}},\n"plans": [\n{lines}\n]}}\n')


main()
