#!/usr/bin/env python3
"""Writes the smallest models of make_model_goldens.py as seeds of the fuzz target `model`.

usage: make_model_seeds.py OUT_FOLDER
"""
import pathlib
import sys

import make_model_goldens as goldens

TINY = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
            head_dim=4, vocab_size=8, num_experts=2, num_local_experts=2, moe_intermediate_size=4,
            shared_expert_intermediate_size=4, n_embd=8, n_head=2, n_layer=1, n_positions=8, layer_types=None)
NAMES = ["llama", "llama-bias-tied", "llama-yarn", "ministral3", "mixtral", "qwen2", "qwen2moe", "qwen3", "qwen3moe",
         "gemma", "gemma2", "gemma3", "phi3-window", "gpt2"]


def main():
    plain_sizes = goldens.sizes
    goldens.sizes = lambda **more: plain_sizes(**more | {key: TINY[key] for key in TINY if key in plain_sizes(**more)})
    goldens.VOCAB = TINY["vocab_size"]
    goldens.TOKENS[:] = [1, 2, 3]
    plain_gpt2 = goldens.tf.GPT2Config
    goldens.tf.GPT2Config = lambda **more: plain_gpt2(**more | {key: TINY[key] for key in TINY if key in more})
    goldens.write_vocabulary = lambda writer: None
    out = pathlib.Path(sys.argv[1])
    sys.argv = ["", str(out), *NAMES]
    goldens.main()
    for path in out.glob("*.logits"):
        path.unlink()


if __name__ == "__main__":
    main()
