#!/usr/bin/env python3
"""Writes what PyTorch makes of the formulas of DPO, ORPO and KTO: tests/golden/train/preferences.json.

usage: make_preference_goldens.py OUT_FILE
needs: torch from PyPI.

Each case has its inputs, the loss and the loss's gradients by the learner's log-probabilities, in double precision. The
formulas are those of the papers (Rafailov et al., 2023; Hong et al., 2024; Ethayarajh et al., 2024).
"""
import json
import pathlib
import random
import sys

import torch
import torch.nn.functional as F


def dpo(c, r, ref_c, ref_r, beta):
    return -F.logsigmoid(beta * ((c - ref_c) - (r - ref_r)))


def orpo(c, r, n_c, n_r, weight):
    c, r = c / n_c, r / n_r
    odds = (c - torch.log(1 - torch.exp(c))) - (r - torch.log(1 - torch.exp(r)))
    return -c - weight * F.logsigmoid(odds)


def kto(p, ref, drift, beta, good):
    reward = p - ref
    return 1 - torch.sigmoid(beta * (reward - drift)) if good else 1 - torch.sigmoid(beta * (drift - reward))


def main(path):
    draw = random.Random(1)
    cases = []
    for scale in (1.0, 30.0, 400.0):
        for _ in range(4):
            a, b, ref_a, ref_b = (-scale * draw.uniform(0.05, 1) for _ in range(4))
            beta, n_a, n_b = draw.choice([0.01, 0.1, 0.5]), draw.randint(3, 60), draw.randint(3, 60)
            for name, f in (("dpo", lambda c, r: dpo(c, r, ref_a, ref_b, beta)),
                            ("orpo", lambda c, r: orpo(c, r, n_a, n_b, beta))):
                c, r = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (a, b))
                loss = f(c, r)
                loss.backward()
                cases.append({"kind": name, "chosen": a, "rejected": b, "reference_chosen": ref_a,
                              "reference_rejected": ref_b, "beta": beta, "n_chosen": n_a, "n_rejected": n_b,
                              "loss": loss.item(), "slopes": [c.grad.item(), r.grad.item()]})
            for good in (True, False):
                p = torch.tensor(a, dtype=torch.float64, requires_grad=True)
                drift = abs(ref_b) / 10
                loss = kto(p, ref_a, drift, beta, good)
                loss.backward()
                cases.append({"kind": "kto", "chosen": a, "reference_chosen": ref_a, "drift": drift, "beta": beta,
                              "good": good, "loss": loss.item(), "slopes": [p.grad.item()]})
    pathlib.Path(path).write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
