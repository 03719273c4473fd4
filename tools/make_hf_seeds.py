#!/usr/bin/env python3
"""Writes the seeds of the fuzz target hugging_face: config.json and safetensors of very small models, in one file each.

usage: make_hf_seeds.py OUT_FOLDER
needs: torch, transformers and safetensors from PyPI.
"""
import pathlib
import struct
import sys
import tempfile

import transformers as tf

SMALL = dict(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=16, bos_token_id=1, eos_token_id=2, pad_token_id=0)
BERT = dict(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=8)
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 8}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.5], "long_factor": [2.0, 3.0],
            "original_max_position_embeddings": 8}
MODELS = {
    "llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**SMALL, rope_parameters=LLAMA3, attention_bias=True)),
    "mixtral": lambda: tf.MixtralForCausalLM(tf.MixtralConfig(**SMALL, num_local_experts=2, num_experts_per_tok=1)),
    "qwen3": lambda: tf.Qwen3ForCausalLM(tf.Qwen3Config(**SMALL, head_dim=4, rope_parameters=YARN)),
    "qwen2moe": lambda: tf.Qwen2MoeForCausalLM(tf.Qwen2MoeConfig(
        **SMALL, num_experts=2, num_experts_per_tok=1, moe_intermediate_size=8, shared_expert_intermediate_size=8)),
    "gemma3": lambda: tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(**SMALL, head_dim=4, sliding_window=4)),
    "phi3": lambda: tf.Phi3ForCausalLM(tf.Phi3Config(
        **SMALL, rope_parameters=LONGROPE, original_max_position_embeddings=8)),
    "gpt2": lambda: tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=8, n_positions=8, n_embd=8, n_layer=1, n_head=2)),
    "gpt-oss": lambda: tf.GptOssForCausalLM(tf.GptOssConfig(
        **SMALL, head_dim=4, num_local_experts=2, num_experts_per_tok=1, sliding_window=4)),
    "deepseek": lambda: tf.DeepseekV3ForCausalLM(tf.DeepseekV3Config(
        **SMALL | dict(num_hidden_layers=2, num_key_value_heads=2), kv_lora_rank=8, q_lora_rank=4, qk_rope_head_dim=4,
        qk_nope_head_dim=4, v_head_dim=4, moe_intermediate_size=4, n_routed_experts=4, num_experts_per_tok=1,
        n_shared_experts=1, first_k_dense_replace=1, n_group=2, topk_group=1, num_nextn_predict_layers=0)),
    "bert": lambda: tf.BertModel(tf.BertConfig(**BERT)),
    "roberta": lambda: tf.RobertaModel(tf.RobertaConfig(**BERT, pad_token_id=1)),
}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, make in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            make().half().save_pretrained(folder)
            config = (pathlib.Path(folder) / "config.json").read_bytes()
            weights = (pathlib.Path(folder) / "model.safetensors").read_bytes()
        (out / name).write_bytes(struct.pack("<I", len(config)) + config + weights)


main()
