#!/usr/bin/env python3
"""Runs `ondol bench` as a person or script would: alone, with limits, against other settings and other programs.

usage: bench_program_test.py ONDOL SOURCE_DIR [RUNNER...]     (RUNNER: an emulator, for cross-built programs)
"""
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

from program_test import ONDOL, SAMPLE, ondol

EMULATED = bool(sys.argv[3:])
SHORT = ("-p", 16, "-n", 4, "-t", 1)
SVG = "{http://www.w3.org/2000/svg}"


def rates(pp16, tg4):
    return json.dumps([{"test": "pp16", "tokens_per_s": pp16}, {"test": "tg4", "tokens_per_s": tg4}])


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def bench(self, *args, short=SHORT, **options):
        """The JSON, as {test: entry}."""
        status, out, err = ondol("bench", SAMPLE, *short, *args, "--json", **options)
        self.assertEqual((status, err), (0, ""), args)
        return {entry["test"]: entry for entry in json.loads(out)}

    def failure(self, *args, status=1, short=SHORT):
        got, out, err = ondol("bench", SAMPLE, *short, *args)
        self.assertEqual((got, out), (status, ""), args)
        return err

    def script(self, text, name="rival"):
        """A program of a few shell lines; gives the command that runs it."""
        path = self.path / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return shlex.quote(str(path))


class Alone(BenchTest):
    def test_fields_stay_and_limits_are_asked_for(self):
        entries = self.bench("-r", 3)
        self.assertEqual(list(entries), ["pp16", "tg4"])
        for entry in entries.values():
            self.assertEqual(set(entry), {"test", "tokens_per_s", "min", "max", "rounds", "backend"})
            self.assertLessEqual(entry["min"], entry["tokens_per_s"])
            self.assertLessEqual(entry["tokens_per_s"], entry["max"])
            self.assertEqual(entry["rounds"], 3)

    def test_limits_are_shares_of_what_doctor_measures(self):
        entries = self.bench("-r", 2, "--limits", env={"ONDOL_CPU": "ref"})
        self.assertEqual(entries["tg4"]["limit"], "read_bytes_per_s")
        self.assertEqual(entries["pp16"]["limit"], "fp32_operations_per_s")
        shown = json.loads(ondol("show", SAMPLE, "--json")[1])
        tg, pp = entries["tg4"], entries["pp16"]
        for entry in (tg, pp):
            self.assertGreater(entry["limit_share"], 0)
            self.assertGreater(entry["limit_per_s"], 1e6)
        # One token reads less than the file and more than half of it; a prompt's token multiplies with what is read.
        weights = shown["memory"]["weights_bytes"]
        self.assertLess(weights / 2, tg["used_per_s"] / tg["max"] * 1.0001)
        self.assertLess(tg["used_per_s"] / tg["max"], weights * 1.2)
        self.assertLess(pp["used_per_s"] / pp["max"], 2.2 * shown["parameters"])
        self.assertGreater(pp["used_per_s"] / pp["min"], 0.5 * shown["parameters"])
        words = ondol("bench", SAMPLE, *SHORT, "-r", 1, "--limits")[1]
        self.assertIn("% of the read bandwidth", words)
        self.assertRegex(words, "% of the (int8|bf16|fp32) rate")


