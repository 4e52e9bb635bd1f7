"""The servers that are measured, on free loopback ports, and the keys they know each other by.

Owns: processes and files of one run. Invariants: everything lies in one folder, which goes with the stage; every process is stopped by
its number, and its descendants with it.
"""
import contextlib
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import machine

START_SECONDS = 20
SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {host_key}
AuthorizedKeysFile {authorized}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
KexAlgorithms {kex}
MaxStartups 1000:30:2000
MaxSessions 100
LogLevel ERROR
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
# A bash that sshd starts reads ~/.bashrc, unless it seems to be inside of another one. What is in there is not measured.
SetEnv SHLVL=1
"""
SSH = """\
Host *
  User {user}
  IdentityFile {identity}
  IdentitiesOnly yes
  IdentityAgent none
  PreferredAuthentications publickey
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  KexAlgorithms {kex}
  ControlMaster no
  Compression no
  ConnectTimeout 30
  LogLevel ERROR
  # From OpenSSH 9.5 on a client sends keystrokes at fixed intervals unless told otherwise.
  IgnoreUnknown ObscureKeystrokeTiming
  ObscureKeystrokeTiming no
"""


class Stage:
    """Keys, configuration and running servers."""

    def __init__(self, gateway, kex):
        self.gateway_program, self.kex = gateway, kex
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
        self.user = getpass.getuser()
        self.running = {}
        self.ports = {}
        for name in ("user", "gateway-user", "target", "bastion", "gateway", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name], check=True)
        self.authorized = self.folder / "authorized"
        self.authorized.write_text(self.public("user") + self.public("gateway-user"))
        (self.folder / "known").write_text("")
        (self.folder / "ssh_config").write_text(SSH.format(
            user=self.user, identity=self.folder / "user", known=self.folder / "known", kex=kex))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self.stop(name)
        shutil.rmtree(self.folder)

    def public(self, name):
        return (self.folder / f"{name}.pub").read_text()

    def pids(self):
        return {name: process.pid for name, process in self.running.items()}

    # --- servers ---

    def sshd(self, name):
        """An OpenSSH server; its log is in the folder."""
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
        if not program:
            raise SystemExit("sshd is missing: install openssh-server")
        if os.geteuid() == 0:  # sshd would not start without the directory that its service file makes
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        for _ in range(5):  # another process may take the free port first
            port = free_port()
            config = self.folder / f"{name}.config"
            config.write_text(SSHD.format(
                port=port, host_key=self.folder / name, authorized=self.authorized, kex=self.kex))
            process = self.start(name, [program, "-D", "-e", "-f", config])
            if answers(process, port):
                self.ports[name] = port
                self.know(name, name)
                return
            self.stop(name)
        raise SystemExit(f"sshd does not start:\n{self.log(name)}")

    def gateway(self, name, target, target_key, cipher, record):
        """The example gateway in front of a target, with one cipher on its leg to the target."""
        words = ["--target", f"127.0.0.1:{self.ports[target]}", "--target-key", self.folder / f"{target_key}.pub",
                 "--host-key", self.folder / "gateway", "--authorized", self.folder / "user.pub",
                 "--identity", self.folder / "gateway-user", "--user", self.user, "--target-cipher", cipher]
        if record:
            words += ["--record", self.recordings(name)]
        self.announced(name, [self.gateway_program, *words], "gateway")

    def host(self, name, program):
        """The example host: a target whose sessions cost little."""
        words = ["--host-key", self.folder / "host", "--authorized", self.authorized]
        # A plain shell, for the same reason.
        self.announced(name, [program, *words], "host", env={**os.environ, "SHELL": "/bin/sh"})

    def announced(self, name, command, key, **how):
        """Starts a program that prints where it listens."""
        process = self.start(name, command, stdout=subprocess.PIPE, **how)
        with deadline(process, START_SECONDS):
            line = process.stdout.readline().decode()
        if not line.startswith("listening on "):
            raise SystemExit(f"{name} does not start: {line}{self.log(name)}")
        self.ports[name] = int(line.rsplit(":", 1)[1])
        self.know(name, key)

    def start(self, name, command, **how):
        with open(self.folder / f"{name}.log", "ab") as log:
            how.setdefault("stdout", log)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True, preexec_fn=machine.end_with_parent, **how)
        self.running[name] = process
        return process

    def stop(self, name):
        """Ends a server and what it has started."""
        process = self.running.pop(name)
        below = machine.tree(process.pid)[1:]
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
        for pid in below:  # still ours: adopted, so the number cannot be anybody else's before we have waited
            if pid in machine.children(os.getpid()):
                os.kill(pid, signal.SIGKILL)
        machine.reap(set(self.pids().values()))

    def check(self):
        """A server that has ended by itself, or was ended by somebody else, makes everything after it worthless."""
        for name, process in self.running.items():
            if (status := process.poll()) is not None:
                how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
                raise SystemExit(f"{name} has ended {how} while it was needed; its log:\n{self.log(name)}")

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def recordings(self, name):
        return self.folder / f"{name}.recordings"

    def forget_recordings(self):
        """What was recorded would otherwise be written to the disk during the next run."""
        for name in self.running:
            shutil.rmtree(self.recordings(name), ignore_errors=True)

    def know(self, name, key):
        line = f"[127.0.0.1]:{self.ports[name]} {self.public(key)}"
        with open(self.folder / "known", "a") as known:
            known.write(line)

    # --- clients ---

    def zeros(self, mib):
        """A file of zeros, in memory as far as the page cache holds it."""
        path = self.folder / f"zeros.{mib}"
        if not path.exists():
            with open(path, "wb") as f:
                f.truncate(mib << 20)
            with open(path, "rb") as f:
                while f.read(1 << 20):
                    pass
        return path

    def options(self, route, cipher=None):
        words = ["-F", self.folder / "ssh_config"]
        if cipher:
            words += ["-c", cipher]
        if route.jump:
            words += ["-J", f"127.0.0.1:{self.ports[route.jump]}"]
        return words

    def ssh(self, route, remote, cipher=None, extra=()):
        place = ["-p", str(self.ports[route.server]), "127.0.0.1"]
        return ["ssh", *self.options(route, cipher), *extra, *place, remote]

    def sftp(self, route, cipher):
        place = ["-P", str(self.ports[route.server]), "127.0.0.1"]
        return ["sftp", "-q", "-b", "-", *self.options(route, cipher), *place]


class Route:
    """A way to the target: a server to connect to, perhaps through another one."""

    def __init__(self, label, server, jump=None, proxy=None):
        self.label, self.server, self.jump, self.proxy = label, server, jump, proxy


ROUTES = [
    Route("direct", "target"),
    Route("ProxyJump", "target", jump="bastion", proxy="bastion"),
    Route("gateway", "gateway", proxy="gateway"),
    Route("gateway, recording", "recorder", proxy="recorder"),
]


@contextlib.contextmanager
def gateways(stage, cipher, target="target"):
    """Both gateways, fresh, for as long as the block runs."""
    try:
        stage.gateway("gateway", target, target, cipher, record=False)
        stage.gateway("recorder", target, target, cipher, record=True)
        yield
    except Exception:
        stage.check()  # tells the cause, if it is one of the servers
        raise
    finally:
        for name in ("gateway", "recorder"):
            if name in stage.running:
                stage.forget_recordings()
                stage.stop(name)


@contextlib.contextmanager
def deadline(process, seconds):
    """Kills a process that takes too long, whatever we wait for, and says so."""
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), process.kill()))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise TimeoutError(f"{process.args[0]} ran past {seconds} s") from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"{process.args[0]} ran past {seconds} s")


@contextlib.contextmanager
def ended(process):
    """A client does not outlive the block."""
    try:
        yield process
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        if process.poll() is None:
            process.kill()
        process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(process, port):
    """Whether somebody greets at the port before the process ends or time is up."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                return s.recv(4) == b"SSH-"
        except OSError:
            time.sleep(0.02)
    return False
