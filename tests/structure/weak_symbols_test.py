#!/usr/bin/env python3
"""Kernel objects may define no weak symbol. The linker keeps one copy of each: if it keeps that of a file built for
AVX-512, code that runs on every processor calls it. Arguments: nm, then the objects."""
import subprocess
import sys

# V and W: weak and defined. u: unique over the whole program. (Undefined weak references, v and w, are harmless.)
FORBIDDEN = {"V", "W", "u"}


def main() -> int:
    nm, objects = sys.argv[1], sys.argv[2:]
    if not objects:
        print("no objects to look at")
        return 1
    found = []
    for path in objects:
        listing = subprocess.run([nm, "-C", path], capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            fields = line.split(maxsplit=2)
            if len(fields) == 3 and fields[1] in FORBIDDEN:
                found.append(f"{path}: weak symbol '{fields[2]}'; make it static or put it into an unnamed namespace")
    print("\n".join(found) or f"no weak symbol in {len(objects)} objects")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
