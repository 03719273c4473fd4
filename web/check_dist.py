#!/usr/bin/env python3
"""Proves, without Node, that web/dist was built from the sources that are here and that its files are whole.
(`npm run check` builds it again and compares bytes.)"""
import gzip
import hashlib
import json
import pathlib
import sys

# The same list is in scripts/pack.mjs.
SOURCES = [".npmrc", "index.html", "package-lock.json", "package.json", "public", "scripts/pack.mjs", "src",
           "tsconfig.json", "vite.config.ts"]
MAX_BYTES = 400 * 1000


def source_hash(root: pathlib.Path) -> str:
    files = []
    for name in SOURCES:
        path = root / name
        files += [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    lines = sorted((p.relative_to(root).as_posix(), p) for p in files)
    text = "".join(f"{name} {hashlib.sha256(p.read_bytes()).hexdigest()}\n" for name, p in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def problems_of(root: pathlib.Path):
    dist = root / "dist"
    manifest = json.loads((dist / "manifest.json").read_text())
    if manifest["source_sha256"] != source_hash(root):
        yield "dist was built from other sources: run `npm ci && npm run build` in web/ and commit dist/"
    listed = {file["path"] + ".gz" for file in manifest["files"]} | {"manifest.json"}
    for name in sorted(listed ^ {p.name for p in dist.iterdir()}):
        yield f"dist/{name} is " + ("missing" if name in listed else "not in the manifest")
    for file in manifest["files"]:
        path = dist / (file["path"] + ".gz")
        if not path.exists():
            continue
        packed = path.read_bytes()
        if hashlib.sha256(packed).hexdigest() != file["sha256"]:
            yield f"dist/{path.name} is not the file in the manifest"
        elif not gzip.decompress(packed):
            yield f"dist/{path.name} is empty"
    total = sum(file["size"] for file in manifest["files"])
    if total >= MAX_BYTES:
        yield f"dist has {total} compressed bytes; the limit is {MAX_BYTES}"


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent
    problems = list(problems_of(root))
    print("\n".join(problems) or "dist matches its sources")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