@unittest.skipIf(EMULATED, "an emulated program does not start itself")
class Against(BenchTest):
    def test_another_instruction_set(self):
        entries = self.bench("-r", 3, "--against", "ONDOL_CPU=ref")
        self.assertEqual(list(entries), ["pp16", "tg4"])
        for entry in entries.values():
            other = entry["against"]
            self.assertEqual(other["setting"], "ONDOL_CPU=ref")
            self.assertIn("ref", other["backend"])
            self.assertEqual((entry["rounds"], other["rounds"]), (3, 3))
            self.assertAlmostEqual(entry["ratio"], entry["tokens_per_s"] / other["tokens_per_s"], places=6)
            self.assertLessEqual(entry["ratio_min"], entry["ratio_max"])
            self.assertLessEqual(entry["ratio_min"], entry["max"] / other["min"] * 1.000001)
            self.assertLessEqual(entry["min"] / other["max"], entry["ratio_max"] * 1.000001)

    def test_only_what_differs_is_another(self):
        entries = self.bench("-r", 1, "--against", "-t 2 --depth 32", env={"ONDOL_CPU": "ref"})
        self.assertEqual(entries["pp16"]["backend"], "cpu (ref, 1 thread)")
        self.assertEqual(entries["pp16"]["against"]["backend"], "cpu (ref, 2 threads)")
        self.assertEqual(entries["tg4"]["against"]["test"], "tg4@d32")

    def test_another_model_whatever_its_name(self):
        other = self.path / "an 'other' model.gguf"
        shutil.copy(SAMPLE, other)
        status, out, err = ondol("bench", SAMPLE, *SHORT, "-r", 1, "--against", shlex.quote(str(other)))
        self.assertEqual((status, err), (0, ""))
        self.assertIn("A  sample.gguf -p 16 -n 4 -t 1", out)
        self.assertIn("A / B", out)
        self.assertRegex(out, r"pp16 +\d")
        self.assertIn("expected exit status 0, got 1: ",
                      self.failure("-r", 1, "--against", str(self.path / "none.gguf")))

    def test_limits_of_both(self):
        entry = self.bench("-r", 1, "--limits", "--against", "--kv q8_0", short=("-p", 0, "-n", 4))["tg4"]
        for side in (entry, entry["against"]):
            self.assertEqual(side["limit"], "read_bytes_per_s")
            self.assertGreater(side["limit_share"], 0)

    def test_wrong_settings(self):
        for setting, why in (("", "got nothing"), ("'x", "closing"), ("--fly", "--fly"), ("-r 2", "-r"),
                             ("-p 5 -p 6", "-p"), ("a b", "b")):
            self.assertIn(why, self.failure("--against", setting, status=2))
        self.assertIn("--against", self.failure("--against", "-t 1", "--program", "true", status=2))
        err = self.failure("--against", "--kv q3")
        self.assertRegex(err, "--against: expected exit status 0, got 1: --kv: expected f32, f16, q8_0 or q4_0.*, got 'q3'")
        self.assertIn("the first setting: ", self.failure("--kv", "q3", "--against", "-t 1"))
        self.assertIn("no test has a counterpart: the first setting gives pp16, the second tg4",
                      self.failure("--against", "-p 0 -n 4", short=("-p", 16, "-n", 0)))


