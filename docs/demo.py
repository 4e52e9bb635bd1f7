#!/usr/bin/env python3
"""Draws docs/demo.svg: the demo in one terminal, OpenSSH's client in another, as tmux shows them.

    cargo build --release --example gateway -p sallyport-ssh
    docs/demo.py target/release/examples/gateway

Nothing in the picture is typed by hand: what it shows is what the programs printed. Needs tmux and ssh.
"""

import html
import os
import pathlib
import subprocess
import sys
import tempfile
import time

COLUMNS = 92
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 8.4, 19, 14
INK, FAINT, PAPER, FRAME = "#d7dae0", "#8b919e", "#1d2027", "#3a3f4b"


def main():
    gateway = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="sp-") as folder:
        screens = play(gateway, pathlib.Path(folder))
    picture = pathlib.Path(__file__).with_suffix(".svg")
    picture.write_text(draw(screens))
    print(picture)


def play(gateway, folder):
    """Runs the demo and a visitor; answers what their terminals show."""
    home = folder / "home"
    home.mkdir()
    (home / ".bash_profile").write_text("PS1='target$ '\n")
    (home / ".bashrc").write_text("PS1='$ '\n")
    tmux = Tmux(folder / "tmux", home)
    try:
        tmux.open("demo", f"env TMPDIR=/tmp {gateway} --demo")
        tmux.wait("demo", "Ctrl-C")
        ssh = next(" ".join(line.split()) for line in tmux.text("demo") if line.strip().startswith("ssh "))
        tmux.open("visitor", "bash --noprofile")
        tmux.wait("visitor", "$")
        said = "head -c 1G /dev/zero | " + ssh + " 'cat | wc -c'"
        tmux.type("visitor", said)
        tmux.wait("visitor", "1073741824")
        tmux.type("visitor", ssh + " 'cat /dev/zero' | head -c 1000 | wc -c")
        tmux.wait("visitor", "\n1000")
        tmux.type("visitor", ssh)
        tmux.wait("visitor", "target$")
        tmux.type("visitor", "echo \"on $(tty), through $SSH_CONNECTION\"")
        tmux.wait("visitor", "\non /dev")
        tmux.type("visitor", "exit 3")
        tmux.wait("visitor", "closed.")
        tmux.type("visitor", "echo $?")
        tmux.wait("visitor", "\n3\n")
        visitor = tmux.text("visitor")
        # Without the prompt that waits at the end.
        return [("sallyport", tmux.text("demo")), ("another terminal", visitor[:-1])]
    finally:
        tmux.close()


class Tmux:
    def __init__(self, socket, home):
        self.command = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        self.environment = {**os.environ, "HOME": str(home), "SHELL": "/bin/bash", "LC_ALL": "C.UTF-8"}

    def run(self, *arguments):
        done = subprocess.run(self.command + list(arguments), env=self.environment, check=True, capture_output=True)
        return done.stdout.decode()

    def open(self, name, command):
        self.run("new-session", "-d", "-s", name, "-x", str(COLUMNS), "-y", "24", command)

    def type(self, name, text):
        self.run("send-keys", "-t", name, "-l", text)
        self.run("send-keys", "-t", name, "Enter")

    def text(self, name):
        # -J joins what was wrapped; the picture wraps by itself.
        lines = self.run("capture-pane", "-p", "-J", "-t", name).rstrip().split("\n")
        return [line.rstrip() for line in lines]

    def wait(self, name, words):
        for _ in range(600):
            if words in "\n".join(self.text(name)) + "\n":
                return
            time.sleep(0.1)
        raise SystemExit(f"{name} does not show {words!r}:\n" + "\n".join(self.text(name)))

    def close(self):
        subprocess.run(self.command + ["kill-server"], env=self.environment, check=False)


def draw(screens):
    parts, top, width = [], 10, round(COLUMNS * CELL_WIDTH) + 40
    for title, lines in screens:
        lines = [piece for line in lines for piece in wrap(line)]
        height = round(len(lines) * CELL_HEIGHT) + 52
        parts.append(f'<rect x="10" y="{top}" width="{width - 20}" height="{height}" rx="8" fill="{PAPER}" stroke="{FRAME}"/>')
        parts.append(f'<text x="26" y="{top + 23}" fill="{FAINT}">{html.escape(title)}</text>')
        for number, line in enumerate(lines):
            y = top + 50 + number * CELL_HEIGHT
            # A prompt is fainter than what is typed behind it.
            prompt = next((mark for mark in ("target$ ", "$ ") if line.startswith(mark)), "")
            rest = html.escape(line[len(prompt):])
            mark = f'<tspan fill="{FAINT}">{html.escape(prompt)}</tspan>' if prompt else ""
            parts.append(f'<text x="26" y="{y}" xml:space="preserve">{mark}{rest}</text>')
        top += height + 10
    font = "'DejaVu Sans Mono', Menlo, Consolas, monospace"
    label = "The demo in one terminal, and ssh through it in another."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" role="img" aria-label="{label}"',
            f'     font-family="{font}" font-size="{FONT_SIZE}" fill="{INK}">',
            *parts,
            "</svg>",
            "",
        ]
    )


def wrap(line):
    pieces = [line[at : at + COLUMNS] for at in range(0, len(line), COLUMNS)]
    return pieces or [""]


main()
