#!/usr/bin/env python3
"""OpenAI's own Python client teaches the sample model of `ondol serve`: files, jobs, events, checkpoints; what is
cancelled, paused, broken, and killed with the server. Exit status 77: the client is not installed.

usage: tuning_sdk_test.py ONDOL SOURCE_DIR
"""
import io
import json
import pathlib
import sys
import tempfile
import time
import unittest

try:
    import openai
except ImportError as error:
    print(f"skipped: {error}; install it with: ./test sdk")
    sys.exit(77)

from served import KEY, Server

ONDOL, SOURCE = sys.argv[1:3]
LESSONS = [("the colour of the door", " is a deep blue"), ("the sound of the rain", " is soft and grey"),
           ("the name of the cat", " is Hodori")]
QUICK = {"seq": 32, "rank": 4, "lr": 3e-3, "priority": "normal"}


class Tuning(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.data = pathlib.Path(self.temporary.name) / "data"
        self.start()

    def start(self):
        self.server = Server(ONDOL, f"{SOURCE}/examples/sample.gguf", "--data-dir", self.data)
        self.client = openai.OpenAI(base_url=f"{self.server.url}/v1", api_key=KEY, max_retries=0, timeout=120)
        self.jobs = self.client.fine_tuning.jobs

    def tearDown(self):
        self.server.kill()
        self.temporary.cleanup()

    def upload(self, *more):
        lines = [json.dumps({"prompt": prompt, "completion": completion}) for prompt, completion in LESSONS] + list(more)
        return self.client.files.create(file=("lessons.jsonl", io.BytesIO("\n".join(lines).encode())), purpose="fine-tune")

    def create(self, file, **own):
        return self.jobs.create(model="sample", training_file=file.id, seed=1, extra_body={"ondol": {**QUICK, **own}})

    def until(self, condition, seconds=240):
        end = time.monotonic() + seconds
        while not (found := condition()):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        return found

    def ended(self, job):
        return self.until(lambda: (now := self.jobs.retrieve(job.id)).finished_at and now)

    def steps(self, job):
        return [event.data["step"] for event in self.jobs.list_events(job.id, limit=50) if event.type == "metrics"]

    def test_files(self):
        file = self.upload()
        self.assertEqual((file.object, file.filename, file.purpose), ("file", "lessons.jsonl", "fine-tune"))
        self.assertEqual(self.client.files.retrieve(file.id), file)
        self.assertEqual(len(self.client.files.content(file.id).read()), file.bytes)
        self.assertIn(file.id, [other.id for other in self.client.files.list(purpose="fine-tune")])
        self.assertTrue(self.client.files.delete(file.id).deleted)
        with self.assertRaises(openai.NotFoundError):
            self.client.files.retrieve(file.id)

    def test_a_job_from_its_file_to_an_answer(self):
        job = self.jobs.create(model="sample", training_file=self.upload().id, suffix="door", seed=1,
                               method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 30,
                                       "batch_size": 1, "learning_rate_multiplier": 10}}},
                               extra_body={"ondol": {"seq": 32, "save_every": 10, "priority": "normal"}})
        done = self.ended(job)
        self.assertEqual(done.status, "succeeded", done.error)
        self.assertEqual(done.hyperparameters.n_epochs, 30)
        self.assertTrue(done.fine_tuned_model.startswith("sample:ft-door-"))
        self.assertGreater(done.trained_tokens, 0)
        answer = self.client.completions.create(model=done.fine_tuned_model, prompt="Hello", max_tokens=4)
        self.assertTrue(answer.choices[0].text is not None)
        chat = self.client.chat.completions.create(model=done.fine_tuned_model, temperature=0, max_tokens=8,
                                                   messages=[{"role": "user", "content": "the name of the cat"}])
        self.assertIn("Hodori", chat.choices[0].message.content)
        steps = self.steps(job)  # over several pages, the newest first
        self.assertEqual(steps, list(range(len(steps), 0, -1)))
        checkpoints = self.jobs.checkpoints.list(job.id).data
        self.assertEqual(len(checkpoints), 3)
        self.assertEqual(checkpoints[0].step_number, len(steps))
        self.assertIn(job.id, [other.id for other in self.jobs.list()])

    def test_a_broken_line(self):
        done = self.ended(self.create(self.upload('{"prompt": 7}')))
        self.assertEqual((done.status, done.error.param), ("failed", "training_file"))
        self.assertIn("lessons.jsonl:4:", done.error.message)
        with self.assertRaises(openai.BadRequestError) as refused:
            self.create(self.upload(), rank=-1)
        self.assertEqual(refused.exception.param, "ondol.rank")

    def test_cancel_pause_and_resume(self):
        job = self.create(self.upload(), steps=100000)
        self.until(lambda: self.steps(job))
        self.assertEqual(self.jobs.pause(job.id).status, "paused")
        self.assertEqual(self.jobs.resume(job.id).status, "queued")
        self.until(lambda: self.jobs.retrieve(job.id).status == "running")
        self.assertEqual(self.jobs.cancel(job.id).status, "cancelled")
        with self.assertRaises(openai.BadRequestError):
            self.jobs.cancel(job.id)

    def test_a_killed_server_goes_on(self):
        """To the same weights as if nothing had happened."""
        file = self.upload()
        whole = self.ended(self.create(file, steps=24, save_every=2))
        job = self.create(file, steps=24, save_every=2)
        for _ in range(3):
            seen = len(self.steps(job))
            self.until(lambda: len(self.steps(job)) > min(seen + 3, 22))
            self.server.kill()
            self.start()
        done = self.ended(job)
        self.assertEqual((whole.status, done.status), ("succeeded", "succeeded"), done.error)
        weights = [(self.data / "jobs" / each.id / "adapter.gguf").read_bytes() for each in (whole, done)]
        self.assertEqual(weights[0], weights[1])
        self.assertEqual(self.steps(job), list(range(24, 0, -1)))
        self.client.completions.create(model=whole.fine_tuned_model, prompt="Hello", max_tokens=4)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
