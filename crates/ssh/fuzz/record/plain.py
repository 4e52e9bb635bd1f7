"""What goes unsealed: version lines, KEXINIT, public values, NEWKEYS, as real programs send them."""

import os
import shutil
import socket
import struct
import subprocess
import threading

from script import fields, message, string

KEX = {
    "mlkem768x25519-sha256": 0,
    "sntrup761x25519-sha512": 1,
    "sntrup761x25519-sha512@openssh.com": 1,
    "curve25519-sha256": 2,
    "ecdh-sha2-nistp256": 3,
    "ecdh-sha2-nistp384": 4,
    "diffie-hellman-group14-sha256": 5,
    "diffie-hellman-group16-sha512": 6,
}
NEWKEYS = 21


def record(scratch, write):
    key = scratch / "plain_host"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    offered = subprocess.run(["ssh", "-Q", "kex"], check=True, capture_output=True, text=True).stdout.split()
    for name in (name for name in KEX if name in offered):
        client, server = converse(openssh(name), sshd(key, name))
        label = name.split("@")[0].replace("-", "_")
        write_flight(write, f"openssh_{label}", client, server)
        for role, flight in ((0, client), (1, server)):
            for payload in packets(flight)[1]:
                if payload[0] in (30, 31):
                    number = 0 if payload[0] == 30 else 1
                    value = fields(payload[1:], 1 + number)[0][number]
                    write("exchange", f"openssh_{label}_{role}", bytes([KEX[name] << 1 | role]) + value)
    for program, command in {
        "putty": ["plink", "-batch", "-ssh", "-P", "{port}", "x@127.0.0.1"],
        "dropbear": ["dbclient", "-y", "-p", "{port}", "x@127.0.0.1"],
    }.items():
        client, server = converse(command, sshd(key, "curve25519-sha256"))
        write_flight(write, program, client, server)
    write_banners(write)
    write_kex_variants(write, server)
    write_exchanges(write, client)


def openssh(kex):
    options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", f"KexAlgorithms={kex}"]
    return ["ssh", "-F", "none", *(word for option in options for word in ("-o", option)), "-p", "{port}", "x@127.0.0.1"]


def sshd(key, kex):
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    return [program, "-i", "-f", "/dev/null", "-h", str(key), "-o", f"KexAlgorithms={kex}", "-o", "LogLevel=QUIET"]


def converse(client_command, server_command):
    """Lets a client talk to a server; what each said, up to and with its NEWKEYS."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    home = {**os.environ, "HOME": "/nonexistent"}
    client = subprocess.Popen(
        [word.format(port=port) for word in client_command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=home,
    )
    near, _ = listener.accept()
    far, inside = socket.socketpair()
    server = subprocess.Popen(server_command, stdin=inside, stdout=inside, stderr=subprocess.DEVNULL)
    inside.close()
    said = {near: b"", far: b""}

    def carry(source, sink):
        try:
            while data := source.recv(65536):
                said[source] += data
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    threads = [threading.Thread(target=carry, args=ends) for ends in ((near, far), (far, near))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in (client, server):
        process.wait()
    return packets(said[near])[0], packets(said[far])[0]


def packets(said):
    """The bytes up to and with NEWKEYS, and the payloads in them."""
    start = said.index(b"SSH-")
    at = said.index(b"\n", start) + 1
    payloads = []
    while at + 5 <= len(said):
        length, padding = struct.unpack(">IB", said[at : at + 5])
        payload = said[at + 5 : at + 4 + length - padding]
        if not payload:
            break
        payloads.append(payload)
        at += 4 + length
        if payload[0] == NEWKEYS:
            break
    return said[:at], payloads


def write_flight(write, name, client, server):
    write("engine", f"{name}_client", b"\xfe" + client)
    write("engine", f"{name}_server", b"\xff" + server)
    for role, flight in ((0, client), (1, server)):
        side = ("client", "server")[role]
        version = flight[: flight.index(b"\n") + 1]
        write("banner", f"{name}_{side}", bytes([role | 6]) + version)
        kexinit = packets(flight)[1][0]
        assert kexinit[0] == 20
        # Bit 1 of the choice: we are the client. It hears what servers say.
        write("kexinit", f"{name}_{side}", bytes([3 if role else 0]) + kexinit)


def write_banners(write):
    write("banner", "lines_before", b"\x07" + b"Welcome.\r\nTo this host\n" * 3 + b"SSH-2.0-x y z\r\n")
    write("banner", "old", b"\x01SSH-1.99-OpenSSH_3.0\n")
    write("banner", "too_old", b"\x00SSH-1.5-1.2.27\n")
    write("banner", "too_long", b"\xfeSSH-2.0-" + b"a" * 300 + b"\r\n")
    write("banner", "endless_line", b"\xff" + b"a" * 2100)
    write("banner", "many_lines", b"\xff" + b"a\n" * 70)
    write("banner", "not_printable", b"\x00SSH-2.0-a\0b\r\n")


def write_exchanges(write, client):
    """A key exchange on an open connection, and somebody who talks on meanwhile; and one that talks before the first."""
    kexinit, value = packets(client)[1][:2]
    talk = message(b"\x50" + string("unheard@of") + b"\x00")
    write("channel", "rekey", b"\x00" + message(kexinit) + message(value) + message(bytes([NEWKEYS])))
    write("channel", "rekey_and_talk", b"\x00" + message(kexinit) + talk)
    write("channel", "rekey_and_ignore", b"\x00" + message(kexinit) + message(b"\x02" + string("")) + message(value))
    version = client[: client.index(b"\n") + 1]
    ignored = b"\x00\x00\x00\x0c\x06\x02" + bytes(10)
    write("engine", "ignore_first", b"\xfe" + version + ignored + client[len(version) :])
    at = len(version) + 4 + struct.unpack(">I", client[len(version) : len(version) + 4])[0]
    write("engine", "ignore_between", b"\xfe" + client[:at] + ignored + client[at:])


def write_kex_variants(write, server):
    payload = packets(server)[1][0]
    write("kexinit", "guessed", b"\x03" + payload[:-5] + b"\x01" + payload[-4:])
    write("kexinit", "rekey", b"\x07" + payload)
    write("kexinit", "certificate", b"\x01" + payload)
    write("kexinit", "empty_lists", b"\x00\x14" + bytes(16) + bytes(40) + bytes(5))
    write("exchange", "curve_zero", bytes([2 << 1]) + bytes(32))
    write("exchange", "curve_short", bytes([2 << 1]) + bytes(31))
    write("exchange", "group_one", bytes([5 << 1 | 1, 1]))
    write("exchange", "mlkem_zero", bytes([0]) + bytes(1184 + 32))
    write("exchange", "mlkem_answer", bytes([1]) + bytes(1088) + b"\x09" + bytes(31))
