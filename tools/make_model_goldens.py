#!/usr/bin/env python3
"""Writes tiny random models as GGUF files, each with the logits that transformers computes from the same weights.

usage: make_model_goldens.py OUT_FOLDER [NAME...]
needs: torch, transformers, numpy and gguf from PyPI.

NAME.gguf holds F32 tensors under GGUF's names; NAME.logits holds int32 T, int32 V, T token ids and T x V F32 logits.
Each model switches on what its name says. Weights are large enough that attention is far from uniform, so a wrong
angle, window or norm shows; the numbers prove that the computation is the same and nothing else.
"""
import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers as tf

VOCAB = 80
TOKENS = [(i * i * 7 + i * 13 + 3) % VOCAB for i in range(40)]
SHORT_TOKENS = TOKENS[:14]


def sizes(**more):
    config = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                  num_key_value_heads=2, max_position_embeddings=128, head_dim=16, tie_word_embeddings=False,
                  bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager",
                  experts_implementation="eager")
    config.update(more)
    return config


def rope(kind, **more):
    return {"rope_type": kind, "rope_theta": 10000.0} | more


LLAMA3 = rope("llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = rope("yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=64, beta_fast=4.0, beta_slow=0.25)
SHORT_LIST = [1.0, 1.1, 1.2, 1.3, 1.5, 1.7]
LONG_LIST = [1.5, 2.5, 4.0, 7.0, 9.0, 16.0]


def longrope(original):
    return dict(rope_parameters=rope("longrope", short_factor=SHORT_LIST, long_factor=LONG_LIST,
                                     original_max_position_embeddings=original, partial_rotary_factor=0.75),
                original_max_position_embeddings=original)


def llama(**more):
    return tf.LlamaForCausalLM(tf.LlamaConfig(**sizes(**more)))


def mistral(**more):
    return tf.MistralForCausalLM(tf.MistralConfig(**sizes(**more)))


def qwen2(**more):
    return tf.Qwen2ForCausalLM(tf.Qwen2Config(**sizes(**more)))


def qwen3(**more):
    return tf.Qwen3ForCausalLM(tf.Qwen3Config(**sizes(**more)))


def qwen2moe(**more):
    config = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, shared_expert_intermediate_size=20)
    return tf.Qwen2MoeForCausalLM(tf.Qwen2MoeConfig(**sizes(**config | more)))


def qwen3moe(**more):
    config = dict(num_experts=5, num_experts_per_tok=2, moe_intermediate_size=24)
    return tf.Qwen3MoeForCausalLM(tf.Qwen3MoeConfig(**sizes(**config | more)))


def gemma3(**more):
    return tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(**sizes(tie_word_embeddings=True, **more)))


def phi3(**more):
    config = sizes(**more)
    del config["head_dim"]
    return tf.Phi3ForCausalLM(tf.Phi3Config(**config))


def ministral3():
    parameters = dict(YARN, llama_4_scaling_beta=0.3, mscale=1.0, mscale_all_dim=1.0,
                      original_max_position_embeddings=16)
    return tf.Ministral3ForCausalLM(tf.Ministral3Config(**sizes(rope_parameters=parameters, sliding_window=None)))


