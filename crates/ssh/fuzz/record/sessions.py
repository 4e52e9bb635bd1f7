"""Open connections: what OpenSSH's ssh and sshd say behind the key exchange, as paramiko decrypts it at the other end."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

import paramiko
from paramiko import packet

from script import message, string, u32

OPEN, CONFIRMATION, OPEN_FAILURE, ADJUST, DATA, EXTENDED, EOF, CLOSE, REQUEST = 90, 91, 92, 93, 94, 95, 96, 97, 98
CHANNEL_SUCCESS, CHANNEL_FAILURE = 99, 100
GLOBAL, GLOBAL_SUCCESS, GLOBAL_FAILURE = 80, 81, 82
# Actions of the target channel: accept the last offer; take 1020 bytes; open a session; ask for a forward; answer.
ACCEPT = b"\x07\x00\x01"
TAKE = b"\x09\x00\xff"
OPEN_SESSION = b"\x0d\x00\x00"
OPEN_DIRECT = b"\x0d\x00\x01"
FORWARD = b"\x0e\x00\x01"
ANSWER = b"\x0f\x00\x00"
PATIENCE = 30


class Recording:
    """The payloads that paramiko receives while this is in use."""

    def __enter__(self):
        self.heard = []
        self.original = packet.Packetizer.read_message

        def read_message(packetizer):
            number, rest = self.original(packetizer)
            self.heard.append(bytes([number]) + rest.get_remainder())
            return number, rest

        packet.Packetizer.read_message = read_message
        return self

    def __exit__(self, *_):
        packet.Packetizer.read_message = self.original


class Host(paramiko.ServerInterface):
    """Lets in by the second key or by a password, and agrees to everything."""

    def __init__(self):
        self.keys = 0

    def get_allowed_auths(self, username):
        return "publickey,password"

    def check_auth_publickey(self, username, key):
        self.keys += 1
        return paramiko.AUTH_SUCCESSFUL if self.keys > 1 else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(self, number, origin, destination):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *_):
        return True

    def check_channel_shell_request(self, channel):
        return end_soon(channel)

    def check_channel_exec_request(self, channel, command):
        return end_soon(channel)

    def check_channel_subsystem_request(self, channel, name):
        return end_soon(channel)

    def check_channel_env_request(self, *_):
        return True

    def check_channel_forward_agent_request(self, channel):
        return True

    def check_port_forward_request(self, address, port):
        return port or 4022

    def cancel_port_forward_request(self, address, port):
        pass


def end_soon(channel):
    def end():
        channel.sendall(b"hello\n" * 40)
        channel.sendall_stderr(b"oops\n")
        channel.settimeout(1)
        try:
            while channel.recv(4096):
                pass
        except OSError:
            pass
        channel.send_exit_status(3)
        channel.close()

    threading.Thread(target=end, daemon=True).start()
    return True


def ssh_says(scratch, *arguments, data=b"words\n"):
    """What OpenSSH's client says with these arguments."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    for name in ("one", "two"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as listener, Recording() as recording:
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        command = ["ssh", "-F", "none", "-p", str(listener.getsockname()[1]), "-i", folder / "one", "-i", folder / "two"]
        command += [word for option in options for word in ("-o", option)]
        environment = {**os.environ, "LC_ALL": "C", "TERM": "xterm"}
        client = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment,
        )
        transport = paramiko.Transport(listener.accept()[0])
        transport.add_server_key(paramiko.ECDSAKey.generate())
        transport.start_server(server=Host())
        try:
            if "-W" in arguments:
                end_soon(transport.accept(PATIENCE))
            client.communicate(data, timeout=PATIENCE)
            transport.join(PATIENCE)
        finally:
            transport.close()
            client.kill()
            client.wait()
    return recording.heard


