#!/usr/bin/env python3
"""Loads an adapter folder that ondol wrote with the peft package, and compares logits.

usage: check_peft_export.py ONDOL MODEL_FOLDER ADAPTER_FOLDER
needs: torch, transformers and peft from PyPI. MODEL_FOLDER is best in F32 (ondol convert --type F32).
"""
import json
import subprocess
import sys

import peft
import torch
import transformers

TOKENS = [1, 17, 42, 5, 63, 90, 8, 33, 21, 77, 12, 50]


def main(ondol, folder, adapter):
    base = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        plain = base(torch.tensor([TOKENS])).logits[0, -1]
        model = peft.PeftModel.from_pretrained(base, adapter).eval()
        expected = model(torch.tensor([TOKENS])).logits[0, -1]
    tokens = ",".join(map(str, TOKENS))
    out = subprocess.run([ondol, "logits", folder, "--tokens", tokens, "--json", "--adapter", adapter], check=True,
                         capture_output=True, text=True).stdout
    got = torch.tensor(json.loads(out))
    print(f"largest difference {(got - expected).abs().max():.2e}; the adapter's own effect "
          f"{(plain - expected).abs().max():.2e}")
    assert (got - expected).abs().max() < 1e-3 < (plain - expected).abs().max()


if __name__ == "__main__":
    main(*sys.argv[1:])
