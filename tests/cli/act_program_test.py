#!/usr/bin/env python3
"""Runs `ondol act` as a person or script would, on the sample model, which is too small to call anything.

usage: act_program_test.py ONDOL SOURCE_DIR [RUNNER...]
"""
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
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


class FarServer(http.server.BaseHTTPRequestHandler):
    """The least of an MCP server over HTTP: 2025-06-18, without sessions."""

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                                  "serverInfo": {"name": "far", "version": "1"}},
                   "tools/list": {"tools": [{"name": "look", "description": "Looks", "inputSchema": {"type": "object"}}]}}
        answer = {"jsonrpc": "2.0", "id": message.get("id")}
        if message["method"] in results:
            answer["result"] = results[message["method"]]
        else:
            answer["error"] = {"code": -32601, "message": "no such method"}
        body = json.dumps(answer).encode() if "id" in message else b""
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_error(405)

    def log_message(self, *_):
        pass


NEAR_SERVER = """
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    r = {"initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                        "serverInfo": {"name": "near", "version": "1"}},
         "tools/list": {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}}.get(m["method"])
    answer = {"result": r} if r else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], **answer}), flush=True)
"""


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

    def offered(self, *args):
        status, out, err = self.goal("Look.", "--json", "--steps", 1, "--scope", "full", *args)
        self.assertIn(status, (0, 1), err)
        offers = [step["tools"] for step in self.lines(out) if step["type"] == "offer"]
        return offers[0] if offers else err, err

    def test_mcp_servers(self):
        listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarServer)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        self.addCleanup(listening.server_close)
        self.addCleanup(listening.shutdown)
        host = f"127.0.0.1:{listening.server_port}"
        (self.workspace / "near.py").write_text(NEAR_SERVER)
        near = {"command": "python3", "args": ["near.py"], "sandbox": True}
        data = self.root / "home" / "agent"
        data.mkdir(parents=True)
        (data / "mcp.json").write_text(json.dumps({"mcpServers": {"near": near, "far": {"url": f"http://{host}/mcp"}}}))
        wanted = ("--tools", "near__look,far__look,strange__look", "--data-dir", data)
        tools, err = self.offered(*wanted, "--allow-host", host)
        self.assertEqual(sorted(tools), ["far__look", "near__look"], err)
        tools, err = self.offered(*wanted)
        self.assertEqual(tools, ["near__look"], err)
        self.assertIn(f"--allow-host {host}", err)
        tools, err = self.offered(*wanted, "--mcp", "far", "--allow-host", host)
        self.assertEqual(tools, ["far__look"], err)
        # What came with the folder waits for a person's yes.
        (self.workspace / ".ondol").mkdir()
        (self.workspace / ".ondol" / "mcp.json").write_text(json.dumps({"mcpServers": {"strange": near}}))
        tools, err = self.offered(*wanted, "--approve", "auto")
        self.assertEqual(tools, ["near__look"], err)
        self.assertIn("'strange' is left out", err)
        status, _, err = self.goal("x", "--mcp", "none-such", "--data-dir", data)
        self.assertEqual(status, 1)
        self.assertIn("near, far, strange", err)

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
