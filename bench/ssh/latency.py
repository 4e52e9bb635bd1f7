"""Time instead of bulk: to sign in and run `true`, and for a keystroke to come back."""
import contextlib
import os
import random
import statistics
import subprocess
import time

from machine import Meter, cpu_seconds
from stage import deadline, ended

RUN_SECONDS = 600
LOGIN_SECONDS = 60
# Between keystrokes, so that everybody is asleep again when the next one comes.
PAUSE_SECONDS = 0.002
WARMUP_KEYS = 50


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def logins(stage, routes, count):
    """Milliseconds of `ssh host true`, route by route in turn, and the CPU time of each server for them."""
    found = {route.label: {"ms": [], "cpu": []} for route in routes}
    for number in range(count + 1):
        for route in routes:
            meter = Meter(stage.pids())
            process = subprocess.Popen(stage.ssh(route, "true"), stdin=subprocess.DEVNULL)
            with ended(process), deadline(process, LOGIN_SECONDS):
                status = process.wait()
            over = time.monotonic()
            run = meter.stop(over)
            if status != 0:
                raise RuntimeError(f"{route.label}: exit status {status}")
            if number > 0:  # the first one of each warms up
                found[route.label]["ms"].append(run["seconds"] * 1000)
                found[route.label]["cpu"].append(run)
    stage.forget_recordings()
    return found


def login_table(found, routes):
    lines = ["| route | n | median ms | p10 | p95 | of direct | proxy CPU ms | target CPU ms | client CPU ms | other work |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    direct = found[routes[0].label]["ms"]
    for route in routes:
        ms, runs = found[route.label]["ms"], found[route.label]["cpu"]
        share = statistics.median(a / b for a, b in zip(ms, direct))
        # Means: the clock of CPU time ticks too coarsely for one login.
        cpu = {name: statistics.mean(run["cpu"][name] for run in runs) * 1000 for name in runs[0]["cpu"]}
        proxy = f"{cpu[route.proxy]:.1f}" if route.proxy else "-"
        lines.append(
            f"| {route.label} | {len(ms)} | {statistics.median(ms):.0f} | {percentile(ms, 10):.0f} | {percentile(ms, 95):.0f} "
            f"| {share:.2f} | {proxy} | {cpu['target']:.1f} | {cpu['client']:.1f} "
            f"| {statistics.mean(run['other'] for run in runs):.0%} |")
    return lines


def keystrokes(stage, routes, count):
    """Microseconds from a byte written to ssh to the same byte read from it, through a terminal of the target in raw mode."""
    found = {route.label: [] for route in routes}
    with contextlib.ExitStack() as stack:
        terminals = []
        for route in routes:
            command = stage.ssh(route, "stty raw -echo; printf READY; exec cat", extra=["-tt"])
            process = stack.enter_context(ended(subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)))
            stack.enter_context(deadline(process, RUN_SECONDS))
            said = b""
            while not said.endswith(b"READY"):
                piece = os.read(process.stdout.fileno(), 4096)
                if not piece:
                    raise RuntimeError(f"{route.label}: {said.decode()}")
                said += piece
            terminals.append((route, process))
        meter = Meter(stage.pids())
        for number in range(count + WARMUP_KEYS):
            random.shuffle(terminals)
            for route, process in terminals:
                time.sleep(PAUSE_SECONDS)
                before = time.perf_counter()
                os.write(process.stdin.fileno(), b"x")
                back = os.read(process.stdout.fileno(), 16)
                passed = time.perf_counter() - before
                if back != b"x":
                    raise RuntimeError(f"{route.label}: {back!r} came back")
                if number >= WARMUP_KEYS:
                    found[route.label].append(passed * 1e6)
        # Everybody is still connected; only what the proxies used is of interest.
        used = {name: (cpu_seconds(pid) - meter.cpu[name]) / (count + WARMUP_KEYS) * 1e6 for name, pid in meter.servers.items()}
    return found, used, meter.stop()["other"]


def keystroke_table(found, used, routes):
    lines = ["| route | n | median us | p10 | p95 | added to direct, median | added, p10 | proxy CPU us |",
             "|---|---|---|---|---|---|---|---|"]
    figures = {}
    direct = found[routes[0].label]
    for route in routes:
        us = found[route.label]
        added = statistics.median(us) - statistics.median(direct)
        calm = percentile(us, 10) - percentile(direct, 10)
        figures[route.label] = added
        plus = ("-", "-") if route is routes[0] else (f"{added:+.0f}", f"{calm:+.0f}")
        proxy = f"{used[route.proxy]:.0f}" if route.proxy else "-"
        lines.append(f"| {route.label} | {len(us)} | {statistics.median(us):.0f} | {percentile(us, 10):.0f} "
                     f"| {percentile(us, 95):.0f} | {plus[0]} | {plus[1]} | {proxy} |")
    return lines, figures
