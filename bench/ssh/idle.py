"""Memory of a gateway that holds many idle connections, each with one open channel.

Owns: the phases of the measurement. A proxied connection is two SSH connections in the gateway: one engine towards the client, one
towards the target, and the relay between them. Only the process's own memory is counted, not the kernel's for its sockets.
"""
import subprocess
import time

from machine import cpu_seconds, memory_kib
from stage import deadline, ended

PHASE_SECONDS = 600
# Memory counts when two readings so far apart agree.
CALM_SECONDS = 0.5
CALM_READINGS_MAX = 20
WARMUP = 8


def measure(stage, route, python, crowd, cipher, count, window, say):
    """Opens a quarter, the rest, uses all once, closes them, opens and closes them again."""
    pid = stage.running[route.server].pid
    command = [python, crowd, "--port", str(stage.ports[route.server]), "--user", stage.user, "--identity", stage.folder / "user",
               "--known", stage.folder / "known", "--kex", stage.kex, "--cipher", cipher]
    with open(stage.folder / "crowd.log", "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)
    phases = {}

    def phase(name, order, expected):
        """What memory is like after one order was obeyed."""
        before, cpu = time.monotonic(), cpu_seconds(pid)
        process.stdin.write(f"{order}\n".encode())
        answer = process.stdout.readline().decode()
        if answer != f"done {expected}\n":
            raise RuntimeError(f"{route.label}: {answer}{stage.log('crowd')[-2000:]}")
        seconds, cpu = time.monotonic() - before, cpu_seconds(pid) - cpu
        phases[name] = {**calm(pid), "seconds": seconds, "cpu": cpu}
        say(f"{route.label}, {name}: {phases[name]['rss'] / 1024:.1f} MiB after {seconds:.1f} s")

    with ended(process), deadline(process, PHASE_SECONDS):
        phases["fresh"] = calm(pid)
        # Code that runs for the first time is read into memory then; it is not part of what a connection costs.
        phase("warm-up", f"open {WARMUP}", WARMUP)
        phase("before", "close", 0)
        phase("a quarter", f"open {count // 4}", count // 4)
        phase("held", f"open {count - count // 4}", count)
        phases["idle"] = idle(pid, window)
        phase("after one byte each way", "touch", count)
        phase("closed", "close", 0)
        phase("held again", f"open {count}", count)
        phase("closed again", "close", 0)
    stage.forget_recordings()
    return phases


def calm(pid):
    """The memory once it has stopped changing, or the last reading."""
    last = memory_kib(pid)
    for _ in range(CALM_READINGS_MAX):
        time.sleep(CALM_SECONDS)
        now = memory_kib(pid)
        if now == last:
            break
        last = now
    return last


def idle(pid, window):
    before, cpu = time.monotonic(), cpu_seconds(pid)
    time.sleep(window)
    return {"cpu_share": (cpu_seconds(pid) - cpu) / (time.monotonic() - before)}


def table(found, count):
    """`found`: phases of each label."""
    lines = ["| route | connections | KiB a proxied connection | of it heap and stacks | KiB an engine | from the first quarter to all, KiB each "
             "| CPU ms a login | idle CPU, % of a core |",
             "|---|---|---|---|---|---|---|---|"]
    steps = ["| route | RSS MiB: fresh | before | held | after a byte each way | closed | held again | closed again |",
             "|---|---|---|---|---|---|---|---|"]
    figures = {}
    for label, phases in found.items():
        before, quarter, held = phases["before"], phases["a quarter"], phases["held"]
        each = (held["rss"] - before["rss"]) / count
        heap = (held["anonymous"] - before["anonymous"]) / count
        slope = (held["rss"] - quarter["rss"]) / (count - count // 4)
        login = (quarter["cpu"] + held["cpu"]) / count * 1000
        figures[label] = {"each": each, "login": login}
        lines.append(f"| {label} | {count} | {each:.1f} | {heap:.1f} | {each / 2:.1f} | {slope:.1f} | {login:.1f} "
                     f"| {phases['idle']['cpu_share']:.2%} |")
        names = ("fresh", "before", "held", "after one byte each way", "closed", "held again", "closed again")
        steps.append(f"| {label} | " + " | ".join(f"{phases[name]['rss'] / 1024:.1f}" for name in names) + " |")
    return [*lines, "", *steps], figures
