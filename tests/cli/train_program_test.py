#!/usr/bin/env python3
"""Trains the sample model with the built program: what a crash, a full disk and a wrong option do to a training.

usage: train_program_test.py ONDOL SOURCE_DIR [RUNNER...]     (RUNNER: an emulator, for cross-built programs)
"""
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

ONDOL = sys.argv[3:] + [sys.argv[1]]
SOURCE = pathlib.Path(sys.argv[2])
SAMPLE = str(SOURCE / "examples" / "sample.gguf")
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent"}
TEXTS = ["The cat sat on the mat.", "A dog ran in the park.", "Rain fell on the old town.", "She opened the blue door.",
         "They ate bread and cheese.", "The moon was very bright.", "He wrote a long letter.", "Birds sing at dawn."]


def start(*args, **options):
    return subprocess.Popen([*ONDOL, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
                            **options)


def ondol(*args, **options):
    process = start(*args, **options)
    out, err = process.communicate(timeout=300)
    return process.returncode, out.decode(), err.decode()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def losses(log):
    """What a log says that does not depend on time."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in ("seconds", "time", "tokens_per_s")} for line in lines]


class Training(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.data = self.folder / "data.jsonl"
        self.data.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))

    def tearDown(self):
        self.temporary.cleanup()

    def arguments(self, name, *more):
        """Of a training of 24 steps that writes a checkpoint after every third."""
        usual = {"--steps": 24, "--batch": 2, "--seq": 32, "--rank": 4, "--valid": 0.2, "--save-every": 3, "-t": 2}
        kept = [word for option, value in usual.items() if option not in more for word in (option, value)]
        return ("train", SAMPLE, self.data, "-o", self.folder / f"{name}.gguf", "--log", self.folder / f"{name}.log",
                *kept, *more)

    def train(self, name, *more, **options):
        status, _, err = ondol(*self.arguments(name, *more), **options)
        self.assertEqual(status, 0, err)
        return err

    def same(self, a, b):
        self.assertEqual(digest(self.folder / f"{a}.gguf"), digest(self.folder / f"{b}.gguf"))
        self.assertEqual(digest(self.folder / f"{a}.checkpoint.gguf"), digest(self.folder / f"{b}.checkpoint.gguf"))
        self.assertEqual(losses(self.folder / f"{a}.log"), losses(self.folder / f"{b}.log"))

    def killed_and_resumed(self, name, *more):
        """Kills a training at random moments until it is done. Returns how often it went on."""
        moments = random.Random(name)
        went_on = 0
        for _ in range(30):
            process = start(*self.arguments(name, "--resume", *more))
            # The more of it is killed, the longer it may run.
            deadline = time.monotonic() + moments.uniform(0.05, 0.4) * (1 + went_on)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            _, err = process.communicate()
            went_on += "going on after step" in err.decode()
            if process.returncode == 0:
                return went_on
            self.assertEqual(process.returncode, -signal.SIGKILL, err.decode())
        self.train(name, "--resume", *more)
        return went_on + 1

    def test_killed_trainings_go_on_to_the_same_bytes(self):
        for method in ((), ("--optimizer", "adamw-bf16", "--dora"), ("--optimizer", "adamw-8bit", "--lora-plus", 16)):
            with self.subTest(method=method):
                self.train("whole", *method)
                self.killed_and_resumed("killed", *method)
                self.same("whole", "killed")
                for path in self.folder.glob("killed*"):
                    path.unlink()

    def test_a_kill_in_the_middle_is_resumed(self):
        """Once for certain: it is killed as soon as there is a checkpoint."""
        self.train("whole")
        self.killed_in_the_middle("killed")
        self.same("whole", "killed")

    def killed_in_the_middle(self, name, *more):
        process = start(*self.arguments(name, *more))
        checkpoint = self.folder / f"{name}.checkpoint.gguf"
        while not checkpoint.exists():
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertIn("going on after step", self.train(name, "--resume", *more))

    def test_what_is_to_stay_is_resumed_as_well(self):
        texts = self.folder / "texts.txt"
        texts.write_text("The lamp stood on the table, and nobody had lit it. " * 30)
        self.train("whole", "--keep", texts)
        self.killed_in_the_middle("killed", "--keep", texts)
        self.same("whole", "killed")
        steps = [json.loads(line) for line in (self.folder / "whole.log").read_text().splitlines()]
        self.assertLess(steps[0]["drift"], 1e-4)  # an adapter that begins changes nothing
        self.assertGreater(steps[-1]["drift"], 0)
        short = self.folder / "short.txt"
        short.write_text("Too short.")
        for more, message in ((("--resume",), "--keep: expected "), (("--keep", self.data), "expected plain texts"),
                              (("--keep", short), "expected more than 256 tokens"),
                              (("--keep", texts, "--method", "full"), "expected a method that makes an adapter")):
            status, _, err = ondol(*self.arguments("whole", *more))
            self.assertEqual(status, 1, err)
            self.assertIn(message, err)

    def test_a_full_disk_loses_no_checkpoint(self):
        self.train("whole")
        process = start(*self.arguments("full"))
        checkpoint = self.folder / "full.checkpoint.gguf"
        while not checkpoint.exists():
            self.assertIsNone(process.poll())
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = digest(checkpoint)
        limit = checkpoint.stat().st_size // 2  # an adapter fits, a checkpoint does not

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        err = self.train("full", "--resume", preexec_fn=limited)
        self.assertIn("full.checkpoint.gguf: cannot", err)
        self.assertEqual(digest(checkpoint), before)
        self.assertEqual(digest(self.folder / "whole.gguf"), digest(self.folder / "full.gguf"))
        self.train("full", "--resume")
        self.same("whole", "full")

    def test_what_does_not_fit_is_refused(self):
        self.train("a", "--steps", 6)
        other = self.folder / "other.jsonl"
        other.write_text('{"text": "Something else, about which nobody spoke."}\n' * 9)
        model = SOURCE / "tests" / "golden" / "hugging_face" / "llama"
        checkpoint = self.folder / "a.checkpoint.gguf"
        cases = ((("--steps", 6, "--lr", 0.1), "--lr: expected 0.0002 as the training began with, got 0.1"),
                 (("--steps", 6, "--optimizer", "lion"), "--optimizer: expected adamw"),
                 (("--steps", 6, "--data", other), "expected the files and options that the checkpoint was made with"))
        for more, message in cases:
            status, _, err = ondol(*self.arguments("a", "--resume", *more))
            self.assertEqual(status, 1, err)
            self.assertIn("a.checkpoint.gguf", err)
            self.assertIn(message, err)
        changed = self.folder / "changed.gguf"
        content = bytearray(pathlib.Path(SAMPLE).read_bytes())
        content[-100] ^= 1
        changed.write_bytes(content)
        arguments = list(self.arguments("a", "--resume", "--steps", 6))
        arguments[1] = changed
        status, _, err = ondol(*arguments)
        self.assertEqual(status, 1)
        self.assertIn("it is of another model", err)
        checkpoint.write_bytes(checkpoint.read_bytes()[:3000])
        status, _, err = ondol(*self.arguments("a", "--resume", "--steps", 6))
        self.assertEqual(status, 1)
        self.assertIn("a.checkpoint.gguf", err)

    def test_a_toml_file_has_options(self):
        config = self.folder / "recipe.toml"
        config.write_text(f'model = "{SAMPLE}"\ndata = ["{self.data}"]\nout = "{self.folder}/toml.gguf"\n'
                          f'log = "{self.folder}/toml.log"\nsteps = 24\nbatch = 2\nseq = 32\nvalid = 0.2\n'
                          'save_every = 3\nthreads = 2\n[lora]\nrank = 4\n')
        self.train("flags")
        status, _, err = ondol("train", config)
        self.assertEqual(status, 0, err)
        self.same("flags", "toml")
        status, _, err = ondol("train", config, "--steps", 2)  # the command line counts
        self.assertEqual(status, 0, err)
        self.assertEqual(len(losses(self.folder / "toml.log")), 2)
        for text, message in (("stepz = 3\n", "recipe.toml:1: 'stepz': expected an option"),
                              ("lr = \n", "recipe.toml:1: "), ("\nbatch = 0\n", "recipe.toml:2: batch: "),
                              ("steps = 3\n", "--model: expected a model, got none")):
            config.write_text(text)
            status, _, err = ondol("train", config)
            self.assertEqual(status, 1, err)
            self.assertIn(message, err)

    def test_preferences_are_learned(self):
        pairs = [{"prompt": text[:9], "chosen": text[9:], "rejected": " " + text[9:].upper()} for text in TEXTS]
        judged = [{"prompt": pair["prompt"], "completion": pair[answer], "label": answer == "chosen"}
                  for pair in pairs for answer in ("chosen", "rejected")]
        for method, records in (("dpo", pairs), ("orpo", pairs), ("kto", judged)):
            self.data.write_text("".join(json.dumps(record) + "\n" for record in records))
            rate = ("--lr", 0.01, "--seq", 64)
            self.train(method, "--method", method, *rate)
            log = losses(self.folder / f"{method}.log")
            self.assertGreater(log[-1]["margin"], log[0]["margin"] + 0.1, method)
            self.assertGreaterEqual(log[-1]["accuracy"], 0.5 if method == "kto" else 1, method)
            self.assertIn("validation_loss", log[-1])
            # The reference's chances are found anew, and are the same.
            process = start(*self.arguments(method + "2", "--method", method, *rate))
            while not (self.folder / f"{method}2.checkpoint.gguf").exists():
                self.assertIsNone(process.poll())
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.train(method + "2", "--method", method, "--resume", *rate)
            self.same(method, method + "2")
            for wrong in {"lora", "dpo", "kto"} - {method} - ({"dpo"} if method == "orpo" else set()):
                status, _, err = ondol(*self.arguments("wrong", "--method", wrong))
                self.assertEqual(status, 1)
                self.assertIn("expected kto" if method == "kto" else "expected dpo or orpo", err)

    def test_exports_and_merges_predict_the_same(self):
        text = self.folder / "text.txt"
        text.write_text(" ".join(TEXTS) * 12)

        def loss(model, *more):
            status, out, err = ondol("perplexity", model, "-f", text, "--ctx", 64, "--kv", "f32", "--json", *more)
            self.assertEqual(status, 0, err)
            return json.loads(out)["nll"]

        for method in ((), ("--dora", "--rslora")):
            rate = ("--lr", 0.01)
            self.train("a", *method, *rate)
            adapter, folder = self.folder / "a.gguf", self.folder / "peft"
            status, _, err = ondol("train", SAMPLE, self.data, "-o", folder, *self.arguments("a", *method, *rate)[7:])
            self.assertEqual(status, 0, err)
            settings = json.loads((folder / "adapter_config.json").read_text())
            self.assertEqual((settings["r"], settings["use_dora"]), (4, bool(method)))
            expected = loss(SAMPLE, "--adapter", adapter)
            self.assertGreater(abs(loss(SAMPLE) - expected), 0.05)
            self.assertAlmostEqual(loss(SAMPLE, "--adapter", folder), expected, delta=1e-5)
            for out, more, delta in (("same.gguf", (), 5e-3), ("f32.gguf", ("--type", "F32"), 5e-3),
                                     ("merged", ("--type", "F32"), 5e-3), ("small.gguf", ("--type", "Q4_0"), 0.3)):
                status, said, err = ondol("merge", SAMPLE, folder, self.folder / out, *more)
                self.assertEqual(status, 0, err)
                self.assertAlmostEqual(loss(self.folder / out), expected, delta=delta)
                found = re.match(r"perplexity ([\d.]+) merged, ([\d.]+) unmerged; KL divergence ([\d.]+) nats", said)
                self.assertLess(float(found[3]), delta)
            self.assertEqual((self.folder / "same.gguf").stat().st_size, os.path.getsize(SAMPLE))

    def test_logs_become_curves(self):
        self.train("a")
        self.train("b", "--lr", 0.01)
        picture = self.folder / "curves.svg"
        status, _, err = ondol("plot", self.folder / "a.log", self.folder / "b.log", "-o", picture)
        self.assertEqual(status, 0, err)
        root = xml.etree.ElementTree.parse(picture).getroot()
        texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertTrue(any(text.startswith("a.log") for text in texts))
        self.assertTrue(any(text.startswith("b.log") for text in texts))
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}circle"))), 16)  # validations
        (self.folder / "b.log").write_text('{"step": 1}\n')
        status, _, err = ondol("plot", self.folder / "b.log", "-o", picture)
        self.assertEqual(status, 1)
        self.assertIn('b.log:1: expected "step" and "loss"', err)

    def test_batches_accumulate(self):
        self.train("two", "--batch", 2)
        self.train("accumulated", "--batch", 1, "--accumulate", 2)
        self.same("two", "accumulated")

    def test_early_stopping_keeps_the_best(self):
        err = self.train("early", "--early-stop", 2, "--lr", 0.05, "--steps", 400)
        log = losses(self.folder / "early.log")
        self.assertLess(len(log), 400, err)
        validations = [line["validation_loss"] for line in log if "validation_loss" in line]
        self.assertEqual(min(range(len(validations)), key=validations.__getitem__), len(validations) - 3)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