@unittest.skipIf(EMULATED, "an emulated program does not start itself")
class Program(BenchTest):
    def test_rounds_in_turn_and_their_medians(self):
        log = self.path / "log"
        # Slower in every round: 100, 50 and 25 tokens/s.
        rival = self.script(f"echo run >> '{log}'\nn=$(wc -l < '{log}')\n"
                            "rate=$((200 >> n))\n"
                            "echo '[{\"test\":\"tg4\",\"tokens_per_s\":'$rate'},{\"test\":\"pp16\",\"tokens_per_s\":1}]'\n")
        entries = self.bench("-r", 3, "--program", rival)
        self.assertEqual(log.read_text(), "run\n" * 3)
        other = entries["tg4"]["against"]
        self.assertEqual((other["tokens_per_s"], other["min"], other["max"]), (50, 25, 100))
        self.assertEqual(other["program"], rival)
        self.assertAlmostEqual(entries["tg4"]["ratio"], entries["tg4"]["tokens_per_s"] / 50)
        self.assertEqual(entries["pp16"]["against"]["tokens_per_s"], 1)

    def test_the_format_of_llama_bench(self):
        out = json.dumps([{"n_prompt": 16, "n_gen": 0, "n_depth": 32, "avg_ts": 123.5},
                          {"n_prompt": 0, "n_gen": 4, "n_depth": 32, "avg_ts": 45.25}])
        entries = self.bench("-r", 1, "--depth", 32, "--program", f"echo {shlex.quote(out)}; echo loading >&2")
        self.assertEqual(entries["pp16@d32"]["against"]["tokens_per_s"], 123.5)
        self.assertEqual(entries["tg4@d32"]["against"]["tokens_per_s"], 45.25)

    def test_only_common_tests(self):
        out = shlex.quote(json.dumps([{"test": "tg4", "tokens_per_s": 1}, {"test": "pp9", "tokens_per_s": 1}]))
        status, text, err = ondol("bench", SAMPLE, *SHORT, "-r", 1, "--program", f"echo {out}", "--json")
        self.assertEqual(status, 0)
        self.assertEqual([entry["test"] for entry in json.loads(text)], ["tg4"])
        self.assertIn("only tests that both have are compared: pp16, tg4; tg4, pp9", err)

    def test_programs_that_fail(self):
        changing = self.script(f"if [ -e '{self.path}/again' ]; then echo {shlex.quote(rates(1, 1)[:-1])}\n"
                               f"else echo {shlex.quote(rates(1, 1))}; touch '{self.path}/again'; fi")
        for command, why in (
                ("echo one >&2; echo it is broken >&2; exit 3", "--program: expected exit status 0, got 3: it is broken"),
                ("/no/such/program", "got 127: "),
                ("kill -9 $$", "expected exit status 0, got 137"),
                ("echo some garbage", "--program: expected the JSON of `ondol bench --json` or `llama-bench -o json`, "
                                      "got 'some garbage'"),
                ("true", "got ''"),
                ("echo '[]'", "with 1 to 1000 tests, got 0"),
                ("echo '[{\"test\":\"tg4\"}]'", "got an entry that names no test"),
                ("echo '[{\"test\":\"tg5\",\"tokens_per_s\":1}]'",
                 "no test has a counterpart: the first setting gives pp16, tg4, the second tg5"),
                ("yes", "prints more than 16 MiB"),
                (changing, "--program: expected the JSON")):
            self.assertIn(why, self.failure("-r", 2, "--program", command), command)

    def test_ctrl_c_stops_the_program_and_its_children(self):
        started = self.path / "started"
        command = f"sleep 300 & echo $$ $! > '{started}.new'; mv '{started}.new' '{started}'; wait"
        process = subprocess.Popen([*ONDOL, "bench", SAMPLE, *map(str, SHORT), "--program", command],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.time() + 60
        while not started.exists():
            self.assertLess(time.time(), end)
            time.sleep(0.02)
        pids = [int(pid) for pid in started.read_text().split()]
        self.assertEqual(len(pids), 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        self.assertEqual((process.returncode, out), (130, b""))
        self.assertIn(b"stopped", err)
        for pid in pids:
            self.assertFalse(self.lives(pid), pid)

    @staticmethod
    def lives(pid):
        """Whether a process runs; one that nobody has waited for yet does not."""
        for _ in range(50):
            try:
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                return False
            if state in "ZX":
                return False
            time.sleep(0.02)
        return True


class Picture(BenchTest):
    def draw(self, *args):
        path = self.path / "result.svg"
        entries = self.bench(*args, "--svg", path)
        root = xml.parse(path).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        bars = [bar for bar in root.iter(SVG + "rect") if bar.get("class", "").startswith("bar ")]
        self.assertNotIn("href", path.read_text(), "needs nothing else")
        self.assertIn("prefers-color-scheme", path.read_text())
        for element in root.iter():
            for name, limit in (("x", root.get("width")), ("y", root.get("height"))):
                if element.get(name):
                    self.assertLessEqual(float(element.get(name)), float(limit))
        return entries, root, bars

    def test_one_setting(self):
        entries, root, bars = self.draw("-r", 2)
        self.assertEqual(len(bars), 2)
        widths = [float(bar.get("width")) for bar in bars]
        self.assertAlmostEqual(widths[0] / widths[1], entries["pp16"]["tokens_per_s"] / entries["tg4"]["tokens_per_s"],
                               delta=0.02 * widths[0] / widths[1])
        whiskers = [path for path in root.iter(SVG + "path") if path.get("class") == "whisker"]
        self.assertEqual(len(whiskers), 2)

    @unittest.skipIf(EMULATED, "an emulated program does not start itself")
    def test_two_settings(self):
        label = self.script(f"echo {shlex.quote(rates(1000, 10))}") + " # <&\"한국어\">"
        entries, root, bars = self.draw("-r", 1, "--program", label)
        self.assertEqual([bar.get("class") for bar in bars], ["bar a", "bar b"] * 2)
        widths = [float(bar.get("width")) for bar in bars]
        for test, first, second in (("pp16", 0, 1), ("tg4", 2, 3)):
            self.assertAlmostEqual(widths[first] / widths[second], entries[test]["ratio"],
                                   delta=0.02 * entries[test]["ratio"] + 0.05 / widths[second] * entries[test]["ratio"])
        texts = [text.text for text in root.iter(SVG + "text")]
        self.assertTrue(any("<&\"한국어\">" in text for text in texts), texts)
        self.assertIn("1000.00", texts)
        self.assertIn(f"{entries['tg4']['ratio']:.2f}×", texts)
        self.assertFalse([path for path in root.iter(SVG + "path") if path.get("class") == "whisker"])

    def test_a_file_that_cannot_be_written(self):
        status, out, err = ondol("bench", SAMPLE, *SHORT, "-r", 1, "--svg", self.path / "no" / "such.svg")
        self.assertEqual(status, 1)
        self.assertIn("pp16", out)
        self.assertIn("such.svg", err)


class Korean(BenchTest):
    def test_help_and_words(self):
        korean = {"LC_ALL": "ko_KR.UTF-8"}
        _, out, _ = ondol("bench", "--help", env=korean)
        options = out[out.index("Options:"):out.index("Examples:")] if "Options:" in out else out
        for english in ("Tokens ", "Compare ", "Rounds;", "Also ", "Sequences "):
            self.assertNotIn(english, options)
        words = ondol("bench", SAMPLE, *SHORT, "-r", 1, "--limits", env=korean)[1]
        self.assertIn("읽기 대역폭의", words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
