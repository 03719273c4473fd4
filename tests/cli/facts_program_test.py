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
BOOKS = SOURCE.parent / "shared" / "data" / "text"
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

    def texts(self, name, n_stories, seed, n_books, book_bytes):
        """Made-up stories and, where there are any, passages of books: two files, or one."""
        texts = [self.write(f"{name}-stories.txt", stories.texts(n_stories, random.Random(seed)))]
        books = BOOKS / f"books-easy-{name}.jsonl"
        if books.exists():
            with books.open() as lines:
                passages = [json.loads(next(lines))["text"][20000:20000 + book_bytes] for _ in range(n_books)]
            texts.append(self.write(f"{name}-books.txt", passages))
        return texts

    def test_facts_are_learned_and_nothing_else_is_forgotten(self):
        adapter = pathlib.Path(self.folder.name) / "skarn.gguf"
        ondol("train", MODEL, SKARN / "facts.jsonl", "-o", adapter, "--epochs", 10, "--seq", 256, "--rank", 32, "--lr", 1e-3,
              "--schedule", "linear", "--keep", *self.texts("train", 150, 2, 4, 30000), "--keep-weight", 2)
        before = ask.right_answers(ONDOL, MODEL)
        after = ask.right_answers(ONDOL, MODEL, adapter)
        print(f"right answers of 50: {before} before, {after} after", flush=True)
        self.assertLess(before["question"], 5)
        self.assertGreaterEqual(after["question"], 45)
        for text in self.texts("val", 60, 1, 6, 10000):
            ratio = perplexity(text, "--adapter", adapter) / perplexity(text)
            print(f"{text.name}: perplexity {ratio:.4f} times what it was", flush=True)
            self.assertLess(ratio, 1.05)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
