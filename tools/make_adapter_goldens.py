#!/usr/bin/env python3
"""Writes low-rank adapters for the tiny models of tests/golden/hugging_face, as PEFT and as GGUF have them, with the
logits that transformers and PEFT compute.

usage: make_adapter_goldens.py MODELS_FOLDER OUT_FOLDER
needs: torch, transformers, peft, numpy and gguf from PyPI.

OUT/NAME holds adapter_config.json, adapter_model.safetensors and expected.json ({"tokens", "logits"}), and for llama
adapter.gguf, whose query and key rows are interleaved as llama's GGUF files have them. Both halves of every addition
are random, so that a wrong one, a wrong scale or a wrong order of rows shows.
"""
import json
import pathlib
import sys

import gguf
import numpy as np
import peft
import torch
import transformers as tf

TOKENS = [1, 17, 42, 5, 63, 90, 8, 33, 21, 77, 12, 50]
CASES = {
    "llama": dict(r=3, lora_alpha=6, target_modules="all-linear"),
    "qwen3": dict(r=4, lora_alpha=8, use_rslora=True, target_modules=["q_proj", "v_proj", "down_proj"]),
    "phi3": dict(r=2, lora_alpha=2, target_modules=["qkv_proj", "gate_up_proj", "o_proj"],
                 alpha_pattern={"gate_up_proj": 5}, rank_pattern={"gate_up_proj": 4}),
    "gpt2": dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_fc", "c_proj"], fan_in_fan_out=True),
    "llama-dora": dict(r=3, lora_alpha=6, target_modules="all-linear", use_dora=True),
    "qwen2-dora": dict(r=2, lora_alpha=2, target_modules=["q_proj", "k_proj", "o_proj", "up_proj"], use_dora=True),
}
GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down"}


def interleaved(b, n_heads):
    """Row i of a head's first half, then row i of its second half."""
    rows, rank = b.shape
    return b.reshape(n_heads, 2, rows // n_heads // 2, rank).swapaxes(1, 2).reshape(rows, rank)


def write_gguf(model, alpha, path):
    config = model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, parameter in model.named_parameters():
        if "lora_" not in name:
            continue
        layer = name.split("layers.")[1].split(".")[0]
        module = next(m for m in GGUF_NAMES if m in name)
        values = parameter.detach().numpy().astype(np.float32)
        half = "lora_a" if "lora_A" in name else "lora_b"
        if half == "lora_b" and module.endswith("q_proj"):
            values = interleaved(values, config.num_attention_heads)
        if half == "lora_b" and module.endswith("k_proj"):
            values = interleaved(values, config.num_key_value_heads)
        writer.add_tensor(f"blk.{layer}.{GGUF_NAMES[module]}.weight.{half}", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(models, out):
    for name, settings in CASES.items():
        torch.manual_seed(7)
        base = tf.AutoModelForCausalLM.from_pretrained(models / name.split("-dora")[0], dtype=torch.float32, attn_implementation="eager")
        model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "lora_" in key:
                    parameter.normal_(0.0, 0.3)
                if "magnitude" in key:
                    parameter.mul_(1.0 + 0.1 * parameter.abs()).abs_().add_(0.05)
            logits = model(torch.tensor([TOKENS])).logits[0]
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        (folder / "expected.json").write_text(json.dumps(
            {"tokens": TOKENS, "logits": [[float(f"{v:.7g}") for v in row] for row in logits.tolist()]}))
        if name == "llama":
            write_gguf(model, settings["lora_alpha"], folder / "adapter.gguf")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