# name: (GGUF architecture, model, tokens)
MODELS = {
    "llama": ("llama", llama),
    "llama-bias-tied": ("llama", lambda: llama(attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
                                               head_dim=32, num_attention_heads=2, num_key_value_heads=1)),
    "llama-linear": ("llama", lambda: llama(rope_parameters=rope("linear", factor=3.0))),
    "llama-dynamic": ("llama", lambda: llama(rope_parameters=rope("dynamic", factor=2.0),
                                             max_position_embeddings=16)),
    "llama-llama3": ("llama", lambda: llama(rope_parameters=LLAMA3)),
    "llama-yarn": ("llama", lambda: llama(rope_parameters=YARN)),
    "llama-yarn-factor": ("llama", lambda: llama(rope_parameters=dict(YARN, attention_factor=0.8))),
    "mistral-window": ("llama", lambda: mistral(sliding_window=7)),
    "ministral3": ("mistral3", ministral3),
    "mixtral": ("llama", lambda: tf.MixtralForCausalLM(tf.MixtralConfig(**sizes(
        num_local_experts=4, num_experts_per_tok=2, intermediate_size=24, sliding_window=None)))),
    "qwen2": ("qwen2", lambda: qwen2(tie_word_embeddings=True, num_attention_heads=2, num_key_value_heads=1)),
    "qwen2-window": ("qwen2", lambda: qwen2(use_sliding_window=True, sliding_window=6, max_window_layers=1,
                                            rope_parameters=YARN)),
    "qwen2moe": ("qwen2moe", lambda: qwen2moe(norm_topk_prob=False)),
    "qwen3": ("qwen3", lambda: qwen3(tie_word_embeddings=True)),
    "qwen3-bias-32": ("qwen3", lambda: qwen3(attention_bias=True, head_dim=32, num_attention_heads=2,
                                             num_key_value_heads=1, rope_parameters=YARN)),
    "qwen3moe": ("qwen3moe", lambda: qwen3moe(norm_topk_prob=True, decoder_sparse_step=2)),
    "qwen3moe-unnormed": ("qwen3moe", lambda: qwen3moe(norm_topk_prob=False, mlp_only_layers=[1])),
    "gemma": ("gemma", lambda: tf.GemmaForCausalLM(tf.GemmaConfig(**sizes(
        tie_word_embeddings=True, num_key_value_heads=1)))),
    "gemma2": ("gemma2", lambda: tf.Gemma2ForCausalLM(tf.Gemma2Config(**sizes(
        tie_word_embeddings=True, query_pre_attn_scalar=24, sliding_window=7, attn_logit_softcapping=5.0,
        final_logit_softcapping=4.0, num_hidden_layers=3)))),
    "gemma3": ("gemma3", lambda: gemma3(
        query_pre_attn_scalar=16, sliding_window=7, num_hidden_layers=7, intermediate_size=16, num_attention_heads=2,
        num_key_value_heads=1)),
    "gemma3-types": ("gemma3", lambda: gemma3(
        query_pre_attn_scalar=20, sliding_window=5, num_hidden_layers=3, final_logit_softcapping=6.0,
        layer_types=["full_attention", "sliding_attention", "full_attention"],
        rope_parameters={"full_attention": rope("linear", rope_theta=1000.0, factor=4.0),
                         "sliding_attention": rope("default", rope_theta=50.0)})),
    "phi3-window": ("phi3", lambda: phi3(sliding_window=9, num_key_value_heads=4, hidden_size=64)),
    "phi3-longrope": ("phi3", lambda: phi3(hidden_size=64, tie_word_embeddings=True, **longrope(16))),
    "phi3-longrope-short": ("phi3", lambda: phi3(hidden_size=64, tie_word_embeddings=True, **longrope(16)),
                            SHORT_TOKENS),
    "gpt2": ("gpt2", lambda: tf.GPT2LMHeadModel(tf.GPT2Config(
        vocab_size=VOCAB, n_positions=64, n_embd=32, n_layer=2, n_head=4, attn_implementation="eager"))),
}


def randomize(model, generator):
    """Weights that make every part of the computation visible in the logits."""
    for name, tensor in model.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() == 1 and "norm" in name or "ln_" in name and name.endswith("weight"):
            centre = 0.0 if "gemma" in model.config.model_type else 1.0
            tensor.data = centre + 0.25 * noise
        elif tensor.dim() == 1:
            tensor.data = 0.3 * noise
        elif "embed" in name or "wte" in name:
            tensor.data = noise / (tensor.shape[1] ** 0.5 if "gemma" in model.config.model_type else 1.0)
        else:
            gain = 1.8 if any(part in name for part in ("q_proj", "k_proj", "qkv_proj", "c_attn")) else 1.0
            inputs = tensor.shape[0] if "gpt2" == model.config.model_type else tensor.shape[-1]
            tensor.data = gain * noise * inputs**-0.5
    model.tie_weights()


# Hugging Face's names within a layer, and GGUF's.
LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.gate_up_proj": "ffn_up",
    "mlp.gate": "ffn_gate_inp", "block_sparse_moe.gate": "ffn_gate_inp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
}
GEMMA_NAMES = LAYER_NAMES | {
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
OTHER_NAMES = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "wte": "token_embd",
               "wpe": "position_embd", "ln_f": "output_norm"}


