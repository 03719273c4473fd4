#!/usr/bin/env python3
"""Two servers with one table of jobs on a PostgreSQL server: each job is done once, whoever is asked for it, and what a
server that dies had begun goes on when it is there again. 77 where no sandbox works, or no PostgreSQL server can be
started.

usage: shared_jobs_test.py ONDOL SOURCE_DIR
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sdk"))

from sandbox import confines  # noqa: E402
from scripted_gguf import call, write_scripted_model  # noqa: E402
from served import Server  # noqa: E402

ONDOL, SOURCE = sys.argv[1:3]
N_JOBS = 24
ENDED = ("done", "failed", "cancelled")


def script(n):
    """Where the goal has this word, a line is added to done.txt."""
    return f"TASK{n:02}", [call("run_shell", {"command": f"sleep 0.3; echo {n:02} >> done.txt"})]


class Postgres:
    """A cluster in a folder of its own, reached by a socket there. It refuses to run as root, so then it is the user
    that its package made."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = os.environ.get("ONDOL_POSTGRES_BIN") or next(
            (path for path in (f"/usr/lib/postgresql/{version}/bin" for version in (17, 16, 15, 14))
             if os.path.exists(path + "/initdb")), None)
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self.url = f"postgresql://ondol@/postgres?host={folder}"

    def do(self, program, *arguments):
        done = subprocess.run([*self.user, f"{self.programs}/{program}", "-D", self.folder + "/data", *arguments],
                              cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        return done.returncode == 0

    def start(self):
        if not self.programs:
            return False
        if self.user and subprocess.run(["chown", "postgres:postgres", self.folder]).returncode != 0:
            return False
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        return (self.do("initdb", "-U", "ondol", "-A", "trust", "--no-sync") and
                self.do("pg_ctl", "-o", options, "-w", "-t", "60", "-l", self.folder + "/log", "start"))

    def stop(self):
        self.do("pg_ctl", "-m", "immediate", "stop")


class SharedJobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.model = cls.scratch.name + "/scripted.gguf"
        scripts = [script(n) for n in range(N_JOBS)]
        scripts += [(f"WRITE{n}", [call("write_file", {"path": f"{n}.txt", "content": "hello"})]) for n in range(4)]
        write_scripted_model(cls.model, scripts, ["Done."])

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)
        self.work = self.folder / "w"
        self.work.mkdir()
        tables = tempfile.mkdtemp(prefix="ondol-jobs-")
        self.addCleanup(subprocess.run, ["rm", "-rf", tables])
        self.postgres = Postgres(tables)
        if not self.postgres.start():
            self.skipTest("no PostgreSQL server can be started here; install postgresql")
        self.addCleanup(self.postgres.stop)
        self.servers = [self.start("one"), self.start("two")]

    def tearDown(self):
        for server in self.servers:
            server.stop()
        self.place.cleanup()

    def start(self, name):
        return Server(ONDOL, self.model, "--workspace", str(self.work), "--data-dir", str(self.folder / name),
                      "--agents-table", self.postgres.url, "--agent-workers", "2", "--ctx", "8192", keys=False)

    def ask(self, server, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(server.url + "/v1/agents" + path, data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def job(self, server, goal, **more):
        return self.ask(server, "POST", "/jobs", {"goal": goal, "workspace": str(self.work), **more})["id"]

    def until(self, server, job, *states):
        for _ in range(1200):
            record = self.ask(server, "GET", f"/jobs/{job}")
            if record["state"] in states:
                return record
            self.assertNotIn(record["state"], set(ENDED) - set(states), record)
            time.sleep(0.05)
        self.fail(f"still {record}")

    def sessions(self, name):
        return {path.name for path in (self.folder / name / "agents/sessions").iterdir()}

    def add_all(self):
        """Each asked for at both servers, which is one job."""
        ids = []
        for n in range(N_JOBS):
            asked = [self.job(server, f"Do TASK{n:02}", name=f"task-{n}", approve="auto") for server in self.servers]
            self.assertEqual(asked[0], asked[1])
            ids.append(asked[0])
        self.assertEqual(len(set(ids)), N_JOBS)
        return ids

    def states(self, ids):
        listed = {job["id"]: job["state"] for job in self.ask(self.servers[1], "GET", "/jobs?limit=100")["data"]}
        return [listed[job] for job in ids]

    def test_each_job_is_done_once(self):
        ids = self.add_all()
        records = [self.until(self.servers[n % 2], job, "done") for n, job in enumerate(ids)]
        self.assertEqual(sorted((self.work / "done.txt").read_text().split()), [f"{n:02}" for n in range(N_JOBS)])
        one, two = self.sessions("one"), self.sessions("two")
        self.assertTrue(one and two, "one server did all")
        self.assertEqual(sorted([*one, *two]), sorted(record["session"] for record in records))

    def test_a_server_dies(self):
        ids = self.add_all()
        while "done" not in self.states(ids):
            time.sleep(0.02)
        self.servers[0].kill()
        unharmed = [n for n, state in enumerate(self.states(ids)) if state == "waiting"]
        self.servers[0] = self.start("one")
        for job in ids:
            self.until(self.servers[0], job, "done")
        lines = (self.work / "done.txt").read_text().split()
        self.assertEqual([lines.count(f"{n:02}") for n in unharmed], [1] * len(unharmed))
        self.assertTrue(unharmed)

    def test_an_answer_is_given_to_the_other_server(self):
        jobs = [self.job(self.servers[0], f"WRITE{n}", name=f"ask-{n}") for n in range(4)]
        for job in jobs:
            self.until(self.servers[1], job, "asking")
            self.ask(self.servers[1], "POST", f"/jobs/{job}/answer", {"answer": "yes"})
        for job in jobs:
            self.until(self.servers[0], job, "done")
        self.assertEqual(sorted(path.name for path in self.work.iterdir()), [f"{n}.txt" for n in range(4)])


if __name__ == "__main__":
    if not confines(ONDOL, SOURCE):
        print("no sandbox works here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
