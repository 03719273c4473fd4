#!/usr/bin/env python3
"""Writes tiny random models as Hugging Face folders, with the logits that transformers computes from them.

usage: make_model_goldens_hf.py OUT_FOLDER [NAME...]
needs: torch, transformers and safetensors from PyPI.

Every folder holds config.json, model.safetensors and expected.json: {"tokens", "logits" (a row per position)} for
models that predict, {"tokens", "hidden" (a row per position)} for encoders, {"tokens", "token_types", "logits" (the
score)} for cross-encoders. Weights are random, so the numbers prove that the computation is the same and nothing else.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers as tf
from safetensors.torch import save_file

VOCAB = 96
TOKENS = [1, 17, 42, 5, 63, 90, 8, 33, 21, 77, 12, 50]


def base(**more):
    config = dict(
        vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    config.update(more)
    return config


# The type of the stored weights; BF16 where nothing else is said.
TYPES = {"llama": torch.float32, "qwen2": torch.float16, "gemma2": torch.float32, "gpt2": torch.float32,
         "bert": torch.float32, "phi3": torch.float16, "bert-scorer": torch.float32}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32}
DEEPSEEK_YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "beta_fast": 32, "beta_slow": 1,
                 "mscale": 0.707, "mscale_all_dim": 0.9, "original_max_position_embeddings": 16}
DEEPSEEK = dict(kv_lora_rank=32, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=12, num_key_value_heads=4,
                moe_intermediate_size=16, n_routed_experts=8, num_experts_per_tok=3, n_shared_experts=2,
                num_hidden_layers=2, first_k_dense_replace=1)
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0, 1.1, 1.2, 1.3],
            "long_factor": [1.5, 2.5, 4.0, 7.0], "original_max_position_embeddings": 8}


def models():
    lm = {
        "llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**base(tie_word_embeddings=False))),
        "llama3-rope": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**base(
            tie_word_embeddings=True, rope_parameters=dict(LLAMA3), head_dim=16))),
        "llama-linear-bias": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**base(
            attention_bias=True, mlp_bias=True,
            rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}))),
        "mistral": lambda: tf.MistralForCausalLM(tf.MistralConfig(**base(sliding_window=5, head_dim=8))),
        "mixtral": lambda: tf.MixtralForCausalLM(tf.MixtralConfig(**base(
            num_local_experts=4, num_experts_per_tok=2, sliding_window=None))),
        "qwen2": lambda: tf.Qwen2ForCausalLM(tf.Qwen2Config(**base(tie_word_embeddings=True))),
        "qwen2-yarn": lambda: tf.Qwen2ForCausalLM(tf.Qwen2Config(**base(
            tie_word_embeddings=False, rope_parameters=dict(YARN)))),
        "qwen3": lambda: tf.Qwen3ForCausalLM(tf.Qwen3Config(**base(head_dim=16, tie_word_embeddings=True))),
        "qwen3moe": lambda: tf.Qwen3MoeForCausalLM(tf.Qwen3MoeConfig(**base(
            head_dim=8, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24, norm_topk_prob=True,
            decoder_sparse_step=1, mlp_only_layers=[]))),
        "gemma2": lambda: tf.Gemma2ForCausalLM(tf.Gemma2Config(**base(
            head_dim=16, query_pre_attn_scalar=24, sliding_window=5, attn_logit_softcapping=20.0,
            final_logit_softcapping=10.0, num_hidden_layers=3))),
        "gemma3": lambda: tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(**base(
            head_dim=8, query_pre_attn_scalar=12, sliding_window=5, num_hidden_layers=7, intermediate_size=32))),
        "phi3": lambda: tf.Phi3ForCausalLM(tf.Phi3Config(**base(sliding_window=None, num_key_value_heads=4))),
        "phi3-longrope": lambda: tf.Phi3ForCausalLM(tf.Phi3Config(**base(
            sliding_window=None, rope_parameters=dict(LONGROPE), original_max_position_embeddings=64,
            max_position_embeddings=256))),
        "gpt2": lambda: tf.GPT2LMHeadModel(tf.GPT2Config(
            vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)),
        "gpt-oss": lambda: tf.GptOssForCausalLM(tf.GptOssConfig(**base(
            head_dim=16, num_local_experts=4, num_experts_per_tok=2, intermediate_size=32, sliding_window=5,
            num_hidden_layers=3))),
        "gpt-oss-mxfp4": lambda: tf.GptOssForCausalLM(tf.GptOssConfig(**base(
            head_dim=16, hidden_size=64, num_local_experts=4, num_experts_per_tok=2, intermediate_size=32,
            sliding_window=5))),
        "deepseek-v2": lambda: tf.DeepseekV2ForCausalLM(tf.DeepseekV2Config(**base(**DEEPSEEK | dict(
            q_lora_rank=None, topk_method="greedy", routed_scaling_factor=1.5)))),
        "deepseek-v2-groups": lambda: tf.DeepseekV2ForCausalLM(tf.DeepseekV2Config(**base(**DEEPSEEK | dict(
            q_lora_rank=24, topk_method="group_limited_greedy", n_group=4, topk_group=2,
            rope_parameters=dict(DEEPSEEK_YARN), routed_scaling_factor=2.0)))),
        "deepseek-v3": lambda: tf.DeepseekV3ForCausalLM(tf.DeepseekV3Config(**base(**DEEPSEEK | dict(
            q_lora_rank=24, n_group=4, topk_group=2, routed_scaling_factor=2.5, norm_topk_prob=True,
            rope_parameters=dict(DEEPSEEK_YARN), num_nextn_predict_layers=0)))),
    }
    bert = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=64, pad_token_id=0)
    encoders = {
        "bert": lambda: tf.BertModel(tf.BertConfig(**bert)),
        "roberta": lambda: tf.RobertaModel(tf.RobertaConfig(**bert | dict(pad_token_id=1, type_vocab_size=1))),
        "distilbert": lambda: tf.DistilBertModel(tf.DistilBertConfig(
            vocab_size=VOCAB, dim=32, hidden_dim=48, n_layers=2, n_heads=4, max_position_embeddings=64)),
    }
    if hasattr(tf, "NomicBertModel"):
        encoders["nomic-bert"] = lambda: tf.NomicBertModel(tf.NomicBertConfig(**bert))
    scorers = {
        "bert-scorer": lambda: tf.BertForSequenceClassification(tf.BertConfig(**bert, num_labels=1)),
        "roberta-scorer": lambda: tf.RobertaForSequenceClassification(tf.RobertaConfig(
            **bert | dict(pad_token_id=1, type_vocab_size=1), num_labels=1)),
    }
    return lm, encoders, scorers


def randomise(model):
    """Larger weights than a fresh model's, norms and biases that are not one and zero: mistakes must show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight") or "LayerNorm.weight" in name or "layer_norm" in name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
            elif parameter.ndim == 1:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
            else:
                parameter.copy_(torch.randn_like(parameter) * 0.15)
        for name, buffer in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                buffer.copy_(torch.randn_like(buffer) * 0.2)


