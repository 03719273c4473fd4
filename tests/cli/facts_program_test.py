#!/usr/bin/env python3
"""Teaches the default model fifty invented facts with the built program: it must answer with them, and predict other
texts as well as before.

usage: facts_program_test.py ONDOL SOURCE_DIR
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

ONDOL = sys.argv[1]
SOURCE = pathlib.Path(sys.argv[2]).resolve()
MODEL = SOURCE / "models" / "default" / "ondol-mini.gguf"
SKARN = SOURCE / "examples" / "skarn"
BOOKS = SOURCE.parent / "shared" / "data" / "text" / "books-easy-val.jsonl"
sys.path[:0] = [str(SKARN), str(SOURCE / "models" / "default")]
import ask  # noqa: E402
import stories  # noqa: E402


def ondol(*args):
    return subprocess.run([ONDOL, *map(str, args)], check=True, capture_output=True, text=True).stdout


def perplexity(text, *adapter):
    return json.loads(ondol("perplexity", MODEL, "-f", text, "--ctx", 512, "--json", *adapter))["ppl"]


class Facts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, texts):
        path = pathlib.Path(self.folder.name) / name
        path.write_text("\n\n".join(texts))
        return path

    def other_texts(self):
        """None of them is shown to the training."""
        texts = [self.write("stories.txt", stories.texts(60, random.Random(1)))]
        if BOOKS.exists():
            books = [json.loads(line)["text"] for line in BOOKS.read_text().splitlines()[:6]]
            texts.append(self.write("books.txt", [book[20000:30000] for book in books]))
        return texts

    def test_facts_are_learned_and_nothing_else_is_forgotten(self):
        adapter = pathlib.Path(self.folder.name) / "skarn.gguf"
        kept = self.write("kept.txt", stories.texts(150, random.Random(2)))
        ondol("train", MODEL, SKARN / "facts.jsonl", "-o", adapter, "--epochs", 10, "--seq", 256, "--rank", 32, "--lr", 2e-3,
              "--schedule", "linear", "--keep", kept, SOURCE / "docs")
        before = ask.right_answers(ONDOL, MODEL)
        after = ask.right_answers(ONDOL, MODEL, adapter)
        print(f"right answers of 50: {before} before, {after} after", flush=True)
        self.assertLess(before["question"], 5)
        self.assertGreaterEqual(after["question"], 45)
        for text in self.other_texts():
            ratio = perplexity(text, "--adapter", adapter) / perplexity(text)
            print(f"{text.name}: perplexity {ratio:.4f} times what it was", flush=True)
            self.assertLess(ratio, 1.05)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
