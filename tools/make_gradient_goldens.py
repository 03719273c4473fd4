#!/usr/bin/env python3
"""Writes what PyTorch finds when it trains the tiny models of make_model_goldens.py: losses and all gradients.

usage: make_gradient_goldens.py OUT_FOLDER [NAME...]
needs: torch, transformers, numpy and gguf from PyPI.

NAME.gguf holds, under the names of the model's tensors, the gradients of the mean loss of predicting each token from
those before it, in double precision, and in its metadata the losses before each of eleven steps of AdamW.
"""
import pathlib
import sys

import gguf
import numpy as np
import torch

from make_model_goldens import MODELS, TOKENS, gguf_tensors, randomize

NAMES = ["llama", "llama-bias-tied", "mistral-window", "qwen2", "qwen3", "gemma2", "gemma3-types", "gpt2", "phi3-window",
         "mixtral", "qwen3moe", "qwen2moe", "gemma", "ministral3"]
RATE, BETAS, EPSILON, DECAY = 1e-3, (0.9, 0.95), 1e-8, 0.1


def loss_of(model, tokens):
    logits = model(tokens, use_cache=False).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, tokens[0, 1:])


def gradients(architecture, model):
    """The gradients in the shapes and order of rows that GGUF has."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.grad)
    for name, values in gguf_tensors(architecture, model):
        # Gemma's files hold norms plus one, which gradients do not see.
        yield name, values - (1 if "gemma" in architecture and "norm" in name else 0)


def losses_of_training(model, tokens):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}],
                                  lr=RATE, betas=BETAS, eps=EPSILON)
    losses = []
    for _ in range(11):
        optimizer.zero_grad()
        loss = loss_of(model, tokens)
        losses.append(loss.item())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return losses


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NAMES:
        index = list(MODELS).index(name)
        architecture, make, *_ = MODELS[name]
        tokens = torch.tensor([TOKENS])
        model = make().eval()
        randomize(model, torch.Generator().manual_seed(1000 + index))
        model.double()
        start = {key: value.clone() for key, value in model.state_dict().items()}
        losses = losses_of_training(model, tokens)
        model.load_state_dict(start)
        model.zero_grad()
        loss_of(model, tokens).backward()
        writer = gguf.GGUFWriter(str(out / f"{name}.gguf"), "gradients")
        writer.add_array("gradients.losses", losses)
        for tensor_name, values in gradients(architecture, model):
            writer.add_tensor(tensor_name, np.ascontiguousarray(values, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        print(name, *(f"{loss:.6f}" for loss in losses))


if __name__ == "__main__":
    main()
