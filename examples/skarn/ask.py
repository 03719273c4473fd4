#!/usr/bin/env python3
"""Asks a taught model about Skarn, and counts the answers that have in them what they should.

usage: ask.py ONDOL MODEL ADAPTER
"""
import json
import pathlib
import subprocess
import sys


def main(ondol, model, adapter):
    right = {"question": 0, "asked_differently": 0}
    for line in (pathlib.Path(__file__).parent / "questions.jsonl").read_text().splitlines():
        case = json.loads(line)
        for kind in right:
            answer = subprocess.run([ondol, "run", model, case[kind], "--temp", "0", "-n", "40", "--adapter", adapter],
                                    check=True, capture_output=True, text=True).stdout
            right[kind] += case["expected"].lower() in answer.lower()
    print(json.dumps(right))


if __name__ == "__main__":
    main(*sys.argv[1:])
