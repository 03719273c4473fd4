#!/usr/bin/env python3
"""ondol jobs as a person uses it: queue, list, do, cancel, schedule. 77 where no sandbox works.

usage: jobs_program_test.py ONDOL SOURCE
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ONDOL, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
MODEL = str(SOURCE / "examples/sample.gguf")


def ondol(*arguments):
    return subprocess.run([ONDOL, *map(str, arguments)], capture_output=True, text=True, timeout=300)


class Jobs(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.scratch.name)
        (self.folder / "w").mkdir()

    def tearDown(self):
        self.scratch.cleanup()

    def jobs(self, *arguments):
        return ondol("jobs", *arguments, "--data-dir", self.folder / "data")

    def add(self, *arguments):
        done = self.jobs("add", *arguments, "--workspace", self.folder / "w")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def state(self, job):
        return json.loads(self.jobs("show", job, "--json").stdout)

    def test_a_job_is_done_once_and_its_session_kept(self):
        job = self.add("Say something.", "--scope", "read-only", "--name", "one", "--steps", "3")
        self.assertEqual(self.add("Something else.", "--name", "one"), job)
        self.assertEqual(self.state(job)["state"], "waiting")
        done = self.jobs("work", "--until-idle", "--model", MODEL, "--ctx", "4096")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Say something.", done.stderr)
        record = self.state(job)
        self.assertIn(record["state"], ("done", "waiting", "failed"), record)  # the sample model says anything
        steps = self.folder / "data/sessions" / record["session"] / "steps.jsonl"
        goals = [json.loads(line) for line in steps.read_text().splitlines() if '"type":"goal"' in line]
        self.assertEqual([goal["text"] for goal in goals], ["Say something."])
        if record["state"] == "done":
            self.assertEqual(json.loads(record["result"])["session"], record["session"])

    def test_jobs_can_be_cancelled_but_not_answered_unasked(self):
        job = self.add("Wait.", "--in", "1000")
        self.assertEqual(self.jobs("work", "--until-idle", "--model", MODEL).returncode, 0)
        self.assertEqual(self.jobs("answer", job, "yes").returncode, 1)
        self.assertEqual(self.jobs("cancel", job).returncode, 0)
        self.assertEqual(self.jobs("cancel", job).returncode, 1)
        listed = json.loads(self.jobs("list", "--json", "--state", "cancelled").stdout)
        self.assertEqual([entry["id"] for entry in listed], [int(job)])
        self.assertEqual(self.jobs("show", "99").returncode, 1)

    def test_schedules(self):
        self.add("Look.", "--at", "0 8 * * mon-fri", "--name", "morning")
        self.assertEqual(self.jobs("add", "Look.", "--at", "never", "--name", "x").returncode, 1)
        self.assertEqual(self.jobs("add", "Look.", "--at", "@daily").returncode, 1)
        listed = json.loads(self.jobs("schedules", "--json").stdout)
        self.assertEqual([(one["name"], one["work"]["goal"]) for one in listed], [("morning", "Look.")])
        self.assertEqual(self.jobs("unschedule", "morning").returncode, 0)
        self.assertEqual(self.jobs("unschedule", "morning").returncode, 1)

    def test_files_that_come(self):
        self.add("Read it.", "--on-file", "inbox/*.txt", "--name", "news", "--scope", "read-only", "--steps", "1")
        self.assertEqual(self.jobs("add", "Look.", "--on-file", "*.txt", "--workspace", self.folder).returncode, 1)
        listed = json.loads(self.jobs("schedules", "--json").stdout)
        self.assertEqual([(one["kind"], one["files"]) for one in listed], [("files", "inbox/*.txt")])
        self.assertIn("inbox/*.txt", self.jobs("schedules").stdout)
        (self.folder / "w/inbox").mkdir()
        (self.folder / "w/inbox/a.txt").write_text("hello")
        time.sleep(1.2)
        work = ("work", "--until-idle", "--model", MODEL, "--ctx", "4096")
        self.assertEqual(self.jobs(*work).returncode, 0)
        self.assertEqual(self.jobs(*work).returncode, 0)
        jobs = json.loads(self.jobs("list", "--json").stdout)
        self.assertEqual([job["work"]["given"] for job in jobs], [{"from": "files", "text": "inbox/a.txt"}])

    def test_mistakes(self):
        missing = self.jobs("add", "Look.", "--workspace", self.folder / "nowhere")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("there is no folder", missing.stderr)
        self.assertEqual(self.jobs("answer", "1", "perhaps").returncode, 2)


def confines():
    """Whether a sandbox works here; without one nothing runs."""
    with tempfile.TemporaryDirectory() as folder:
        done = ondol("act", "x", "--model", MODEL, "--workspace", folder, "--data-dir", folder + "/data", "--steps", "1")
    return "sandbox" not in done.stderr


if __name__ == "__main__":
    if not confines():
        print("no sandbox works here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
