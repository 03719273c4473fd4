#!/usr/bin/env python3
"""Several processes that learn together (mpirun) come where one comes with the same batch, to 1e-6.

usage: ranks_program_test.py ONDOL
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
ONDOL = sys.argv[1]
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
               "OMPI_MCA_plm": "isolated", "LSAN_OPTIONS": "detect_leaks=0"}


def run(n, *words):
    start = ["mpirun", "-n", str(n), "--oversubscribe"] if n > 1 else []
    done = subprocess.run([*start, ONDOL, *map(str, words)], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr


def train(n, folder, what):
    log = folder / f"{n}.log"
    code, errors = run(n, "train", *what, "--train-on", "all", "--batch", 4, "--steps", 6, "--save-every", 3,
                       "--valid", 0.2, "-t", 1, "--precision", "fp32", "--log", log)
    assert code == 0, errors
    assert errors.count("parameters learn") == 1, "more than one process speaks:\n" + errors
    return [json.loads(line) for line in log.read_text().splitlines()]


def same(a, b):
    return abs(a - b) <= 1e-6 * max(1.0, abs(a), abs(b))


def numbers_of(folder):
    """All numbers of a safetensors file in F32."""
    data = (folder / "adapter_model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = entry["data_offsets"]
        found[name] = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
    return found


def compare_logs(one, others):
    assert len(one) == len(others) == 6
    for a, b in zip(one, others):
        for key in ("loss", "grad_norm", "tokens", "targets", "lr"):
            assert same(a[key], b[key]), f"step {a['step']}: {key}: {a[key]} and {b[key]}"
    assert any("validation_loss" in line for line in one)
    for a, b in zip(one, others):
        assert same(a.get("validation_loss", 0), b.get("validation_loss", 0))


def main():
    if shutil.which("mpirun") is None:
        print("mpirun is not installed: apt install openmpi-bin")
        return SKIPPED
    tried = subprocess.run(["mpirun", "-n", "2", "--oversubscribe", "true"], env=ENVIRONMENT, capture_output=True, text=True)
    if tried.returncode != 0:
        print("mpirun starts no processes here: " + tried.stderr)
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        examples = folder / "examples.jsonl"
        examples.write_text("".join(json.dumps({"text": f"The {i}th wombat digs {i * i} holes in the ground."}) + "\n"
                                    for i in range(60)))
        # In F32, so that no product rounds what it is given: how depends on how many rows come together.
        new = ["--new", "llama", "--layers", 2, "--width", 32, "--heads", 2, "--context", 64, "--type", "F32", examples]
        compare_logs(*[train(n, folder, [*new, "-o", folder / f"new{n}.gguf"]) for n in (1, 2)])
        print("new models agree")

        model = folder / "new1.gguf"
        adapters = {}
        logs = {}
        for n in (1, 2, 3):
            logs[n] = train(n, folder, [model, examples, "-o", folder / f"adapter{n}", "--seq", 64])
            adapters[n] = numbers_of(folder / f"adapter{n}")
        for n in (2, 3):
            compare_logs(logs[1], logs[n])
            for tensor, numbers in adapters[1].items():
                assert all(same(a, b) for a, b in zip(numbers, adapters[n][tensor])), f"{n} processes: {tensor}"
        print("adapters agree")

        code, errors = run(2, "train", model, examples, "-o", folder / "few.gguf", "--batch", 1, "--steps", 1)
        assert code != 0 and "at least one sequence" in errors, errors
        code, errors = run(2, "train", model, folder / "nothing.jsonl", "-o", folder / "few.gguf", "--batch", 2)
        assert code != 0 and "nothing.jsonl" in errors, errors
        print("errors end all processes")
    return 0


sys.exit(main())
