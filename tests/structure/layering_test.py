#!/usr/bin/env python3
"""Holds the includes of src/ to the arrows of the architecture: a file may include its own folder and those that its
folder may see. `--self-test` plants a violation and checks that it is found."""
import pathlib
import re
import sys
import tempfile

# Folder -> folders whose headers it may include. Lists are closed over: what may be seen is all that is listed.
BASE = {"base"}
TENSOR = BASE | {"tensor"}
QUANT = TENSOR | {"quant"}
BACKEND = QUANT | {"backend"}
FORMATS = QUANT | {"formats"}
TEXT = BASE | {"text"}
NET = BASE | {"net"}
HUB = NET | {"hub"}
NN = BACKEND | {"nn"}
MODELS = NN | FORMATS | {"models"}
RUNTIME = MODELS | TEXT | {"runtime"}
TRAIN = MODELS | TEXT | {"train"}
RETRIEVE = BACKEND | TEXT | {"retrieve"}
AGENT = RUNTIME | RETRIEVE | NET | {"agent"}
SERVER = AGENT | TRAIN | HUB | {"server"}
ALLOWED = {
    "base": BASE, "tensor": TENSOR, "quant": QUANT, "backend": BACKEND, "formats": FORMATS, "text": TEXT, "net": NET, "hub": HUB,
    "nn": NN, "models": MODELS, "runtime": RUNTIME, "train": TRAIN, "retrieve": RETRIEVE, "agent": AGENT, "server": SERVER,
    "cli": SERVER | {"cli"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def violations(src: pathlib.Path) -> list[str]:
    found = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in {".h", ".inl", ".cpp"}:
            continue
        folder = path.relative_to(src).parts[0]
        if folder not in ALLOWED:
            found.append(f"{path}: folder '{folder}' is not in the list of layers")
            continue
        for include in INCLUDE.findall(path.read_text()):
            target = include.split("/")[0]
            if "/" not in include:
                found.append(f"{path}: includes \"{include}\"; write the path from src/")
            elif target not in ALLOWED[folder]:
                found.append(f"{path}: {folder}/ may not include {target}/ (\"{include}\")")
    return found


def self_test() -> None:
    with tempfile.TemporaryDirectory() as folder:
        src = pathlib.Path(folder)
        (src / "tensor").mkdir()
        (src / "tensor" / "bad.h").write_text('#include "nn/context.h"\n')
        assert len(violations(src)) == 1, "a planted violation was not found"


if __name__ == "__main__":
    self_test()
    problems = violations(pathlib.Path(sys.argv[1]))
    print("\n".join(problems) or "layering holds")
    sys.exit(1 if problems else 0)
