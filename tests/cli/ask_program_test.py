#!/usr/bin/env python3
"""ondol ask as a person uses it: from the command line and from a pipe, in English and Korean, without a model and
with one that babbles."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE, *EMULATOR = sys.argv[1:]
GOLDEN = pathlib.Path(SOURCE) / "tests/golden/answers"
SAMPLE = pathlib.Path(SOURCE) / "examples/sample.gguf"
FOLDER = tempfile.TemporaryDirectory()
STORE = pathlib.Path(FOLDER.name) / "documents.db"


def ondol(*args, text="", **variables):
    env = dict(os.environ, LC_ALL="C.UTF-8", HOME=FOLDER.name, XDG_DATA_HOME=FOLDER.name, **variables)
    for name in ("ONDOL_MODEL", "HF_HOME", "OLLAMA_MODELS"):
        env.pop(name, None)
    done = subprocess.run([*EMULATOR, PROGRAM, *map(str, args)], input=text, capture_output=True, text=True, env=env)
    return done.returncode, done.stdout, done.stderr


def ask(*args, **options):
    status, out, err = ondol("ask", *args, "--store", STORE, **options)
    assert status == 0, err
    return out


class Ask(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = pathlib.Path(FOLDER.name) / "files"
        cls.files.mkdir()
        for line in (GOLDEN / "documents.jsonl").read_text().splitlines():
            document = json.loads(line)
            (cls.files / document["path"]).write_text(document["text"])
        status, _, err = ondol("index", cls.files, "--store", STORE)
        assert status == 0, err

    def check(self, answer):
        for claim in answer["claims"]:
            self.assertTrue(claim["citations"])
            for citation in claim["citations"]:
                text = pathlib.Path(citation["path"]).read_bytes()
                self.assertEqual(text[citation["start"]:citation["end"]].decode(), citation["quote"])
                self.assertEqual(citation["line"], text[:citation["start"]].count(b"\n") + 1)

    def test_an_answer_with_its_place(self):
        out = ask("When was the old harbour of Tolmin dug?", "--extract")
        self.assertIn("was dug in 1874 by four hundred workers. [1]", out)
        self.assertIn("harbour.txt, line 1", out)

    def test_json_points_to_the_bytes_of_files(self):
        for line in (GOLDEN / "questions.jsonl").read_text().splitlines():
            question = json.loads(line)
            answer = json.loads(ask(question["question"], "--json", "--extract"))
            self.check(answer)
            if not question["answers"]:
                self.assertTrue(answer["declined"], question)
                self.assertEqual(answer["sources"], [])

    def test_declines_in_the_language_of_the_question(self):
        self.assertEqual(ask("Who is the president of France?").strip(), "The documents do not say.")
        self.assertEqual(ask("대한민국의 대통령은 누구인가요?").strip(), "문서에 그런 내용이 없습니다.")

    def test_a_conversation_from_a_pipe(self):
        out = ask("--json", text="When was the harbour of Tolmin dug?\n/clear\n한빛도서관은 언제 문을 열었나요?\n그럼 관장은?\n")
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(answers), 3)
        self.assertIn("1874", answers[0]["answer"])
        self.assertIn("1987", answers[1]["answer"])
        self.assertIn("윤서정", answers[2]["answer"])

    def test_sources_that_disagree_are_named(self):
        out = ask("How long is the warranty of the heater H200?", "--extract")
        self.assertIn("Sources disagree: [2]", out)
        self.assertIn("guaranteed for two years", out)
        self.assertIn("lasts 3 years", out)

    def test_a_model_that_cannot_answer_is_an_error_or_checked(self):
        status, out, err = ondol("ask", "How much power does the H200 draw?", "--store", STORE, "--model", SAMPLE, "--json")
        if status == 0:
            self.check(json.loads(out))
        else:
            self.assertIn("sample.gguf: expected a model with a chat template", err)

    def test_errors(self):
        status, out, err = ondol("ask", "x", "--store", STORE.parent / "none.db")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("ondol index FOLDER", err)
        status, out, err = ondol("ask", "x", "--store", STORE, "-k", 0)
        self.assertEqual(status, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
