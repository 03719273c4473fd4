#!/usr/bin/env python3
"""Makes tests/golden/grammar: JSON documents with the verdict of the Python package jsonschema, and texts with that of
Python's regular expressions (in patterns that both languages read alike).

    python3 tools/make_grammar_goldens.py
"""
import copy
import json
import pathlib
import random
import re

import jsonschema

OUT = pathlib.Path(__file__).parent.parent / "tests/golden/grammar"

PERSON = {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 130},
          "tags": {"type": "array", "items": {"enum": ["a", "b", "ä"]}, "uniqueItems": True, "maxItems": 2}}, "required": ["name"]}

# A schema, and documents from which others are made by small changes.
CASES = [
    (PERSON, [{"name": "Kim", "age": 41}, {"age": 130, "name": "이서연"}, {"name": "x", "other": [1]}, {"name": "y", "tags": ["ä", "a"]}]),
    ({**PERSON, "additionalProperties": False}, [{"name": "Kim", "age": 41}, {"age": 0, "name": "a b", "tags": []}]),
    ({"type": "object", "properties": {"kind": {"const": "circle"}, "r": {"type": "number", "exclusiveMinimum": 0}}, "required": ["kind", "r"]},
     [{"kind": "circle", "r": 1.5}, {"r": 0.001, "kind": "circle", "x": None}]),
    ({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "v": {"type": "integer"}}, "required": ["kind", "v"]},
                {"type": "object", "properties": {"kind": {"const": "b"}, "v": {"type": "string"}}, "required": ["kind", "v"]}]},
     [{"kind": "a", "v": 1}, {"kind": "b", "v": "1"}]),
    ({"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]}, [3, 5, 15, 30, 9, 7, 0, -3, -15]),
    ({"anyOf": [{"type": "string", "pattern": "^[a-c]+$"}, {"type": "number", "maximum": -1.5}, {"type": "null"}]}, ["abc", "abd", "", -1.5, -1.4, -20, None]),
    ({"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"a": {"minimum": 10}, "b": {"type": "boolean"}}}]},
     [{"a": 10}, {"a": 12, "b": True}, {"a": 9}]),
    ({"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
      "required": ["v"], "additionalProperties": False}}}, [{"v": 1, "children": [{"v": 2}, {"v": 3, "children": []}]}]),
    ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4},
     [["a", 1], ["a", 1, True, False], ["a", 1, True, True, True]]),
    ({"type": "array", "contains": {"type": "integer", "minimum": 5}, "minContains": 2, "maxContains": 3}, [[5, 6], [1, 5, "x", 7], [5, 6, 7, 8], [5]]),
    ({"type": "object", "patternProperties": {"^n_": {"type": "number"}, "_s$": {"type": "string"}}, "additionalProperties": False},
     [{"n_a": 1, "b_s": "x"}, {"n_x_s": 1}, {}]),
    ({"type": "object", "propertyNames": {"pattern": "^[a-z]{2,4}$"}, "maxProperties": 2}, [{"ab": 1, "abcd": 2}, {"a": 1}]),
    ({"if": {"properties": {"country": {"const": "KR"}}, "required": ["country"]}, "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}}, "else": {"properties": {"zip": {"type": "string"}}}},
     [{"country": "KR", "zip": "04524"}, {"country": "AT", "zip": "x"}, {"zip": "04524"}]),
    ({"not": {"type": ["string", "array"]}}, ["x", [], 1, {}, None]),
    ({"type": "object", "dependentRequired": {"card": ["address", "name"]}, "properties": {"card": {"type": "integer"}, "address": {"type": "string"}, "name": {"type": "string"}}},
     [{"card": 1, "address": "a", "name": "n"}, {"card": 1}, {"name": "n"}]),
    ({"type": "object", "dependentSchemas": {"a": {"required": ["b"], "properties": {"b": {"type": "integer"}}}}}, [{"a": 1, "b": 2}, {"b": "x"}, {"a": 1}]),
    ({"type": "object", "allOf": [{"properties": {"a": True}}, {"properties": {"b": {"type": "integer"}}}], "unevaluatedProperties": False}, [{"a": 1, "b": 2}, {"c": 1}]),
    ({"enum": [1, "1", None, True, [1, {"x": []}], {"a": "b", "c": 1.5}, 1e2]}, [1, "1", None, True, False, [1, {"x": []}], {"a": "b", "c": 1.5}, {"c": 1.5, "a": "b"}, 100, 0]),
    ({"type": "number", "minimum": -2.5, "exclusiveMaximum": 100.25}, [-2.5, -2.51, 0, 100.25, 100.2, 99, -3, 1000, 0.001, -0.5]),
    ({"type": "integer", "minimum": 1950, "maximum": 2049}, [1949, 1950, 1999, 2000, 2049, 2050, 3000, 200, 20000, -1999]),
    ({"type": "integer", "exclusiveMinimum": -13, "maximum": -2}, [-13, -12, -10, -9, -2, -1, 0, -20, -100, 5]),
    ({"type": "number", "multipleOf": 0.25}, [0.25, 1, 1.75, 1.3, -0.5, 2.125]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "한국", "한국어", "한국어!", "😀😀", "a\n", "\"\\", "", "abcd"]),
    ({"type": "string", "pattern": "b{2,3}$"}, ["abb", "abbb", "b", "bbx", "xbbbbb"]),
    ({"type": "object", "minProperties": 2, "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": False}, [{"a": 1, "b": 2}, {"c": 1}, {}]),
    ({"type": ["integer", "string"], "maxLength": 2, "minimum": 3}, [3, 2, "ab", "abc", 3.5]),
    (True, [1, "x", [], {"a": {"b": [None, 1e-7, -0.0]}}, "\u2028\x7f</script>"]),
    ({"properties": {"a/b": {"$ref": "#/$defs/x~1y"}, "": {"type": "null"}}, "$defs": {"x/y": {"type": "integer"}}}, [{"a/b": 1, "": None}, {"a/b": "x"}]),
]

