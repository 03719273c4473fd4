#!/usr/bin/env python3
"""Checks JSON texts that were drawn at random through the masks of grammars against an independent validator.

    ONDOL_RANDOM_TEXTS=/tmp/texts.jsonl build/tests/text_tests --gtest_filter='*WriteRandomTexts'
    python3 tools/check_generated_json.py /tmp/texts.jsonl

Needs the Python package jsonschema."""
import collections
import decimal
import json
import re
import sys

import jsonschema
from jsonschema import validators


SPACES = "\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"


def python_pattern(pattern: str) -> str:
    """ECMA-262's \\s and $; \\d and \\w are seen to by re.ASCII."""
    out, in_class, at = "", False, 0
    while at < len(pattern):
        c = pattern[at]
        if c == "\\" and at + 1 < len(pattern):
            if pattern[at + 1] == "s":
                out += SPACES if in_class else f"[{SPACES}]"
            elif pattern[at + 1] == "S" and not in_class:
                out += f"[^{SPACES}]"
            else:
                out += pattern[at : at + 2]
            at += 2
            continue
        if c == "[":
            in_class = True
        elif c == "]":
            in_class = False
        out += "\\Z" if c == "$" and not in_class else c
        at += 1
    return out


def matches(pattern, text):
    return re.search(python_pattern(pattern), text, re.ASCII)


def check_pattern(validator, pattern, instance, schema):
    if validator.is_type(instance, "string") and not matches(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def check_multiple_of(validator, divisor, instance, schema):
    if validator.is_type(instance, "number") and instance % divisor != 0:
        yield jsonschema.ValidationError(f"{instance} is not a multiple of {divisor}")


def is_number(_, instance):
    return isinstance(instance, (int, decimal.Decimal)) and not isinstance(instance, bool)


def is_integer(checker, instance):
    return is_number(checker, instance) and instance % 1 == 0


def validator_of(schema, draft7):
    base = jsonschema.Draft7Validator if draft7 else jsonschema.Draft202012Validator
    types = base.TYPE_CHECKER.redefine_many({"number": is_number, "integer": is_integer})
    keywords = {"multipleOf": check_multiple_of, "pattern": check_pattern}
    return validators.extend(base, keywords, type_checker=types)(schema)


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(text):
    """Numbers keep all their digits."""
    return json.loads(text, parse_float=decimal.Decimal, parse_constant=no_constant)


def main() -> int:
    decimal.getcontext().prec = 2000
    decimal.getcontext().Emax = 10**9
    sys.set_int_max_str_digits(0)
    counts = collections.Counter()
    for line in open(sys.argv[1], encoding="utf-8"):
        case = parse(line)
        validator = validator_of(case["schema"], case["name"].startswith("draft7"))
        try:
            value = parse(case["text"])
            error = next(validator.iter_errors(value), None)
        except ValueError as exception:
            error = exception
        except (re.error, decimal.DecimalException) as exception:  # what this validator cannot do
            counts[f"skipped: {type(exception).__name__}"] += 1
            continue
        counts["valid" if error is None else "invalid"] += 1
        if error is not None:
            message = getattr(error, "message", str(error))
            print(f"{case['name']}\n  {case['text']!r}\n  {message[:300]}\n  {str(case['schema'])[:400]}")
    print(dict(counts))
    return 1 if counts["invalid"] else 0


if __name__ == "__main__":
    sys.exit(main())
