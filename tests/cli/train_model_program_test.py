#!/usr/bin/env python3
"""Teaches whole models with the built program: a new one from scratch, and all weights of the sample model.

usage: train_model_program_test.py ONDOL SOURCE_DIR [RUNNER...]     (RUNNER: an emulator, for cross-built programs)
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

ONDOL = sys.argv[3:] + [sys.argv[1]]
SOURCE = pathlib.Path(sys.argv[2])
SAMPLE = str(SOURCE / "examples" / "sample.gguf")
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent"}


def ondol(*args):
    done = subprocess.run([*ONDOL, *map(str, args)], capture_output=True, env=ENVIRONMENT, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def play(n):
    """Lines of a play that an untrained model cannot know and a small one learns quickly."""
    choose = random.Random(1).choice
    speakers, verbs, things = ("KING", "FOOL", "QUEEN"), ("sees", "loves", "fears"), ("the moon", "a crown", "no man")
    return "".join(f"{choose(speakers)}:\nHe {choose(verbs)} {choose(things)}.\n\n" for _ in range(n))


class WholeModels(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.data = self.folder / "play.txt"
        self.data.write_text(play(1500))

    def tearDown(self):
        self.temporary.cleanup()

    def train(self, name, *args):
        out, log = self.folder / f"{name}.gguf", self.folder / f"{name}.log"
        status, _, err = ondol("train", *args, "-o", out, "--log", log, "-t", 2)
        self.assertEqual(status, 0, err)
        return out, [json.loads(line) for line in log.read_text().splitlines()]

    def new(self, name, *more):
        return self.train(name, "--new", "llama", "--layers", 2, "--width", 32, "--heads", 2, "--kv-heads", 1,
                          "--context", 48, "--batch", 8, "--lr", "5e-3", "--warm-up", 10, "--valid", 0.1, self.data,
                          *more)

    def test_a_new_model_learns_to_write(self):
        out, steps = self.new("new", "--steps", 200)
        # The play has little more to say than its choices: 2 log 3 + log 3 nats in some 28 characters.
        self.assertGreater(steps[0]["loss"], 5.0)
        self.assertLess(steps[-1]["validation_loss"], 0.35)
        status, text, err = ondol("run", out, "KING:\n", "--raw", "--temp", 0, "-n", 16)
        self.assertEqual(status, 0, err)
        self.assertIn("He ", text)
        shown = json.loads(ondol("show", out, "--json")[1])
        self.assertEqual(shown["architecture"], "llama")

    def test_precisions_learn_alike(self):
        losses = [self.new(name, "--steps", 60, "--precision", name)[1][-1]["validation_loss"]
                  for name in ("fp32", "int8")]
        self.assertLess(abs(losses[0] - losses[1]), 0.05 * losses[0])

    def test_a_vocabulary_of_ones_own(self):
        tokenizer = self.folder / "tokenizer.json"
        status, _, err = ondol("train-tokenizer", self.data, "-o", tokenizer, "--vocab-size", 300)
        self.assertEqual(status, 0, err)
        out, steps = self.new("own", "--steps", 5, "--vocab", tokenizer, "--type", "Q8_0")
        self.assertEqual(len(steps), 5)
        self.assertEqual(ondol("run", out, "KING", "--raw", "-n", 2)[0], 0)

    def test_a_folder_with_a_vocabulary_tells_how_conversations_are_written(self):
        folder = self.folder / "made" / "vocabulary"
        status, _, err = ondol("train-tokenizer", self.data, "-o", folder / "tokenizer.json", "--vocab-size", 300)
        self.assertEqual(status, 0, err)
        form = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        (folder / "chat_template.jinja").write_text(form)
        out, _ = self.new("conversing", "--steps", 1, "--vocab", folder)
        context = self.folder / "context.json"
        context.write_text(json.dumps({"messages": [{"role": "user", "content": "Hello"}]}))
        self.assertEqual(ondol("template", out, "--context", context)[1], "user: Hello\n")

    def test_resumes(self):
        whole, steps = self.new("whole", "--steps", 12, "--save-every", 4)
        part, _ = self.new("part", "--steps", 12, "--save-every", 4)
        part.unlink()
        part, _ = self.new("part", "--steps", 12, "--save-every", 4, "--resume")
        self.assertEqual(whole.read_bytes(), part.read_bytes())

    def kill_and_resume(self, name, *args):
        """Killed at random moments, and once for certain as soon as there is a checkpoint; until it comes to its end."""
        moments = random.Random(7)
        out, log = self.folder / f"{name}.gguf", self.folder / f"{name}.log"
        checkpoint = self.folder / f"{name}.checkpoint.gguf"
        command = [*ONDOL, *map(str, ("train", *args, "-o", out, "--log", log, "-t", 2, "--save-every", 2, "--resume"))]
        for attempt in range(12):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
            while attempt == 0 and not checkpoint.exists():
                self.assertIsNone(process.poll())
                time.sleep(0.002)
            try:
                _, err = process.communicate(timeout=moments.uniform(0.05, 0.6) if attempt < 9 else 300)
                self.assertEqual(process.returncode, 0, err.decode())
                if attempt > 0:
                    self.assertIn("going on after step", err.decode())
                return out.read_bytes()
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        self.fail("it never came to its end")

    def test_a_killed_training_from_scratch_goes_on_to_the_same_bytes(self):
        arguments = ("--new", "llama", "--layers", 2, "--width", 32, "--heads", 2, "--context", 48, "--batch", 8,
                     "--steps", 60, "--lr", "5e-3", "--valid", 0.1, self.data)
        whole, _ = self.train("whole", *arguments, "--save-every", 2)
        self.assertEqual(whole.read_bytes(), self.kill_and_resume("killed", *arguments))

    def test_a_killed_full_fine_tuning_goes_on_to_the_same_bytes(self):
        examples = self.folder / "b.jsonl"
        examples.write_text("".join(json.dumps({"text": f"The {a} is {b}."}) + "\n" for a in ("door", "moon", "bread")
                                    for b in ("blue", "bright", "warm")))
        arguments = (SAMPLE, examples, "--method", "full", "--steps", 12, "--seq", 32, "--type", "Q8_0")
        whole, _ = self.train("whole", *arguments, "--save-every", 2)
        self.assertEqual(whole.read_bytes(), self.kill_and_resume("killed", *arguments))

    def test_all_weights_of_a_model(self):
        examples = self.folder / "a.jsonl"
        examples.write_text('{"prompt": "the colour of the door", "completion": " is a deep blue"}\n' * 4)
        out, steps = self.train("full", SAMPLE, examples, "--method", "full", "--steps", 30, "--lr", "1e-3", "--seq",
                                64, "--type", "Q8_0")
        self.assertLess(steps[-1]["loss"], 0.5 * steps[0]["loss"])
        arguments = ("the colour of the door", "--raw", "--temp", 0, "-n", 12)
        _, plain, _ = ondol("run", SAMPLE, *arguments)
        status, taught, err = ondol("run", out, *arguments)
        self.assertEqual(status, 0, err)
        self.assertNotEqual(plain, taught)

    def test_says_what_is_wrong(self):
        out = self.folder / "x.gguf"
        for args, message in ((("--new", "gpt9"), "--new: expected llama, got 'gpt9'"),
                              (("--new", "llama", "--width", 30, "--heads", 4), "--width: expected an even number"),
                              (("--new", "llama", "--heads", 4, "--kv-heads", 3), "--kv-heads: expected a divisor"),
                              (("--new", "llama", "--model", SAMPLE), "--new: expected no other model"),
                              (("--new", "llama", "--vocab", self.folder / "none.json"), "--vocab"),
                              (("--new", "llama", "--context", 1 << 20), "expected more than 1048576 tokens")):
            status, _, err = ondol("train", self.data, "-o", out, *args)
            self.assertEqual(status, 1, args)
            self.assertIn(message, err)
            self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