def sshd_says(scratch, act):
    """What OpenSSH's server says while `act` uses a paramiko client of it."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "banner").write_text("Hello\n")
    options = [f"AuthorizedKeysFile={folder / 'authorized'}", "StrictModes=no", "UsePAM=no", f"Banner={folder / 'banner'}"]
    options += ["PermitRootLogin=yes", "Subsystem=sftp internal-sftp", "ExposeAuthInfo=no"]
    far, inside = socket.socketpair()
    command = [shutil.which("sshd") or "/usr/sbin/sshd", "-i", "-f", "/dev/null", "-h", folder / "host"]
    command += [word for option in options for word in ("-o", option)]
    server = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=subprocess.DEVNULL)
    inside.close()
    with Recording() as recording:
        transport = paramiko.Transport(far)
        transport.start_client(timeout=PATIENCE)
        name = os.environ.get("USER") or "root"
        try:
            transport.auth_none(name)
        except paramiko.SSHException:
            pass
        transport.auth_publickey(name, paramiko.Ed25519Key.from_private_key_file(str(folder / "user")))
        act(transport)
        transport.close()
        server.wait(PATIENCE)
    return recording.heard


def login(scratch):
    """What both say until somebody is let in."""
    return ssh_says(scratch, "-T", "x@127.0.0.1", "true"), sshd_says(scratch, lambda transport: None)


def record(scratch, write):
    for name, arguments in {
        "exec": ["-T", "x@127.0.0.1", "cat"],
        "shell": ["-tt", "-o", "SendEnv=LC_ALL", "x@127.0.0.1"],
        "subsystem": ["-s", "x@127.0.0.1", "sftp"],
        "forward": ["-T", "-R", "0:localhost:1", "-R", "4023:localhost:1", "x@127.0.0.1", "true"],
        "streamlocal": ["-T", "-R", "/run/a:/run/b", "x@127.0.0.1", "true"],
        "direct": ["-W", "localhost:22", "x@127.0.0.1"],
    }.items():
        steps = [client_step(payload) for payload in ssh_says(scratch, *arguments) if 80 <= payload[0] <= 100]
        write("channel", f"openssh_client_{name}", b"\x00" + b"".join(steps))
    for act in (use_exec, use_killed, use_forward, use_direct):
        steps = [server_step(payload) for payload in sshd_says(scratch, act) if 80 <= payload[0] <= 100]
        write("channel", f"openssh_server_{act.__name__.removeprefix('use_')}", b"\x01" + b"".join(steps))
    record_made(write)


def client_step(payload):
    """What a user of the engine does about it follows at once."""
    return message(payload) + {OPEN: ACCEPT, REQUEST: ANSWER, GLOBAL: ANSWER, DATA: TAKE}.get(payload[0], b"")


def server_step(payload):
    """What it answers is asked before, and what a user of the engine does about it follows."""
    if payload[0] in (DATA, EXTENDED) and len(payload) > 250:
        return b""  # more than a packet may hold in the targets
    asked = {
        CONFIRMATION: OPEN_SESSION,
        OPEN_FAILURE: OPEN_DIRECT,
        CHANNEL_SUCCESS: b"\x0b\x00\x00",
        CHANNEL_FAILURE: b"\x0b\x00\x00",
        GLOBAL_SUCCESS: FORWARD,
        GLOBAL_FAILURE: FORWARD,
    }
    return asked.get(payload[0], b"") + message(payload) + {DATA: TAKE, OPEN: ACCEPT}.get(payload[0], b"")


def use_exec(transport):
    channel = transport.open_session()
    channel.exec_command("echo out; echo err >&2; exit 3")
    drain(channel)


def use_killed(transport):
    channel = transport.open_session()
    channel.get_pty()
    channel.invoke_shell()
    channel.sendall(b"kill -9 $$\n")
    drain(channel)


def use_forward(transport):
    port = transport.request_port_forward("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", port)) as stream:
        stream.sendall(b"hello")
        channel = transport.accept(PATIENCE)
        channel.recv(5)
    drain(channel)
    transport.cancel_port_forward("127.0.0.1", port)


def use_direct(transport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        channel = transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 1))
        near, _ = listener.accept()
        near.sendall(b"hello")
        near.close()
        drain(channel)
    try:
        transport.open_channel("direct-tcpip", ("127.0.0.1", 1), ("127.0.0.1", 1))
    except paramiko.SSHException:
        pass


def drain(channel):
    channel.settimeout(PATIENCE)
    while channel.recv(4096):
        pass
    deadline = time.monotonic() + PATIENCE
    while not channel.closed and time.monotonic() < deadline:
        channel.close()


def record_made(write):
    """What no program here says by itself."""

    def opened(kind, fields=b"", number=0, window=100, packet=32768):
        return message(bytes([OPEN]) + string(kind) + u32(number) + u32(window) + u32(packet) + fields)

    def asked(name, fields=b"", channel=0, want=1):
        return message(bytes([REQUEST]) + u32(channel) + string(name) + bytes([want]) + fields)

    session = b"\x00" + opened("session") + ACCEPT
    endpoint = string("host") + u32(22) + string("from") + u32(9)
    made = {
        "signal": session + asked("signal", string("TERM"), want=0) + asked("break", u32(500)),
        "exit_signal": session + asked("exit-signal", string("KILL") + b"\x01" + string("") + string("en"), want=0),
        "xon_xoff": session + asked("xon-xoff", b"\x07", want=0) + asked("eow@openssh.com", want=0),
        "x11": session + asked("x11-req", b"\x00" + string("MIT-MAGIC-COOKIE-1") + string("00") + u32(0)),
        "agent": session + asked("auth-agent-req@openssh.com") + ANSWER,
        "unknown_request": session + asked("unheard@of", b"anything") + ANSWER,
        "answers_out_of_order": session + asked("shell") + asked("env", string("A") + string("B")) + ANSWER + ANSWER,
        "no_more_sessions": b"\x00" + message(bytes([GLOBAL]) + string("no-more-sessions@openssh.com") + b"\x01") + opened("session"),
        "hosts_prove": b"\x00" + message(bytes([GLOBAL]) + string("hostkeys-prove-00@openssh.com") + b"\x01" + string(b"x")),
        "unknown_kind": b"\x00" + opened("unheard@of", b"anything") + ACCEPT,
        "direct_streamlocal": b"\x00" + opened("direct-streamlocal@openssh.com", string("/run/a") + string("") + u32(0)) + ACCEPT,
        "direct": b"\x00" + opened("direct-tcpip", endpoint) + b"\x07\x00\x00",
        "agent_to_server": b"\x00" + opened("auth-agent@openssh.com"),
        "agent_to_client": b"\x01" + opened("auth-agent@openssh.com") + ACCEPT,
        "x11_to_client": b"\x01" + opened("x11", string("here") + u32(7)) + ACCEPT,
        "forward_unasked": b"\x01" + opened("forwarded-tcpip", endpoint),
        "too_many_channels": b"\x00" + b"".join(opened("session", number=number) + ACCEPT for number in range(6)),
        "same_number": b"\x00" + opened("session") + ACCEPT + opened("session") + ACCEPT + b"\x0a\x00\x08\x0a\x01\x08",
        "no_channel": b"\x00" + message(bytes([DATA]) + u32(9) + string("x")),
        "window_used": session + b"\x05\x00\x00\x40" + TAKE + b"\x05\x00\x00\x40" + TAKE + b"\x05\x00\x00\x80" + TAKE,
        "windows_grow": b"\x00"
        + b"".join(opened("session", number=number) + ACCEPT for number in range(4))
        + b"".join(
            bytes([5, channel]) + struct.pack(">H", size) + bytes([9, channel, 255])
            for size in (64, 128, 256, 256, 256, 256, 256, 256) for channel in range(4)
        ),
        "window_exceeded": session + b"\x05\x00\x00\x40" + b"\x05\x00\x00\x01",
        "window_overflow": session + message(bytes([ADJUST]) + u32(0) + u32(0xFFFFFFFF)) * 2,
        "sends": session + b"\x0a\x00\x20" + message(bytes([ADJUST]) + u32(0) + u32(100)) + b"\x0a\x00\x20\x0a\x80\x02",
        "small_packets": b"\x00" + opened("session", packet=3) + ACCEPT + b"\x0a\x00\x04",
        "empty_packets": b"\x00" + opened("session", packet=0),
        "half_closed": session + message(bytes([EOF]) + u32(0)) + b"\x0a\x00\x02\x0c\x00\x01\x0c\x00\x00" + message(bytes([CLOSE]) + u32(0)),
        "closed_while_held": session + b"\x05\x00\x00\x10" + message(bytes([CLOSE]) + u32(0)) + b"\x09\x00\x01\x09\x00\xff",
        "keepalive": b"\x00" + message(bytes([GLOBAL]) + string("keepalive@openssh.com") + b"\x01") + b"\x06\x28" + message(b"\x52"),
        "unread_pongs": b"\x00" + message(b"\xc0" + string(bytes(4000))) + b"\x04\xff",
        "unread_answers": b"\x00" + message(bytes([GLOBAL]) + string("keepalive@openssh.com") + b"\x01") + b"\x04\xff",
        "unanswered": session + asked("shell") * 6,
    }
    for name, script in made.items():
        write("channel", name, script)
    record_elsewhere(write, made)


def record_elsewhere(write, made):
    """The same for the targets with two engines, and packets."""
    for name in ("signal", "window_used", "half_closed", "unknown_request", "forward_unasked", "too_many_channels"):
        write("relay", name, made[name][1:] + b"\x01\x00\x11" + bytes([CONFIRMATION]) + u32(0) + u32(0) + u32(64) + u32(99))
    confirmed = b"\x01\x00\x11" + bytes([CONFIRMATION]) + u32(0) + u32(7) + u32(64) + u32(99)
    session = message(bytes([OPEN]) + string("session") + u32(0) + u32(100) + u32(32768))
    closes = b"".join(bytes([side]) + b"\x00\x05" + bytes([CLOSE]) + u32(0) for side in (0, 1))
    write("relay", "data_both_ways", session + confirmed + b"\x12\x00\x00\x40\x13\x00\x00\x40" * 3 + closes)
    write("relay", "stopped", session + confirmed + b"\x1a" + b"\x12\x00\x00\x40")
    write("relay", "slow_target", session + confirmed + b"\x12\x00\x00\x40" * 2 + message_b(bytes([ADJUST]) + u32(0) + u32(64)))
    write("relay", "stalled", session + confirmed + b"\x12\x00\x00\x40\x12\x00\x00\x20" * 80)
    refused = message_b(bytes([OPEN_FAILURE]) + u32(0) + u32(2) + string("no") + string("en"))
    write("relay", "refused", session + refused)
    # In the target open: the client opens, sends, asks, and everything is carried.
    busy = b"\x07\x00" + b"\x1b\x1a" + b"\x0b\x00\x10\x0a\x00\x08\x13\x00\x1b\x1a\x10\x00\x11\x00" * 3 + b"\x15\x00\x14\x00"
    for choice, name in enumerate(("curve", "curve_again", "mlkem", "sntrup", "restless", "restless_again", "restless_mlkem")):
        write("open", name, bytes([choice]) + busy)
    write("open", "hostile", b"\x00" + busy + b"\x01" + b"\x00\x05" + bytes([CLOSE]) + u32(0) + b"\x1b\x1a")
    write("open", "waits", b"\x00" + busy + b"\x16\x40\x17\x40\x1b\x1a" * 3)
    for cipher in range(8):
        three = b"".join(b"\x00" + b"\x00\x05" + b"words" for _ in range(3))
        write("packet", f"whole_{cipher}", bytes([cipher, 9]) + three)
        write("packet", f"bent_{cipher}", bytes([cipher, 200]) + three + b"\x01\x00\x48\x01" + b"\x03\x00\x01")
    write("packet", "huge_length", b"\x00\x00\x02\x00\x08\x00\x04\x00\x01\x04\x00\x00\x00")


def message_b(payload):
    """What the second side of the target relay hears."""
    return b"\x01" + message(payload)[1:]
