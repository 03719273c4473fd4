#!/usr/bin/env python3
"""Makes tests/golden/bfcl/verdicts.jsonl: answers to questions of the Berkeley leaderboard, right ones and ones with
something changed, and what the leaderboard's own checker says of them.

usage: make_bfcl_goldens.py OUT [N per category] [SEED]      (needs: pip install --no-deps bfcl-eval)
"""
import copy
import json
import pathlib
import random
import sys
import types

import bfcl_eval


class AnyModel(dict):
    """Every model writes underscores for dots; the real list would import every vendor's client."""

    def __missing__(self, name):
        return types.SimpleNamespace(underscore_to_dot=True)


config = types.ModuleType("bfcl_eval.constants.model_config")
config.MODEL_CONFIG_MAPPING = AnyModel()
sys.modules["bfcl_eval.constants.model_config"] = config

from bfcl_eval.constants.enums import Language  # noqa: E402
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # noqa: E402

CATEGORIES = ["simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple",
              "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"]
DATA = pathlib.Path(bfcl_eval.__file__).parent / "data"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def dict_value(possible, rng):
    """A dictionary out of {key: [possible values]}."""
    value = {}
    for key, options in possible.items():
        if not isinstance(options, list) or not options:
            value[key] = options
        elif "" in options and rng.random() < 0.5:
            continue
        else:
            value[key] = rng.choice([o for o in options if o != ""] or [""])
    return value


def value_of(possible, rng):
    choice = rng.choice([p for p in possible if p != ""] or [""])
    if isinstance(choice, dict):
        return dict_value(choice, rng)
    if isinstance(choice, list):
        return [dict_value(item, rng) if isinstance(item, dict) else item for item in choice]
    return choice


def as_source(value, kind, language):
    """A value as Java or JavaScript writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        text = repr(value)
        return text + {"long": "L", "float": "f" if language == Language.JAVA else "", "Bigint": "n"}.get(kind, "")
    if language == Language.JAVASCRIPT:
        return json.dumps(value)
    items = ", ".join(json.dumps(v) for v in value) if isinstance(value, list) else ""
    if kind == "ArrayList":
        return f"new ArrayList<>(Arrays.asList({items}))"
    if kind == "Array":
        return f"new Object[]{{{items}}}"
    if isinstance(value, dict):
        puts = " ".join(f'put("{k}", {json.dumps(v)});' for k, v in value.items())
        return f"new HashMap<String, Object>() {{{{ {puts} }}}}"
    return str(value)


def right_calls(functions, answers, language, rng):
    calls = []
    for answer in answers:
        name, parameters = next(iter(answer.items()))
        details = next((f for f in functions if f["name"] == name), functions[0])["parameters"]["properties"]
        arguments = {}
        for key, possible in parameters.items():
            if "" in possible and rng.random() < 0.5:
                continue
            value = value_of(possible, rng)
            if language != Language.PYTHON:
                value = as_source(value, details.get(key, {}).get("type", "any"), language)
            arguments[key] = value
        calls.append({name.replace(".", "_"): arguments})
    return calls


def other_value(value, rng):
    """The value a little or quite different."""
    if isinstance(value, bool):
        return rng.choice([not value, int(value), str(value)])
    if isinstance(value, int):
        return rng.choice([value + 1, float(value), str(value), value + 0.5, None])
    if isinstance(value, float):
        return rng.choice([int(value), value + 1, str(value), -value])
    if isinstance(value, str):
        return rng.choice([value.upper(), value.replace(" ", ""), value + ".", "-" + value, value.replace("'", '"'),
                           value + "x", 7, [value], "", value.replace(",", "_"), f'"{value}"', value + "L", "[1, 2]",
                           "{'a': 1}", " " + value])
    if isinstance(value, list):
        choices = [value[::-1], value + value[:1], value[:-1], [], str(value), [other_value(v, rng) for v in value],
                   value[:-1] + [other_value(value[-1], rng)] if value else [1]]
        return rng.choice(choices)
    if isinstance(value, dict):
        changed = copy.deepcopy(value)
        if changed and rng.random() < 0.7:
            key = rng.choice(list(changed))
            if rng.random() < 0.5:
                del changed[key]
            else:
                changed[key] = other_value(changed[key], rng)
        else:
            changed["unexpected"] = 1
        return changed
    return 0


def changed_calls(calls, rng):
    calls = copy.deepcopy(calls)
    kind = rng.choice(["value", "value", "value", "value", "drop", "add", "name", "count", "order", "none"])
    if kind == "count":
        return rng.choice([calls[:-1], calls + calls[:1], []])
    if kind == "order":
        rng.shuffle(calls)
        return calls
    index = rng.randrange(len(calls))
    name, arguments = next(iter(calls[index].items()))
    if kind == "value" and arguments:
        key = rng.choice(list(arguments))
        arguments[key] = other_value(arguments[key], rng)
    elif kind == "drop" and arguments:
        del arguments[rng.choice(list(arguments))]
    elif kind == "add":
        arguments["unexpected"] = 1
    elif kind == "name":
        calls[index] = {name + "_2": arguments}
    return calls


def language_of(category):
    return {"simple_java": Language.JAVA, "simple_javascript": Language.JAVASCRIPT}.get(category, Language.PYTHON)


def main():
    out, n = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 40
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    written, refused = [], 0
    for category in CATEGORIES:
        questions = lines(DATA / f"BFCL_v4_{category}.json")
        answers = {line["id"]: line["ground_truth"] for line in lines(DATA / "possible_answer" / f"BFCL_v4_{category}.json")}
        made = 0
        while made < n:
            question = rng.choice(questions)
            functions, ground_truth = question["function"], answers[question["id"]]
            if len(json.dumps(functions)) > 6000 and n < 1000:
                continue  # the golden stays small
            calls = right_calls(functions, ground_truth, language_of(category), rng)
            if rng.random() < 0.75:
                calls = changed_calls(calls, rng)
            try:
                verdict = ast_checker(functions, copy.deepcopy(calls), ground_truth, language_of(category), category, "any")
            except Exception:  # the checker itself fails on it: there is no verdict
                refused += 1
                continue
            slim = [{"name": f["name"], "parameters": f["parameters"]} for f in functions]
            for function in slim:
                function["parameters"] = json.loads(json.dumps(function["parameters"]),
                                                    object_hook=lambda o: {k: v for k, v in o.items()
                                                                           if k != "description" or not isinstance(v, str)})
            written.append({"category": category, "id": question["id"], "function": slim, "ground_truth": ground_truth,
                            "calls": calls, "right": verdict["valid"],
                            "why": "" if verdict["valid"] else verdict["error_type"]})
            made += 1
    out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in written))
    right = sum(line["right"] for line in written)
    print(f"{len(written)} answers, {right} of them right; no verdict for {refused} more")


if __name__ == "__main__":
    main()
