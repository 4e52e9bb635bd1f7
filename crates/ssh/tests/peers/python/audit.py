"""Asks ssh-audit what it thinks of the server at a port of 127.0.0.1.

usage: audit.py PORT. Prints one line with what was offered, and one for each failure and warning.
"""

import importlib.metadata
import json
import subprocess
import sys

OLDEST = (3, 3)


def complaints(node, path=""):
    """Every `fail` and `warn` in the report, wherever it stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("fail", "warn"):
                yield from (f"{name}: {path}: {text}" for text in value)
            else:
                yield from complaints(value, node.get("algorithm", path))
    elif isinstance(node, list):
        for value in node:
            yield from complaints(value, path)


def main():
    audit = [sys.executable, "-m", "ssh_audit"]
    number = importlib.metadata.version("ssh-audit")
    if tuple(int(part) for part in number.split(".")[:2]) < OLDEST:
        sys.exit(f"ssh-audit {number} is too old")
    report = subprocess.run(
        # Without the test of how many connections a server takes: it is about the machine.
        [*audit, "--json", "--skip-rate-test", "-p", sys.argv[1], "127.0.0.1"],
        capture_output=True,
        text=True,
        timeout=50,
    )
    found = json.loads(report.stdout)
    names = {kind: [entry["algorithm"] for entry in found[kind]] for kind in ("kex", "key", "enc", "mac")}
    print(f"ssh-audit {number}: {json.dumps(names)}")
    if not all(names[kind] for kind in ("kex", "key", "enc")):
        sys.exit("nothing was offered")
    all_complaints = sorted(set(complaints(found)))
    all_complaints += [f"CVE: {entry}" for entry in found.get("cves", [])]
    recommended = found.get("recommendations", {})
    all_complaints += [f"recommended: {kind}: {recommended[kind]}" for kind in recommended if kind in ("critical", "warning")]
    for complaint in all_complaints:
        print(complaint)


main()
