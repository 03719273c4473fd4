#!/usr/bin/env python3
"""Writes where each optimizer brings four parameters in six steps: tests/golden/train/optimizers.json.

usage: make_optimizer_goldens.py OUT_FILE
needs: torch and numpy from PyPI.

AdamW is PyTorch's, in double precision. Lion (Chen et al., 2023) and Muon (Jordan et al., 2024; step size of Liu et al.,
2025) are written from the papers, in double precision too. The 8-bit one follows Dettmers et al. (2022) in single
precision. Values and gradients are sines of the element's number, so that the test can make them, too.
"""
import json
import pathlib
import sys

import numpy as np
import torch

SHAPES = {"blk.0.ffn_up": (24, 40), "blk.1.ffn_down": (40, 16), "token_embd.weight": (5, 8), "blk.0.norm": (7,)}
RATE, BETAS, EPSILON, DECAY, MOMENTUM, STEPS = 0.01, (0.9, 0.95), 1e-8, 0.1, 0.95, 6


def values(p, shape):
    return np.sin(0.7 * np.arange(np.prod(shape)) + p).reshape(shape)


def gradients(p, shape, step):
    i = np.arange(np.prod(shape))
    return (np.sin(0.37 * i + 1.3 * step + p) * (0.01 + 0.05 * (i % 11))).reshape(shape)


def kept(shape):
    return 1 - RATE * DECAY if len(shape) > 1 else 1.0


def adamw():
    tensors = [torch.tensor(values(p, s), dtype=torch.float64, requires_grad=True) for p, s in enumerate(SHAPES.values())]
    groups = [{"params": [t for t in tensors if t.dim() > 1], "weight_decay": DECAY},
              {"params": [t for t in tensors if t.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=EPSILON)
    for step in range(STEPS):
        for p, tensor in enumerate(tensors):
            tensor.grad = torch.tensor(gradients(p, tuple(tensor.shape), step))
        optimizer.step()
    return [t.detach().numpy() for t in tensors]


def lion():
    results = []
    for p, shape in enumerate(SHAPES.values()):
        w, m = values(p, shape), np.zeros(shape)
        for step in range(STEPS):
            g = gradients(p, shape, step)
            w = kept(shape) * w - RATE * np.sign(BETAS[0] * m + (1 - BETAS[0]) * g)
            m = BETAS[1] * m + (1 - BETAS[1]) * g
        results.append(w)
    return results


def newton_schulz(x):
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


def muon():
    results = adamw()
    for p, (name, shape) in enumerate(SHAPES.items()):
        if not name.startswith("blk.") or len(shape) == 1:
            continue
        w, m = values(p, shape), np.zeros(shape)
        for step in range(STEPS):
            g = gradients(p, shape, step)
            m = MOMENTUM * m + g
            u = g + MOMENTUM * m
            o = newton_schulz(u.T).T if shape[0] > shape[1] else newton_schulz(u)
            w = kept(shape) * w - RATE * 0.2 * np.sqrt(max(shape)) * o
        results[p] = w
    return results


def dynamic_map(signed):
    numbers = [0.0, 1.0]
    for decade in range(7):
        edges = np.linspace(0.1, 1, 2 ** (decade + (0 if signed else 1)) + 1)
        middles = (edges[1:] + edges[:-1]) / 2 * 10.0 ** (decade - 6)
        numbers += list(middles) + (list(-middles) if signed else [])
    assert len(numbers) == 256
    return np.sort(np.array(numbers, dtype=np.float32))


def rounded(numbers, table, is_square):
    """The numbers as codes and scales keep them."""
    flat = numbers.reshape(-1).copy()
    for begin in range(0, len(flat), 256):
        block = flat[begin:begin + 256]
        scale = np.abs(block).max()
        if scale == 0:
            continue
        codes = np.abs(table[None, :] - (block * (np.float32(1) / scale))[:, None]).argmin(1)
        if is_square:
            codes[(codes == 0) & (block > 0)] = 1
        flat[begin:begin + 256] = table[codes] * scale
    return flat.reshape(numbers.shape)


def adamw_8bit():
    f = np.float32
    b1, b2 = f(BETAS[0]), f(BETAS[1])
    results = []
    for p, shape in enumerate(SHAPES.values()):
        w, m, v = values(p, shape).astype(f), np.zeros(shape, f), np.zeros(shape, f)
        for step in range(STEPS):
            g = gradients(p, shape, step).astype(f)
            m = b1 * m + (f(1) - b1) * g
            v = b2 * v + (f(1) - b2) * g * g
            size = f(RATE / (1 - BETAS[0] ** (step + 1)))
            correction = f(1 / np.sqrt(1 - BETAS[1] ** (step + 1)))
            w = f(kept(shape)) * w - size * m / (np.sqrt(v) * correction + f(EPSILON))
            m, v = rounded(m, dynamic_map(True), False), rounded(v, dynamic_map(False), True)
        results.append(w)
    return results


def main(path):
    golden = {"rate": RATE, "decay": DECAY, "steps": STEPS, "parameters": {n: list(s) for n, s in SHAPES.items()}}
    for name, make in (("adamw", adamw), ("lion", lion), ("muon", muon), ("adamw-8bit", adamw_8bit)):
        golden[name] = [[float(f"{x:.8g}") for x in w.reshape(-1).tolist()] for w in make()]
    pathlib.Path(path).write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