PATTERNS = {
    "[a-z]+@[a-z]+\\.(com|org)": ["a@b.com", "abc@de.org", "a@b.net", "@b.com", "a@b.comx"],
    "(\\d{3}-)?\\d{4}": ["010-1234", "1234", "0101234", "010-12345"],
    "a?b*c+": ["c", "abbbccc", "ab", "", "aac"],
    "(foo|ba[rz])*": ["", "foobarbaz", "foob", "bazbazfoo"],
    "[^\\n\"]{2,4}": ["ab", "한국", "a\nb", "abcde", "\"\""],
    "x(?:y|z)??w": ["xw", "xyw", "xzw", "xyzw"],
    "[\\w.-]+\\s[A-F0-9]{2,}": ["a.b-c FF", "a 0", "é FF", "a  FF"],
    "^(a|b$)|c$": ["a", "b", "c", "ab", "ac"],
    "(a*)*b": ["b", "aaab", "aaa"],
    ".*\\\\.": ["a\\b", "\\", "\\\n"],
    "(ab){2}(c|d){1,2}": ["ababc", "ababdd", "abc", "ababcdc"],
    "\\x41\\u0042\\t": ["AB\t", "AB"],
}


def changed(value, rng):
    """The value with one small change somewhere."""
    value = copy.deepcopy(value)
    leaves = [0, -1, 1.5, "", "a", "zz", "한", None, True, [], {}, [1], {"a": 1}, 12345]
    if isinstance(value, dict) and value and rng.random() < 0.7:
        key = rng.choice(sorted(value))
        action = rng.randrange(4)
        if action == 0:
            del value[key]
        elif action == 1:
            value[rng.choice(["a", "b", "n_q", "other", "zip", "card", "한"])] = rng.choice(leaves)
        else:
            value[key] = changed(value[key], rng)
    elif isinstance(value, list) and value and rng.random() < 0.8:
        index = rng.randrange(len(value))
        action = rng.randrange(4)
        if action == 0:
            del value[index]
        elif action == 1:
            value.append(copy.deepcopy(rng.choice(value)))
        else:
            value[index] = changed(value[index], rng)
    elif isinstance(value, str) and value and rng.random() < 0.5:
        value = rng.choice([value[:-1], value + value[-1], value + "x", value.upper()])
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.6:
        value = rng.choice([value + 1, value - 1, value * 10, -value, value + 0.5])
    else:
        value = rng.choice(leaves)
    return value


def main() -> None:
    rng = random.Random(1)
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "json_schema.jsonl", "w", encoding="utf-8") as out:
        for schema, seeds in CASES:
            validator = jsonschema.Draft202012Validator(schema)
            documents = {json.dumps(seed, ensure_ascii=False): seed for seed in seeds}
            for _ in range(60):
                document = changed(rng.choice(seeds), rng)
                if rng.random() < 0.3:
                    document = changed(document, rng)
                documents.setdefault(json.dumps(document, ensure_ascii=False), document)
            chosen = list(documents.items())[:30]
            tests = [[text, validator.is_valid(document)] for text, document in chosen]
            out.write(json.dumps({"schema": schema, "tests": tests}, ensure_ascii=False) + "\n")
    with open(OUT / "regex.jsonl", "w", encoding="utf-8") as out:
        for pattern, texts in PATTERNS.items():
            compiled = re.compile(pattern.replace("$", "\\Z"), re.ASCII)
            tests = [[text, compiled.fullmatch(text) is not None, compiled.search(text) is not None] for text in texts]
            out.write(json.dumps({"pattern": pattern, "tests": tests}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
