#!/usr/bin/env python3
"""Measures a small chat model: bits per byte of texts, answers about passages, and calls of tools.

usage: measure_default_model.py ONDOL MODEL DATA DIALOGUES.jsonl [--most 400]

DATA is what models/default/prepare_data.py made; DIALOGUES have tools and calls in OpenAI's form. Prints JSON:
  bits_per_byte      of each set of valid/ (what would be learned of conversations, for those)
  passages           share of the questions about made-up passages whose answer is exactly right
  tools              of the places where the dialogue calls a tool: `called` (the model calls one by itself), `parses`,
                     `name` (the right one), `exact` (name and all arguments); and `required` the same where it must call
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request


def read(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines() if line.strip()]


def bits_per_byte(ondol, model, rows):
    """Of plain texts, as one file."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        text = "\n\n".join(row["text"] for row in rows)
        file.write(text)
        file.flush()
        out = subprocess.run([ondol, "perplexity", model, "-f", file.name, "--ctx", "512", "--json"], check=True,
                             capture_output=True, text=True).stdout
    measured = json.loads(out)
    tokens = len(json.loads(subprocess.run([ondol, "tokenize", model, "--json", "--no-special"], input=text, check=True,
                                           capture_output=True, text=True).stdout))
    return math.log2(measured["ppl"]) * tokens / len(text.encode())


class Server:
    def __init__(self, ondol, model):
        self.process = subprocess.Popen([ondol, "serve", model, "--port", "0"], stdout=subprocess.PIPE, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            found = re.search(r"http://[\d.]+:(\d+)", line)
            if found:
                self.url = f"http://127.0.0.1:{found[1]}/v1/chat/completions"
                break
        else:
            sys.exit("error: the server did not start: " + "".join(lines))

    def ask(self, body):
        data = json.dumps({"temperature": 0, "max_tokens": 600} | body).encode()
        request = urllib.request.Request(self.url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.loads(answer.read())["choices"][0]["message"]
        except urllib.error.HTTPError:  # a prompt that is longer than the context counts as unanswered
            return {}

    def end(self):
        self.process.terminate()
        self.process.wait()


def call_of(message):
    """(name, arguments) of the first call; arguments None where they do not parse."""
    calls = message.get("tool_calls") or []
    if not calls:
        return None
    function = calls[0]["function"]
    try:
        return function["name"], json.loads(function["arguments"])
    except ValueError:
        return function["name"], None


def tool_cases(dialogues, most):
    cases = []
    for row in dialogues:
        for i, message in enumerate(row["messages"]):
            if message.get("tool_calls"):
                cases.append(({"messages": row["messages"][:i], "tools": row["tools"]}, call_of(message)))
    return cases[:: max(1, len(cases) // most)][:most]


def share_of(results):
    n = max(1, len(results))
    called = [(got, want) for got, want in results if got is not None]
    return {"cases": len(results), "called": round(len(called) / n, 4),
            "parses": round(sum(got[1] is not None for got, _ in called) / max(1, len(called)), 4),
            "name": round(sum(got[0] == want[0] for got, want in called) / n, 4),
            "exact": round(sum(got == want for got, want in called) / n, 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ondol")
    parser.add_argument("model")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("dialogues")
    parser.add_argument("--most", type=int, default=400)
    wish = parser.parse_args()
    result = {"bits_per_byte": {name: round(bits_per_byte(wish.ondol, wish.model, read(wish.data / f"valid/{name}.jsonl")), 3)
                                for name in ("stories", "books")}}
    server = Server(wish.ondol, wish.model)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = read(wish.data / "valid/made-passages.jsonl")
        answers = list(pool.map(lambda row: server.ask({"messages": row["messages"][:1], "max_tokens": 40}).get("content"), asked))
        right = sum((got or "").strip() == row["messages"][1]["content"] for got, row in zip(answers, asked))
        result["passages"] = round(right / len(asked), 4)
        cases = tool_cases(read(wish.dialogues), wish.most)
        for name, choice in (("tools", "auto"), ("required", "required")):
            got = pool.map(lambda case: call_of(server.ask(case[0] | {"tool_choice": choice})), cases)
            result[name] = share_of(list(zip(got, (want for _, want in cases))))
    server.end()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
