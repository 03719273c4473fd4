#!/usr/bin/env python3
"""The conformance suite of the Model Context Protocol against Ondol's server and client, for each revision.

Every scenario of the suite's frozen sets must pass but those that are named here: OAuth with a hosted authorization
server, which Ondol's client does not have, and, not scored by the suite, the tasks extension.

Usage: mcp_conformance_test.py SERVER CLIENT NODE_MODULES. Exit status 77: the suite is not installed."""
import os
import re
import subprocess
import sys

NOT_HERE = ("auth/", "tasks-")
RESULT = re.compile(r"^([✓✗]) ([\w/.-]+): (\d+) passed, (\d+) failed", re.M)


def run_suite(modules, *arguments):
    node = f"{modules}/node/bin/node"  # the suite needs a newer one than Debian's
    environment = {**os.environ, "PATH": f"{os.path.dirname(node)}:{os.environ['PATH']}"}
    done = subprocess.run([node, f"{modules}/.bin/conformance", *arguments], capture_output=True, text=True, timeout=900,
                          env=environment)
    return RESULT.findall(done.stdout), done.stdout + done.stderr


def check(results, text, least):
    failed = [name for mark, name, _, _ in results if mark == "✗" and not name.startswith(NOT_HERE)]
    passed = [name for mark, name, n, _ in results if mark == "✓" and int(n) > 0]
    assert not failed, f"{failed}\n{text[-6000:]}"
    assert len(passed) >= least, f"only {len(passed)} scenarios passed\n{text[-6000:]}"
    return len(passed)


def main():
    server, client, modules = sys.argv[1:4]
    if not os.path.exists(f"{modules}/.bin/conformance") or not os.path.exists(f"{modules}/node/bin/node"):
        print("skipped: the suite is not installed; install it with: ./test sdk")
        sys.exit(77)
    process = subprocess.Popen([server], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        for revision, least in (("2026-07-28", 40), ("2025-11-25", 33)):
            n = check(*run_suite(modules, "server", "--url", url, "--requirements", revision), least)
            print(f"server, {revision}: {n} scenarios")
        for revision, least in (("2025-06-18", 20), ("2025-03-26", 1)):
            n = check(*run_suite(modules, "server", "--url", url, "--suite", "all", "--spec-version", revision), least)
            print(f"server, {revision}: {n} scenarios")
    finally:
        process.kill()
        process.wait()
    for revision, least in (("2026-07-28", 8), ("2025-11-25", 5)):
        n = check(*run_suite(modules, "client", "--command", client, "--requirements", revision), least)
        print(f"client, {revision}: {n} scenarios")


if __name__ == "__main__":
    main()