def interleaved(rows, n_heads):
    """From halves (x0 .. x7) to neighbours (x0 x4 x1 x5 ...) within each head."""
    shape = rows.shape
    return rows.reshape(n_heads, 2, shape[0] // n_heads // 2, -1).swapaxes(1, 2).reshape(shape)


def gguf_tensors(architecture, model):
    config = model.config
    names = GEMMA_NAMES if architecture in ("gemma2", "gemma3") else LAYER_NAMES
    for full_name, tensor in model.state_dict().items():
        values = tensor.float().numpy()
        name = full_name.removeprefix("model.").removeprefix("transformer.")
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if not name.startswith(("layers.", "h.")):
            stem, _, suffix = name.rpartition(".")
            yield OTHER_NAMES[stem] + "." + suffix, values + (1 if "gemma" in architecture and "norm" in stem else 0)
            continue
        _, layer, rest = name.split(".", 2)
        if ".experts." in rest:
            kind = rest.rsplit(".", 1)[-1]
            if kind == "down_proj":
                yield f"blk.{layer}.ffn_down_exps.weight", values
            else:
                gate, up = np.split(values, 2, axis=1)
                yield f"blk.{layer}.ffn_gate_exps.weight", gate
                yield f"blk.{layer}.ffn_up_exps.weight", up
            continue
        stem, _, suffix = rest.rpartition(".")
        if architecture == "gpt2" and values.ndim == 2:
            values = values.T
        if "gemma" in architecture and "norm" in stem:
            values = values + 1
        if architecture in ("llama", "mistral3") and stem in ("self_attn.q_proj", "self_attn.k_proj"):
            values = interleaved(values, config.num_attention_heads if "q_" in stem else config.num_key_value_heads)
        if stem == "mlp.shared_expert_gate":
            values = values.reshape(-1)
        yield f"blk.{layer}.{names[stem]}.{suffix}", values


def write_rope(writer, architecture, model):
    config = model.config
    parameters = config.rope_parameters
    if "full_attention" in parameters:
        writer.add_float32(f"{architecture}.rope.freq_base_swa", parameters["sliding_attention"]["rope_theta"])
        parameters = parameters["full_attention"]
    writer.add_rope_freq_base(parameters["rope_theta"])
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    n_rotated = int(head_dim * parameters.get("partial_rotary_factor", 1.0))
    writer.add_rope_dimension_count(n_rotated)
    kind = parameters["rope_type"]
    if kind in ("linear", "yarn", "dynamic"):
        writer.add_string(f"{architecture}.rope.scaling.type", kind)
        writer.add_rope_scaling_factor(parameters["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
        writer.add_rope_scaling_yarn_beta_fast(parameters["beta_fast"])
        writer.add_rope_scaling_yarn_beta_slow(parameters["beta_slow"])
        if "attention_factor" in parameters:
            writer.add_rope_scaling_yarn_attn_factor(parameters["attention_factor"])
        if "mscale_all_dim" in parameters:
            writer.add_rope_scaling_yarn_log_mul(parameters["mscale_all_dim"])
    if kind == "llama3":
        plain = parameters["rope_theta"] ** -(torch.arange(0, n_rotated, 2).double() / n_rotated)
        writer.add_tensor("rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq).float().numpy())
    if kind == "longrope":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
        writer.add_rope_scaling_attn_factors(model.model.rotary_emb.attention_scaling)
        writer.add_tensor("rope_factors_short.weight", np.array(parameters["short_factor"], np.float32))
        writer.add_tensor("rope_factors_long.weight", np.array(parameters["long_factor"], np.float32))
    if "llama_4_scaling_beta" in parameters:
        writer.add_float32(f"{architecture}.attention.temperature_scale", parameters["llama_4_scaling_beta"])


def write_windows(writer, config):
    window = getattr(config, "sliding_window", None)
    types = getattr(config, "layer_types", None) or []
    if not window or "sliding_attention" not in types and config.model_type not in ("mistral", "mixtral", "phi3"):
        return
    writer.add_sliding_window(window)
    slides = [kind == "sliding_attention" for kind in types]
    usual = {"gemma2": 2, "gemma3_text": 6}.get(config.model_type, 0)
    if types and slides != [usual == 0 or i % usual < usual - 1 for i in range(len(types))]:
        writer.add_array(f"{writer.arch}.attention.sliding_window_pattern", slides)


def write_metadata(writer, architecture, model):
    config = model.config
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    if architecture == "gpt2":
        writer.add_feed_forward_length(4 * config.hidden_size)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture != "phi3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    write_rope(writer, architecture, model)
    write_windows(writer, config)
    if hasattr(config, "num_experts_per_tok"):
        writer.add_expert_count(getattr(config, "num_experts", None) or config.num_local_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
    if architecture.endswith("moe"):
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        writer.add_bool(f"{architecture}.expert_weights_norm", config.norm_topk_prob)
    if architecture == "qwen2moe":
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
    if getattr(config, "attn_logit_softcapping", None):
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
    if getattr(config, "final_logit_softcapping", None):
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if getattr(config, "query_pre_attn_scalar", config.head_dim if hasattr(config, "head_dim") else 0) != getattr(
            config, "head_dim", 0):
        writer.add_attention_scale(config.query_pre_attn_scalar**-0.5)


def write_vocabulary(writer):
    """A SentencePiece vocabulary of single characters, so that the files work with whole programs too."""
    pieces = ["<unk>", "<s>", "</s>", "\u2581", *(chr(code) for code in range(ord("0"), ord("0") + VOCAB - 4))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(i) for i in range(VOCAB)])
    writer.add_token_types([2, 3, 3] + [1] * (VOCAB - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for index, (name, (architecture, make, *rest)) in enumerate(MODELS.items()):
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        tokens = rest[0] if rest else TOKENS
        model = make().eval()
        randomize(model, torch.Generator().manual_seed(1000 + index))
        writer = gguf.GGUFWriter(str(out / f"{name}.gguf"), architecture)
        write_metadata(writer, architecture, model)
        write_vocabulary(writer)
        for tensor_name, values in gguf_tensors(architecture, model):
            writer.add_tensor(tensor_name, np.ascontiguousarray(values, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with torch.no_grad():
            logits = model.double()(torch.tensor([tokens]), use_cache=False).logits[0].float().numpy()
        with open(out / f"{name}.logits", "wb") as file:
            np.array([len(tokens), VOCAB, *tokens], np.int32).tofile(file)
            logits.astype(np.float32).tofile(file)
        size = (out / f"{name}.gguf").stat().st_size
        print(f"{name}: {size} bytes, logits within {logits.min():.2f} .. {logits.max():.2f}, std {logits.std():.2f}")


if __name__ == "__main__":
    main()
