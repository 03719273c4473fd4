#!/usr/bin/env python3
"""Runs `ondol act` as a person or script would, on the sample model, which is too small to call anything.

usage: act_program_test.py ONDOL SOURCE_DIR [RUNNER...]
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ONDOL = sys.argv[3:] + [sys.argv[1]]
SOURCE = pathlib.Path(sys.argv[2])
SAMPLE = str(SOURCE / "examples" / "sample.gguf")


def confines():
    """Whether a sandbox works here; without one nothing runs."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*ONDOL, "act", "x", "--model", SAMPLE, "--workspace", folder, "--data-dir", folder + "/data",
                               "--steps", "1"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return "sandbox" not in done.stderr


class Act(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.workspace = self.root / "work"
        self.workspace.mkdir()
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "ONDOL_HOME": str(self.root / "home" / "models"),
                            "HF_HUB_CACHE": "/nonexistent", "OLLAMA_MODELS": "/nonexistent"}

    def act(self, *args, env=None):
        done = subprocess.run([*ONDOL, "act", *map(str, args)], capture_output=True, stdin=subprocess.DEVNULL,
                              env={**self.environment, **(env or {})}, timeout=120)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def goal(self, *args, **options):
        return self.act(*args, "--model", SAMPLE, "--workspace", self.workspace, "--ctx", 8192, **options)

    def lines(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def test_steps_as_lines(self):
        status, out, err = self.goal("Say hello.", "--json", "--steps", 2)
        self.assertIn(status, (0, 1), err)
        steps = self.lines(out)
        self.assertEqual([step["step"] for step in steps], list(range(len(steps))))
        self.assertEqual(steps[0]["type"], "session")
        self.assertEqual(steps[0]["workspace"], str(self.workspace.resolve()))
        self.assertEqual((steps[1]["type"], steps[1]["text"]), ("goal", "Say hello."))
        self.assertEqual(steps[-1]["type"], "end")
        self.assertLessEqual(steps[-1]["turns"], 2)
        self.assertEqual(status, 0 if steps[-1]["reason"] == "done" else 1)

    def test_sessions_are_listed_resumed_branched_and_replayed(self):
        _, out, _ = self.goal("Say hello.", "--json", "--steps", 1)
        steps = self.lines(out)
        name = steps[0]["id"]
        listed = self.lines(self.act("--list", "--json")[1])
        self.assertEqual([(s["id"], s["goal"]) for s in listed], [(name, "Say hello.")])
        self.assertIn("Say hello.", self.act("--list")[1])
        self.assertEqual(self.lines(self.act("--replay", name, "--json")[1]), steps)
        self.assertIn("goal", self.act("--replay", name)[1])
        more = self.lines(self.goal("And good bye.", "--resume", name, "--json", "--steps", 1)[1])
        whole = self.lines(self.act("--replay", name, "--json")[1])
        self.assertGreater(len(whole), len(steps))
        self.assertEqual(whole[:len(steps)], steps)
        self.assertEqual(more[1:], whole[len(steps):])
        branch = self.lines(self.goal("--branch", f"{name}:1", "--json", "--steps", 1)[1])
        self.assertEqual(branch[0]["branch_of"], name)
        self.assertNotEqual(branch[0]["id"], name)
        again = self.lines(self.goal("--replay", name, "--again", "--json", "--steps", 1)[1])
        self.assertEqual(again[0]["replay_of"], name)
        self.assertEqual(again[1]["text"], "Say hello.")
        # Greedy, and the same prompt but for the session's own letters.
        self.assertEqual(len(self.lines(self.act("--list", "--json")[1])), 3)

    def test_the_cache_holds_the_prompts_beginning(self):
        # With so few tools, all of them are offered at every turn.
        _, out, _ = self.goal("Say hello.", "--json", "--steps", 3, "--tools", "read_file,run_shell")
        answers = [step for step in self.lines(out) if step["type"] == "answer"]
        for before, answer in zip(answers, answers[1:]):
            self.assertGreaterEqual(answer["cached_tokens"], before["prompt_tokens"] - 1)

    def test_skills_are_checked(self):
        skill = self.workspace / ".ondol" / "skills" / "forms"
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text("---\nname: Forms\ndescription: d\n---\n")
        _, _, err = self.goal("Say hello.", "--json", "--steps", 1)
        self.assertIn("name: expected 1 to 64", err)

    def test_what_is_wrong_is_said(self):
        cases = ((("--json",), 1, "expected a goal"),
                 (("x", "--workspace", "/no/such/folder", "--model", SAMPLE), 1, "there is no folder '/no/such/folder'"),
                 (("x", "--resume", "none", "--model", SAMPLE), 1, "session 'none'"),
                 (("x", "--branch", "none", "--model", SAMPLE), 1, "expected ID:STEP"),
                 (("x", "--resume", "a", "--replay", "b"), 1, "expected one of"),
                 (("x", "--again"), 1, "--again: expected --replay"),
                 (("x", "--approve", "perhaps"), 2, "--approve"),
                 (("x", "--scope", "everything"), 2, "--scope"))
        for args, expected, message in cases:
            status, out, err = self.act(*args)
            self.assertEqual((status, out), (expected, ""), args)
            self.assertIn(message, err)

    def test_help_is_korean_in_a_korean_locale(self):
        _, out, _ = self.act("--help", env={"LC_ALL": "ko_KR.UTF-8"})
        self.assertIn("이룰 것을 평소 말로", out)

    def test_ctrl_c_ends_it_at_once(self):
        process = subprocess.Popen([*ONDOL, "act", "Count. " * 1500, "--model", SAMPLE, "--workspace", self.workspace,
                                    "--ctx", "8192", "--json", "--steps", "1000"], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.readline()
        time.sleep(0.05)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - started, 20)
        steps = self.lines(out.decode())
        self.assertEqual(steps[-1]["type"], "end")
        if steps[-1]["reason"] == "cancelled":  # it may have come to its end before
            self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    if not confines():
        print("no sandbox here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
