"""A server of asyncssh: lets in some keys, and runs commands with a shell.

usage: asyncssh_server.py JSON with host_keys and certificates (paths), authorized (lines), and lists of names kex, ciphers, macs, and rekey_bytes (or null).
A list is cut to what asyncssh knows; an empty one leaves its own choice.
"""

import asyncio
import json
import sys

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs

OPTIONS = json.loads(sys.argv[1])
CHUNK = 32768


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True


async def run(process):
    command = await asyncio.create_subprocess_shell(
        process.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )

    async def feed():
        while True:
            try:
                data = await process.stdin.read(CHUNK)
            except asyncssh.SignalReceived as received:
                command.send_signal({"TERM": 15, "INT": 2, "KILL": 9}[received.signal])
                continue
            if not data:
                break
            command.stdin.write(data)
            await command.stdin.drain()
        command.stdin.close()

    feeding = asyncio.create_task(feed())
    while data := await command.stdout.read(CHUNK):
        process.stdout.write(data)
        await process.stdout.drain()
    status = await command.wait()
    feeding.cancel()
    if status < 0:
        process.exit_with_signal({2: "INT", 9: "KILL", 15: "TERM"}.get(-status, "ABRT"))
    else:
        process.exit(status)


def known(wanted, algorithms):
    names = {name.decode() for name in algorithms}
    return [name for name in wanted if name in names] or ()


async def main():
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=OPTIONS["host_keys"],
        server_host_certs=OPTIONS["certificates"],
        authorized_client_keys=asyncssh.import_authorized_keys("\n".join(OPTIONS["authorized"])),
        kex_algs=known(OPTIONS["kex"], get_kex_algs()),
        encryption_algs=known(OPTIONS["ciphers"], get_encryption_algs()),
        mac_algs=known(OPTIONS["macs"], get_mac_algs()),
        rekey_bytes=OPTIONS["rekey_bytes"] or (),
        process_factory=run,
        encoding=None,
        allow_scp=False,
    )
    print("listening on 127.0.0.1:%d" % server.get_port(), flush=True)
    await server.wait_closed()


asyncio.run(main())
