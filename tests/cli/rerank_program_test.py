#!/usr/bin/env python3
"""The reranker as a person uses it: weighed with index, kept in the store, used by search and ask, set in eval."""
import contextlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "serve"))

from scripted_gguf import call, write_scripted_model  # noqa: E402

PROGRAM, SOURCE, *EMULATOR = sys.argv[1:]
SAMPLE = pathlib.Path(SOURCE) / "examples/sample.gguf"
SCORER = pathlib.Path(SOURCE) / "tests/golden/hugging_face/bert-scorer"
FOLDER = tempfile.TemporaryDirectory()
HOME = pathlib.Path(FOLDER.name)


def ondol(*args, status=0, **variables):
    env = dict(os.environ, LC_ALL="C.UTF-8", HOME=FOLDER.name, XDG_DATA_HOME=FOLDER.name, **variables)
    for name in ("ONDOL_MODEL", "HF_HOME", "OLLAMA_MODELS"):
        env.pop(name, None)
    done = subprocess.run([*EMULATOR, PROGRAM, *map(str, args)], capture_output=True, text=True, env=env)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def write_collection(folder):
    """Texts that words tell apart, so that no reader can be of use."""
    folder.mkdir()
    corpus, queries, qrels = [], [], ["query-id\tcorpus-id\tscore"]
    for i in range(30):
        text = " ".join(f"The zorb{i} of quax{i} is told of here, and the mirl{i} too, said the old man of zorb{i}."
                        for _ in range(4))
        (folder / f"{i}.txt").write_text(text)
        corpus.append(json.dumps({"_id": str(i), "title": "", "text": text}))
        queries.append(json.dumps({"_id": str(i), "text": f"zorb{i} of quax{i}"}))
        qrels.append(f"{i}\t{i}\t1")
    for name, lines in (("corpus.jsonl", corpus), ("queries.jsonl", queries), ("qrels.tsv", qrels)):
        (HOME / name).write_text("\n".join(lines) + "\n")


class Rerank(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        write_collection(HOME / "files")

    def test_a_store_weighs_it_keeps_it_and_forgets_it(self):
        store = HOME / "documents.db"
        _, err = ondol("index", HOME / "files", "--store", store, "--rerank", SAMPLE)
        self.assertIn("does not help here, left out", err)
        _, err = ondol("index", HOME / "files", "--store", store)
        self.assertNotIn("reading again", err, "it is known")
        plain = json.loads(ondol("search", "zorb7", "--store", store, "--json", "--no-rerank")[0])
        self.assertEqual(json.loads(ondol("search", "zorb7", "--store", store, "--json")[0]), plain)
        ondol("ask", "What is told of zorb7?", "--store", store, "--extract", "--no-rerank")
        ondol("index", HOME / "files", "--store", store, "--rerank", "none")
        _, err = ondol("index", HOME / "files", "--store", store, "--rerank", SAMPLE, ONDOL_LANGUAGE="ko")
        self.assertTrue(err)

    def test_agents_search_as_people_do(self):
        """With a store whose reranker counts alone, whatever it is worth."""
        store = HOME / "alone.db"
        ondol("index", HOME / "files", "--store", store, "--rerank", SAMPLE)
        with contextlib.closing(sqlite3.connect(store)) as database:
            (kept,), = database.execute("SELECT value FROM setting WHERE key = 'reranker'")
            database.execute("UPDATE setting SET value = ? WHERE key = 'reranker'", ("1.00" + kept[4:],))
            database.commit()
        question = ("search", "zorb7 of quax3 and mirl5", "--store", store, "--json", "-k", 5)

        def found(*more):
            return [hit["path"] for hit in json.loads(ondol(*question, *more)[0])]

        again = found()
        self.assertNotEqual(again[0], found("--no-rerank")[0])
        model = HOME / "scripted.gguf"
        write_scripted_model(model, [("FIND", [call("search_documents", {"query": question[1]})])], ["There."])
        act = subprocess.run([*EMULATOR, PROGRAM, "act", "FIND it", "--model", model, "--workspace", HOME / "files",
                              "--store", store, "--data-dir", HOME / "agent", "--json", "--ctx", "8192"],
                             capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if "sandbox" in act.stderr:
            self.skipTest(act.stderr)
        results = [step for line in act.stdout.splitlines() if (step := json.loads(line))["type"] == "result"]
        self.assertEqual(len(results), 1, act.stderr)
        self.assertEqual(re.findall(r"^\[\d\] (.*)$", results[0]["text"], re.M)[:1], again[:1], "a long result is cut")

    def test_eval_takes_a_share(self):
        def evaluate(*more):
            out, err = ondol("eval", "retrieval", "--corpus", HOME / "corpus.jsonl", "--queries",
                             HOME / "queries.jsonl", "--qrels", HOME / "qrels.tsv", "--json", *more)
            return json.loads(out), err
        plain, _ = evaluate()
        same, err = evaluate("--rerank", SAMPLE)
        self.assertIn("left out", err)
        self.assertEqual(same["ndcg@10"], plain["ndcg@10"])
        again, err = evaluate("--rerank", SAMPLE, "--rerank-share", "1")
        self.assertNotIn("left out", err)
        self.assertEqual(again["recall@100"], plain["recall@100"])
        ondol("eval", "retrieval", "--corpus", HOME / "corpus.jsonl", "--queries", HOME / "queries.jsonl", "--qrels",
              HOME / "qrels.tsv", "--rerank-share", "1", status=2)

    def test_show_names_a_reranker(self):
        self.assertIn("reranker", ondol("show", SCORER)[0])
        said = json.loads(ondol("show", SCORER, "--json")[0])
        self.assertTrue(said["reranker"])
        self.assertFalse(said["embeddings_only"])
        self.assertFalse(json.loads(ondol("show", SAMPLE, "--json")[0])["reranker"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
