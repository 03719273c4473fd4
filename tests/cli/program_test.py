#!/usr/bin/env python3
"""Runs the built program as a person or script would, on the sample model, and checks the command-line contract.

usage: program_test.py ONDOL SOURCE_DIR [RUNNER...]     (RUNNER: an emulator, for cross-built programs)
"""
import json
import math
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ONDOL = sys.argv[3:] + [sys.argv[1]]
SOURCE = pathlib.Path(sys.argv[2])
SAMPLE = str(SOURCE / "examples" / "sample.gguf")
GOLDEN_LLAMA = str(SOURCE / "tests" / "golden" / "models" / "llama.gguf")
KOREAN = "안녕하세요, 오늘 날씨가 좋네요 😀"


def ondol(*args, stdin="", env=None, timeout=120):
    """Exit status, standard output and standard error, as text."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "ONDOL_HOME": "/nonexistent", "HF_HUB_CACHE": "/nonexistent",
                   "OLLAMA_MODELS": "/nonexistent", **(env or {})}
    done = subprocess.run([*ONDOL, *map(str, args)], input=stdin.encode(), capture_output=True, env=environment,
                          timeout=timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Usage(unittest.TestCase):
    def test_help_succeeds_and_has_examples(self):
        status, out, _ = ondol("--help")
        self.assertEqual(status, 0)
        self.assertIn("Examples:", out)
        for command in ("run", "chat", "show", "list", "pull", "rm", "tokenize", "detokenize", "template", "perplexity",
                        "logits", "embed", "quantize", "convert", "bench", "doctor", "imatrix", "serve", "train",
                        "merge", "plot", "act"):
            status, out, _ = ondol(command, "--help")
            self.assertEqual(status, 0, command)
            self.assertIn(f"ondol {command}", out[out.index("Examples:"):])

    def test_help_is_korean_in_a_korean_locale(self):
        _, out, _ = ondol("--help", env={"LC_ALL": "ko_KR.UTF-8"})
        self.assertIn("질문 하나에 답하거나 글을 이어 씁니다", out)

    def test_wrong_usage_is_2(self):
        for args in ((), ("fly",), ("run", "--no-such-option"), ("tokenize",), ("bench", SAMPLE, "-r", "0"),
                     ("perplexity", SAMPLE, "-f", "x", "--base-kv", "f16")):
            status, out, err = ondol(*args)
            self.assertEqual((status, out), (2, ""), args)
            self.assertTrue(err)

    def test_failures_are_1_and_say_why(self):
        cases = ((("run", "/no/such.gguf", "x"), "/no/such.gguf: there is no such file"),
                 (("show", "no-such-model"), "ondol pull no-such-model"),
                 (("run", SAMPLE, "x", "--kv", "q3"), "--kv: expected f32, f16, q8_0 or q4_0, or two of them as in"),
                 (("run", SAMPLE, "x", "--kv", "q8_0/"), "(keys/values), got 'q8_0/'"),
                 (("logits", SAMPLE, "--tokens", "99999999"), "expected token ids from 0 to"),
                 (("run", SAMPLE, "x", "--samplers", "top_q"), "'top_q'"),
                 (("run", SAMPLE, "x", "--speculate", "8"), "--speculate: expected auto, off or a number up to 7"),
                 (("chat", SAMPLE, "--speculate", "on"), "--speculate: expected auto, off or a number up to 7"),
                 (("run", SAMPLE, "x", "--draft", SAMPLE, "--speculate", "off"), "--draft: expected guessing to be on"),
                 (("run", SAMPLE, "x", "--draft", "/no/such.gguf"), "--draft: /no/such.gguf: there is no such file"),
                 (("chat", SAMPLE, "--draft", "no-such-model"), "--draft: "),
                 (("run", SAMPLE, "x", "--draft", GOLDEN_LLAMA), "llama.gguf: "))
        for args, message in cases:
            status, out, err = ondol(*args)
            self.assertEqual((status, out), (1, ""), args)
            self.assertIn(message, err)


class Run(unittest.TestCase):
    def text(self, *args, **options):
        status, out, err = ondol("run", SAMPLE, *args, **options)
        self.assertEqual(status, 0, err)
        return out

    def test_greedy_text_is_the_same_for_any_number_of_threads(self):
        one = self.text("Once upon a time", "--raw", "--temp", "0", "-n", "40", "-t", "1")
        self.assertGreater(len(one), 60)
        for threads in ("2", "3"):
            self.assertEqual(one, self.text("Once upon a time", "--raw", "--temp", "0", "-n", "40", "-t", threads))

    def test_the_same_seed_gives_the_same_text(self):
        args = ("Once upon a time", "--raw", "-n", "30", "--temp", "1.2")
        self.assertEqual(self.text(*args, "--seed", "5", "-t", "1"), self.text(*args, "--seed", "5", "-t", "2"))
        self.assertNotEqual(self.text(*args, "--seed", "5"), self.text(*args, "--seed", "6"))

    def test_speculation_is_counted_and_changes_no_text(self):
        prompt = "The cat sat. The dog sat. " * 3
        for sampling in (("--temp", "0"), ("--seed", "7")):
            args = (prompt, "--raw", "-n", "60", *sampling)
            plain = self.text(*args, "--speculate", "off")
            for wish in ("auto", "3", "7"):
                self.assertEqual(plain, self.text(*args, "--speculate", wish), wish)
        args = ("run", SAMPLE, prompt, "--raw", "-n", "60", "--temp", "0", "-v")
        self.assertIn("guesses right", ondol(*args, "--speculate", "3")[2])
        self.assertNotIn("guesses", ondol(*args, "--speculate", "off")[2])

    def test_a_draft_model_changes_no_text(self):
        with tempfile.TemporaryDirectory() as folder:
            small = pathlib.Path(folder) / "small.gguf"
            self.assertEqual(ondol("quantize", SAMPLE, small, "--type", "Q2_K", "--allow-requantize")[0], 0)
            prompt = "Once upon a time"
            for sampling in (("--temp", "0"), ("--seed", "7")):
                args = (prompt, "--raw", "-n", "60", *sampling)
                plain = self.text(*args, "--speculate", "off")
                for draft in (SAMPLE, small):
                    for wish in ("auto", "1", "7"):
                        self.assertEqual(plain, self.text(*args, "--draft", draft, "--speculate", wish), (draft, wish))
            args = ("run", SAMPLE, prompt, "--raw", "-n", "60", "--temp", "0", "-v", "--speculate", "3")
            for draft in (SAMPLE, small):
                right, guessed = re.search(r"(\d+) of (\d+) guesses right", ondol(*args, "--draft", draft)[2]).groups()
                self.assertGreater(int(right), int(guessed) // 4)
            args = ("--temp", "0", "-n", "30")
            plain = ondol("chat", SAMPLE, *args, stdin="hello\nand now?\n/retry\n")
            self.assertEqual(plain[0], 0)
            self.assertEqual(plain, ondol("chat", SAMPLE, *args, "--draft", small, stdin="hello\nand now?\n/retry\n"))

    def test_a_draft_model_with_another_vocabulary_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.gguf"
            other.write_bytes(pathlib.Path(SAMPLE).read_bytes().replace(b"<|im_start|>", b"<|im_begin|>"))
            status, out, err = ondol("run", SAMPLE, "hello", "--draft", other)
            self.assertEqual((status, out), (1, ""))
            self.assertIn("other.gguf: expected a draft model with the vocabulary of", err)
            self.assertIn("2048 tokens", err)

    def test_text_comes_from_standard_input_and_nothing_else_is_printed(self):
        status, out, err = ondol("run", SAMPLE, "--raw", "--temp", "0", "-n", "5", stdin="Once upon a time")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, self.text("Once upon a time", "--raw", "--temp", "0", "-n", "5"))

    def test_korean_comes_out_whole(self):
        out = self.text("안녕하세요", "--temp", "0", "-n", "30")
        self.assertNotIn("\ufffd", out)

    def test_a_full_context_is_said(self):
        status, out, err = ondol("run", SAMPLE, "Once upon a time", "--raw", "--ctx", "32", "-n", "100", "--temp", "0")
        self.assertEqual(status, 0)
        self.assertIn("the context of 32 tokens is full", err)
        status, _, err = ondol("run", SAMPLE, "word " * 100, "--raw", "--ctx", "32")
        self.assertEqual(status, 1)
        self.assertIn("the context is full", err)

    def test_shift_goes_on(self):
        forbid_the_end = ("--logit-bias", "0=-inf", "--logit-bias", "2=-inf")
        args = ("Once upon a time", "--raw", "--ctx", "64", "-n", "100", "--seed", "1", *forbid_the_end)
        cut, shifted = self.text(*args), self.text(*args, "--shift")
        self.assertTrue(shifted.startswith(cut.rstrip("\n")))
        self.assertGreater(len(shifted), len(cut) + 40)

    def test_stop_texts_are_not_shown(self):
        whole = self.text("Once upon a time", "--raw", "--temp", "0", "-n", "40")
        stop = whole.split()[5]
        cut = self.text("Once upon a time", "--raw", "--temp", "0", "-n", "40", "--stop", stop)
        self.assertNotIn(stop, cut)
        self.assertTrue(whole.startswith(cut.rstrip("\n")))

    def test_compressed_caches_run(self):
        for kind in ("f32", "q8_0", "q4_0", "q8_0/q4_0"):
            self.assertTrue(self.text("Once upon a time", "--raw", "--temp", "0", "-n", "8", "--kv", kind))


class Parts(unittest.TestCase):
    def test_tokenize_and_back(self):
        status, out, _ = ondol("tokenize", SAMPLE, "--json", stdin=KOREAN)
        self.assertEqual(status, 0)
        ids = json.loads(out)
        self.assertTrue(all(isinstance(i, int) for i in ids))
        status, text, _ = ondol("detokenize", SAMPLE, stdin=json.dumps(ids))
        self.assertEqual((status, text), (0, KOREAN))
        self.assertEqual(ondol("detokenize", SAMPLE, stdin="[1, \"x\"]")[0], 1)

    def test_template(self):
        with tempfile.TemporaryDirectory() as folder:
            context = pathlib.Path(folder) / "context.json"
            context.write_text(json.dumps({"messages": [{"role": "user", "content": "hi"}], "add_generation_prompt": True}))
            status, out, err = ondol("template", SAMPLE, "--context", context)
            self.assertEqual((status, err), (0, ""))
            self.assertEqual(out, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
            own = pathlib.Path(folder) / "own.jinja"
            own.write_text("{{ strftime_now('%Y-%m-%d') }} {% if %}")
            self.assertIn("own.jinja", ondol("template", "--template-file", own, "--context", context)[2])
            own.write_text("{{ strftime_now('%Y-%m-%d %H:%M') }}")
            status, out, _ = ondol("template", "--template-file", own, "--context", context,
                                   env={"ONDOL_NOW": "2026-01-15T09:30"})
            self.assertEqual((status, out), (0, "2026-01-15 09:30"))

    def test_adapters_change_the_logits_as_peft_says(self):
        golden = SOURCE / "tests/golden"
        expected = json.loads((golden / "adapters/llama/expected.json").read_text())
        tokens = ",".join(map(str, expected["tokens"]))
        base = ("logits", str(golden / "hugging_face/llama"), "--tokens", tokens, "--json", "--kv", "f32")
        adapter = str(golden / "adapters/llama")

        def distance(*more):
            status, out, err = ondol(*base, *more)
            self.assertEqual(status, 0, err)
            logits = json.loads(out)
            logits = logits["logits"] if isinstance(logits, dict) else logits
            return max(abs(a - b) for a, b in zip(logits, expected["logits"][-1], strict=True))

        self.assertLess(distance("--adapter", adapter), 1e-4)
        self.assertGreater(distance(), 0.1)
        self.assertGreater(distance("--adapter", adapter + "=0.5"), 0.01)
        status, _, err = ondol(*base, "--adapter", adapter + "=half")
        self.assertEqual(status, 1)
        self.assertIn("expected a number after '=', got 'half'", err)

    def test_train_teaches_an_adapter(self):
        with tempfile.TemporaryDirectory() as folder:
            data, out, log = (pathlib.Path(folder) / name for name in ("a.jsonl", "a.gguf", "log.jsonl"))
            data.write_text('{"prompt": "the colour of the door", "completion": " is a deep blue"}\n' * 4)
            status, _, err = ondol("train", "--model", SAMPLE, "--data", data, "--out", out, "--log", log, "--steps", 60,
                                   "--lr", "1e-2", "--seq", 128, "--rank", 8, "-t", 2)
            self.assertEqual(status, 0, err)
            steps = [json.loads(line) for line in log.read_text().splitlines()]
            self.assertEqual([step["step"] for step in steps], list(range(1, 61)))
            self.assertLess(steps[-1]["loss"], 0.6 * steps[0]["loss"])
            for key in ("tokens", "tokens_per_s", "grad_norm", "lr"):
                self.assertGreater(steps[0][key], 0)
            arguments = ("run", SAMPLE, "the colour of the door", "--raw", "--temp", 0, "-n", 12)
            _, plain, _ = ondol(*arguments)
            _, taught, _ = ondol(*arguments, "--adapter", out)
            self.assertNotEqual(plain, taught)
            # As help's example has it: the path does not take the prompt for another one.
            self.assertEqual(ondol("run", SAMPLE, "--adapter", out, *arguments[2:])[1], taught)

    def test_train_says_what_is_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "a.jsonl"
            data.write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n')
            out = pathlib.Path(folder) / "a.gguf"
            for args, message in ((("--out", out), "a.jsonl"), (("--out", data), "--out: expected a name"),
                                  (("--out", out, "--method", "half"), "--method: expected one of lora"),
                                  (("--out", out, "--precision", "fp4"), "--precision: expected one of fp32, bf16, int8"),
                                  (("--out", out, "--target", "attn_x"), "attn_x")):
                if "--target" in args:
                    data.write_text('{"prompt": "a", "completion": "b"}\n')
                status, _, err = ondol("train", SAMPLE, data, *args)
                self.assertEqual(status, 1, args)
                self.assertIn(message, err)
                self.assertFalse(out.exists())

    def test_show(self):
        status, out, _ = ondol("show", SAMPLE, "--json")
        self.assertEqual(status, 0)
        shown = json.loads(out)
        self.assertEqual(shown["architecture"], "llama")
        self.assertGreater(shown["parameters"], 1_000_000)
        self.assertGreater(shown["memory"]["kv_bytes_per_token"], 0)
        self.assertTrue(shown["memory"]["fits"])
        self.assertEqual(shown["layout"]["repacked_bytes"], 0)
        doctor = json.loads(ondol("doctor", "--json")[1])
        self.assertEqual(shown["layout"]["instruction_set"], doctor["instruction_set"])
        status, out, _ = ondol("show", SAMPLE, "--json", "--ctx", 1 << 29)
        self.assertFalse(json.loads(out)["memory"]["fits"])

    def test_logits_and_perplexity(self):
        status, out, _ = ondol("logits", SAMPLE, "--tokens", "1,2,3", "--json")
        self.assertEqual(status, 0)
        self.assertTrue(all(math.isfinite(x) for x in json.loads(out)))
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "text.txt"
            text.write_text("Once upon a time there was a little girl who lived in a house by the sea. " * 20)
            status, out, err = ondol("perplexity", SAMPLE, "-f", text, "--ctx", 64, "--json")
            self.assertEqual(status, 0, err)
            result = json.loads(out)
            self.assertAlmostEqual(math.exp(result["nll"]), result["ppl"], places=3)
            self.assertLess(result["ppl"], 500)
            status, out, _ = ondol("perplexity", SAMPLE, "-f", text, "--ctx", 64, "--json", "--base", SAMPLE)
            self.assertLess(json.loads(out)["kl"], 1e-9)
            coarse = ("--kv", "q4_0", "--base", SAMPLE, "--base-kv", "f32")
            status, out, _ = ondol("perplexity", SAMPLE, "-f", text, "--ctx", 64, "--json", *coarse)
            self.assertTrue(1e-6 < json.loads(out)["kl"] < 0.1, out)

    def test_embed(self):
        status, out, err = ondol("embed", SAMPLE, "--json", stdin="a cat\na dog\n")
        self.assertEqual(status, 0, err)
        vectors = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(vectors), 2)
        self.assertAlmostEqual(sum(x * x for x in vectors[0]), 1, places=4)

    def test_bench_and_doctor(self):
        status, out, err = ondol("bench", SAMPLE, "-p", 16, "-n", 4, "-r", 2, "--json")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([entry["test"] for entry in json.loads(out)], ["pp16", "tg4"])
        status, out, _ = ondol("doctor", "--json", "--quick")
        machine = json.loads(out)
        self.assertIn("ref", machine["instruction_sets"])
        self.assertGreaterEqual(machine["processors"], machine["cores"])
        self.assertLess(machine["efficiency_cores"], machine["cores"])
        self.assertGreaterEqual(machine["memory_nodes"], 1)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_quantize_imatrix_and_convert(self):
        text = self.path / "text.txt"
        text.write_text("Once upon a time there was a little girl who lived in a house by the sea. " * 20)
        matrix = self.path / "m.imatrix.gguf"
        status, _, err = ondol("imatrix", SAMPLE, matrix, "-f", text, "--ctx", 64)
        self.assertEqual(status, 0, err)
        out = self.path / "q4.gguf"
        status, _, err = ondol("quantize", SAMPLE, out, "--type", "Q4_K_M", "--imatrix", matrix, "--allow-requantize")
        self.assertEqual(status, 0, err)
        status, text_out, _ = ondol("run", out, "Once upon a time", "--raw", "--temp", "0", "-n", "8")
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(ondol("show", out, "--json")[1])["quantization"], "Q4_K")
        hf = self.path / "hf"
        status, _, err = ondol("convert", SAMPLE, hf)
        self.assertEqual(status, 0, err)
        back = self.path / "back.gguf"
        status, _, err = ondol("convert", hf, back)
        self.assertEqual(status, 0, err)
        for model in (hf, back):
            self.assertEqual(ondol("tokenize", model, "--json", stdin=KOREAN)[1], ondol("tokenize", SAMPLE, "--json", stdin=KOREAN)[1])
            status, out_text, err = ondol("run", model, "안녕하세요", "--temp", "0", "-n", "4")
            self.assertEqual(status, 0, err)

    def test_what_a_model_recommends_counts_where_nothing_is_said(self):
        model = self.path / "calm.gguf"
        status, _, err = ondol("quantize", SAMPLE, model, "--type", "Q8_0", "--allow-requantize", "--override-kv",
                               "general.sampling.temp=float:0", "--override-kv", "general.name=str:calm")
        self.assertEqual(status, 0, err)
        args = ("run", model, "Once upon a time", "--raw", "-n", "20")
        calm = ondol(*args, "--seed", "5")[1]
        self.assertEqual(calm, ondol(*args, "--seed", "6")[1])
        self.assertNotEqual(calm, ondol(*args, "--seed", "6", "--temp", "1.5")[1])
        with subprocess.Popen([*ONDOL, "serve", str(model), "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
            url = next(found[0] for line in server.stdout if (found := re.search(r"http://[\d.]+:\d+", line)))
            said = []
            for more in ({"seed": 5}, {"seed": 6}, {"seed": 6, "temperature": 1.5}):
                body = {"prompt": "Once upon a time", "max_tokens": 20} | more
                with urllib.request.urlopen(f"{url}/v1/completions", json.dumps(body).encode()) as answer:
                    said.append(json.loads(answer.read())["choices"][0]["text"])
            server.terminate()
        self.assertEqual(said[0], said[1])
        self.assertNotEqual(said[1], said[2])
        status, _, err = ondol("quantize", SAMPLE, model, "--type", "Q8_0", "--override-kv", "temp=0")
        self.assertEqual(status, 1)
        self.assertIn("--override-kv: expected KEY=TYPE:VALUE", err)

    def test_a_folder_is_quantized_as_the_gguf_file_made_from_it(self):
        hf, whole = self.path / "hf", self.path / "whole.gguf"
        for args in (("convert", SAMPLE, hf), ("convert", hf, whole)):
            status, _, err = ondol(*args)
            self.assertEqual(status, 0, err)
        direct, by_way = self.path / "direct.gguf", self.path / "by-way.gguf"
        for model, out in ((hf, direct), (whole, by_way)):
            status, _, err = ondol("quantize", model, out, "--type", "Q4_K_M")
            self.assertEqual(status, 0, err)
        # The order of the metadata may differ, the weights behind it may not.
        direct_bytes, by_way_bytes = direct.read_bytes(), by_way.read_bytes()
        self.assertEqual(len(direct_bytes), len(by_way_bytes))
        n_weights = sum(json.loads(ondol("show", direct, "--json")[1])["bytes_by_type"].values())
        self.assertGreater(n_weights, 100_000)
        self.assertEqual(direct_bytes[-n_weights:], by_way_bytes[-n_weights:])
        for args, stdin in ((("tokenize", "--json"), KOREAN), (("logits", "--tokens", "1,5,9", "--json"), "")):
            first, second = (ondol(args[0], model, *args[1:], stdin=stdin)[1] for model in (direct, by_way))
            self.assertTrue(first)
            self.assertEqual(first, second)

    def test_a_cut_model_is_refused_with_a_hint(self):
        whole = pathlib.Path(SAMPLE).read_bytes()
        cut = self.path / "cut.gguf"
        for share in (0, 3, 100, 5000, len(whole) // 2, len(whole) - 1):
            cut.write_bytes(whole[:share])
            status, out, err = ondol("run", cut, "x", "--raw")
            self.assertEqual((status, out), (1, ""))
            self.assertIn("cut.gguf", err)

    def test_a_full_disk_leaves_nothing_behind(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full here")
        status, _, err = ondol("tokenize", SAMPLE, "--json", stdin="x")
        self.assertEqual(status, 0)
        out = self.path / "nowhere" / "q.gguf"
        status, _, err = ondol("quantize", SAMPLE, out, "--type", "Q4_0", "--allow-requantize")
        self.assertEqual(status, 1)
        self.assertEqual(list(self.path.iterdir()), [])


class Chat(unittest.TestCase):
    def test_a_pipe_gets_answers_and_no_prompt(self):
        status, out, err = ondol("chat", SAMPLE, "-n", "8", "--temp", "0", stdin="안녕\n반가워\n")
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn("\x1b", out)
        self.assertNotIn("> ", out)
        self.assertGreaterEqual(len(out.splitlines()), 2)

    def test_a_terminal_gets_commands_and_ctrl_c_keeps_the_chat(self):
        if sys.argv[3:]:
            self.skipTest("not under an emulator")
        with tempfile.TemporaryDirectory() as state:
            pid, fd = pty.fork()
            if pid == 0:
                os.environ.update({"XDG_STATE_HOME": state, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
                os.execv(ONDOL[0], [*ONDOL, "chat", SAMPLE, "--temp", "0", "-n", "2000", "--shift", "--ctx", "512"])
            shown = self.wait_for(fd, "> ")
            os.write(fd, b"/help\n")
            self.assertIn("/retry", self.wait_for(fd, "stop the answer"))
            os.write(fd, "안녕\n".encode())
            self.wait_for(fd, "tokens/s")
            os.write(fd, b"/stats\n")
            self.assertIn("context", self.wait_for(fd, "context"))
            os.write(fd, b"/exit\n")
            _, status = os.waitpid(pid, 0)
            self.assertEqual(os.WEXITSTATUS(status), 0, shown)
            os.close(fd)

    def wait_for(self, fd, text, seconds=60):
        seen, end = "", time.time() + seconds
        while text not in seen:
            self.assertLess(time.time(), end, f"waited for {text!r}, saw {seen!r}")
            if select.select([fd], [], [], 1)[0]:
                seen += os.read(fd, 65536).decode(errors="replace")
        return seen

    def test_ctrl_c_ends_a_run_with_what_was_said(self):
        if sys.argv[3:]:
            self.skipTest("not under an emulator")
        process = subprocess.Popen([*ONDOL, "run", SAMPLE, "Once upon a time", "--raw", "--shift", "--ctx", "256"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(out.endswith(b"\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
