"""Bytes in bulk: up, down, both ways at once, sftp.

Owns: what a transfer is, and when its clock runs: from the moment at which the other end says that it is there to the last byte, so that
signing in is not part of it. Every transfer checks that the number of bytes is right and that the session ends well.
"""
import fcntl
import os
import statistics
import subprocess
import time

from machine import Meter
from stage import deadline, ended

MODES = ["up", "down", "echo", "put", "get"]
NAMES = {"up": "up", "down": "down", "echo": "both ways at once", "put": "sftp upload", "get": "sftp download"}
RUN_SECONDS = 120
READY = b"R"
PIPE_BYTES = 1 << 20


def measure(stage, routes, cipher, modes, mib, runs, say):
    """Runs modes and routes in turn; answers the runs of each (mode, label), `None` for one that failed, and the failures."""
    found = {(mode, route.label): [] for mode in modes for route in routes}
    failures = []
    for route in routes:  # programs and buffers are in memory before anything counts
        transfer(stage, route, "down", cipher, 8)
    for number in range(runs):
        for mode in modes:
            for route in routes:
                about = f"{cipher} {number + 1}/{runs} {NAMES[mode]}, {route.label}"
                try:
                    run = transfer(stage, route, mode, cipher, mib)
                    run["mib_s"] = mib / run["seconds"]
                    say(f"{about}: {run['mib_s']:.0f} MiB/s")
                except (RuntimeError, TimeoutError) as error:  # a result as well, unless a server was ended
                    stage.check()
                    run = None
                    failures.append(f"{about}: {error}")
                    say(failures[-1])
                found[mode, route.label].append(run)
    return found, failures


def transfer(stage, route, mode, cipher, mib):
    """One transfer, and what it cost."""
    try:
        return (sftp if mode in ("put", "get") else session)(stage, route, mode, cipher, mib)
    finally:
        stage.forget_recordings()


def session(stage, route, mode, cipher, mib):
    remote = {
        "up": "printf R >&2; exec cat >/dev/null",
        "down": f"printf R >&2; exec head -c {mib << 20} /dev/zero",
        "echo": "printf R >&2; exec cat",
    }[mode]
    source = os.devnull if mode == "down" else stage.zeros(mib)
    with open(source, "rb") as stdin:
        process = subprocess.Popen(
            stage.ssh(route, remote, cipher), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    with ended(process), deadline(process, RUN_SECONDS):
        ready = process.stderr.read(1)
        if ready != READY:
            raise RuntimeError(f"{route.label}: {(ready or b'').decode()}{process.stderr.read().decode()}")
        meter = Meter(stage.pids(), client=process.pid)
        count = drain(process.stdout)
        over = time.monotonic()
        # An upload is over when the other end has read everything, which is when the session ends.
        status = process.wait()
        if mode == "up":
            over = time.monotonic()
    expected = 0 if mode == "up" else mib << 20
    if status != 0 or count != expected:
        raise RuntimeError(f"{route.label}, {mode}: exit status {status}, {count} bytes instead of {expected}")
    return meter.stop(over)


def sftp(stage, route, mode, cipher, mib):
    zeros = stage.zeros(mib)
    command = f"put {zeros} /dev/null\n" if mode == "put" else f"get {zeros} /dev/null\n"
    process = subprocess.Popen(
        stage.sftp(route, cipher), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    with ended(process), deadline(process, RUN_SECONDS):
        process.stdin.write(b"pwd\n")
        said = b""
        while b"Remote working directory" not in said:
            piece = process.stdout.read(4096)
            if not piece:
                raise RuntimeError(f"{route.label}: {said.decode()}{process.stderr.read().decode()}")
            said += piece
        meter = Meter(stage.pids(), client=process.pid)
        process.stdin.write(command.encode())
        process.stdin.close()
        process.stdout.read()
        status = process.wait()
        over = time.monotonic()
        if status != 0:
            raise RuntimeError(f"{route.label}, {mode}: exit status {status}: {process.stderr.read().decode()}")
    return meter.stop(over)


def drain(stream):
    """Counts what comes, without copying it out of the kernel."""
    fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    count = 0
    with open(os.devnull, "wb") as sink:
        while moved := os.splice(stream.fileno(), sink.fileno(), PIPE_BYTES):
            count += moved
    return count


def table(found, routes, modes, mib):
    """Markdown, and for each (mode, label) what the goals are held against."""
    lines = [
        "| what | route | MiB/s | min..max | of direct | proxy CPU s/GiB | client | target | cores busy | other work |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    figures = {}
    gib = mib / 1024
    for mode in modes:
        direct = found[mode, routes[0].label]
        for route in routes:
            # Run by run, as both were measured at about the same time.
            pairs = [(run, base) for run, base in zip(found[mode, route.label], direct) if run and base]
            if not pairs:
                lines.append(f"| {NAMES[mode]} | {route.label} | failed | | | | | | | |")
                continue
            share = statistics.median(run["mib_s"] / base["mib_s"] for run, base in pairs)
            runs = [run for run, _ in pairs]
            speed = [run["mib_s"] for run in runs]
            cpu = {name: statistics.median(run["cpu"][name] for run in runs) / gib for name in runs[0]["cpu"]}
            proxy = cpu[route.proxy] if route.proxy else None
            figures[mode, route.label] = {"share": share, "proxy": proxy, "mib_s": statistics.median(speed)}
            lines.append(
                f"| {NAMES[mode]} | {route.label} | {statistics.median(speed):.0f} | {min(speed):.0f}..{max(speed):.0f} "
                f"| {share:.2f} | {'-' if proxy is None else f'{proxy:.2f}'} | {cpu['client']:.2f} | {cpu['target']:.2f} "
                f"| {statistics.median(run['cores'] for run in runs):.2f} "
                f"| {statistics.median(run['other'] for run in runs):.0%} |")
    return lines, figures
