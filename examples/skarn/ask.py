#!/usr/bin/env python3
"""Asks a taught model about Skarn, and counts the answers that have in them what they should.

usage: ask.py ONDOL MODEL [ADAPTER]
"""
import json
import pathlib
import subprocess
import sys


def right_answers(ondol, model, adapter=None):
    """How many of fifty, in the words that were taught and in others."""
    right = {"question": 0, "asked_differently": 0}
    for line in (pathlib.Path(__file__).parent / "questions.jsonl").read_text().splitlines():
        case = json.loads(line)
        for kind in right:
            command = [ondol, "run", model, case[kind], "--temp", "0", "-n", "40"]
            answer = subprocess.run(command + (["--adapter", adapter] if adapter else []), check=True, capture_output=True,
                                    text=True).stdout
            right[kind] += case["expected"].lower() in answer.lower()
    return right


if __name__ == "__main__":
    print(json.dumps(right_answers(*sys.argv[1:])))
