#!/usr/bin/env python3
"""A type has one definition under its full name. Two of the same name in two files of one program break the
one-definition rule: no compiler sees it, and the linker keeps one file's std::vector<Name> for both."""
import collections
import pathlib
import re
import sys

NAMESPACE = re.compile(r"^(?:inline )?namespace\s*([\w:]*)\s*\{(?!.*\})")
NAMESPACE_END = re.compile(r"^\}\s*// namespace")
TYPE = re.compile(r"^(?:struct|class|union|enum(?: class| struct)?)\s+(?:alignas\([^)]*\)\s*)?([\w:]+)(?!.*;\s*(?://.*)?$)")


def definitions(lines: list[str]):
    """The full names of types that every file of the program can see: those outside unnamed namespaces."""
    scopes: list[str] = []
    for line in lines:
        if opened := NAMESPACE.match(line):
            scopes.append(opened.group(1) or "<unnamed>")
        elif NAMESPACE_END.match(line):
            scopes.pop()
        elif (found := TYPE.match(line)) and "<unnamed>" not in scopes:
            yield "::".join([*scopes, found.group(1)])


def main() -> int:
    homes = collections.defaultdict(list)
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
        if path.suffix in {".h", ".cpp"}:  # kernels' .inl files are compiled inside a namespace of each instruction set
            for name in definitions(path.read_text().splitlines()):
                homes[name].append(str(path))
    problems = [f"{name} is defined in {' and in '.join(paths)}" for name, paths in sorted(homes.items()) if len(paths) > 1]
    print("\n".join(problems) or f"{len(homes)} types have one definition each")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
