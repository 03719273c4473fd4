#!/usr/bin/env python3
"""Files stay under about 600 lines and functions under about 60, so that a stranger can read them. The hard limits are
a little wider; tables of numbers are exempt by name."""
import pathlib
import sys

MAX_FILE_LINES = 660
MAX_FUNCTION_LINES = 80
TABLES = {"iq_grids.cpp"}


def long_functions(lines: list[str]):
    start = None
    for number, line in enumerate(lines, 1):
        opens = line.endswith("{") and not line.startswith((" ", "namespace", "struct", "class", "enum", "union", "extern"))
        if opens and ("(" in line or lines[max(0, number - 2)].startswith("    ")) and "=" not in line.split("(")[0]:
            start = number
        elif line.startswith("}") and start is not None:
            if number - start > MAX_FUNCTION_LINES:
                yield start, number - start
            start = None


def main() -> int:
    problems = []
    root = pathlib.Path(sys.argv[1])
    for folder in ("src", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".inl", ".cpp"} or path.name in TABLES:
                continue
            lines = path.read_text().splitlines()
            if len(lines) > MAX_FILE_LINES:
                problems.append(f"{path}: {len(lines)} lines; split it (limit {MAX_FILE_LINES})")
            problems += [f"{path}:{start}: a function of {n} lines (limit {MAX_FUNCTION_LINES})"
                         for start, n in long_functions(lines)]
    print("\n".join(problems) or "sizes hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