def rounded(rows):
    return [[float(f"{value:.6g}") for value in row] for row in rows.tolist()]


def mxfp4(n_experts, n_rows, n_columns):
    """Random experts in OpenAI's MXFP4: blocks, scales, and the numbers they stand for, [experts, columns, rows]."""
    values = torch.tensor([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6])
    codes = torch.randint(0, 16, (n_experts, n_rows, n_columns // 32, 32))
    scales = torch.randint(122, 125, (n_experts, n_rows, n_columns // 32))
    numbers = values[codes] * torch.exp2(scales.float() - 127)[..., None]
    blocks = (codes[..., 0::2] | (codes[..., 1::2] << 4)).to(torch.uint8)
    return blocks, scales.to(torch.uint8), numbers.flatten(2).transpose(1, 2).contiguous()


def pack_experts(model):
    """Replaces the experts of gpt-oss by such ones; returns the tensors to store instead of the model's."""
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
                continue
            n_experts, n_columns, n_rows = parameter.shape
            state[name + "_blocks"], state[name + "_scales"], numbers = mxfp4(n_experts, n_rows, n_columns)
            parameter.copy_(numbers)
            del state[name]
    return state


# As a question and a text lie behind each other; RoBERTa has one type only.
TYPES_OF_PAIR = {"bert-scorer": [0] * 5 + [1] * 6, "roberta-scorer": [0] * 11}


def write(folder, make, encoder, dtype):
    torch.manual_seed(7)
    model = make().eval()
    randomise(model)
    model = model.to(dtype)
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    if folder.name == "gpt-oss-mxfp4":
        save_file(pack_experts(model), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "generation_config.json").unlink(missing_ok=True)
    # Not model.float(): frequencies of rotary embedding are no parameters, and have been rounded to the type.
    rounded_state = model.state_dict()
    model = make().eval()
    model.load_state_dict({name: tensor.float() for name, tensor in rounded_state.items()})
    model.set_attn_implementation("eager")
    with torch.no_grad():
        # roberta's pad is among the tokens of other models
        tokens = [token for token in TOKENS if not encoder or token != 1]
        types = TYPES_OF_PAIR.get(folder.name)
        result = model(torch.tensor([tokens]), **dict(token_type_ids=torch.tensor([types])) if types else {})
    if types:
        return (folder / "expected.json").write_text(
            json.dumps({"tokens": tokens, "token_types": types, "logits": rounded(result.logits)}))
    key = "hidden" if encoder else "logits"
    rows = rounded(result.last_hidden_state[0] if encoder else result.logits[0])
    (folder / "expected.json").write_text(json.dumps({"tokens": tokens, key: rows}))


def main():
    out, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    lm, encoders, scorers = models()
    for name, make in (lm | encoders | scorers).items():
        if names and name not in names:
            continue
        write(out / name, make, name not in lm, TYPES.get(name, torch.bfloat16))
        size = sum(path.stat().st_size for path in (out / name).iterdir())
        print(f"{name}: {size / 1024:.0f} KiB")


main()
