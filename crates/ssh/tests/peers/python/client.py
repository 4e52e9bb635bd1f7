"""One command through a client of paramiko or of asyncssh.

usage: client.py JSON with library, port, user, key, certificate (paths or null), host_key (type and base64; of a certificate authority if
authority is true), command, rekey_bytes (or null). Standard input goes to the command, its output to
standard output, its exit status becomes ours; a signal is said at the end of the output, with status 255. With asyncssh, a second
argument is a signal that the command is sent after its first output, or two numbers: its window and its largest packet.
"""

import asyncio
import json
import socket
import sys
import threading

OPTIONS = json.loads(sys.argv[1])
CHUNK = 32768


def by_paramiko():
    import paramiko

    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", OPTIONS["port"])))
    transport.packetizer.REKEY_BYTES = OPTIONS["rekey_bytes"] or transport.packetizer.REKEY_BYTES
    transport.start_client(timeout=60)
    presented = transport.get_remote_server_key()
    if OPTIONS["host_key"] != presented.get_name() + " " + presented.get_base64():
        sys.exit("another host key: " + presented.get_name())
    key = paramiko.PKey.from_path(OPTIONS["key"])
    if OPTIONS["certificate"]:
        key.load_certificate(OPTIONS["certificate"])
    transport.auth_publickey(OPTIONS["user"], key)
    channel = transport.open_session()
    channel.exec_command(OPTIONS["command"])

    def feed():
        while data := sys.stdin.buffer.read1(CHUNK):
            channel.sendall(data)
        channel.shutdown_write()

    threading.Thread(target=feed, daemon=True).start()
    while data := channel.recv(CHUNK):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    status = channel.recv_exit_status()
    transport.close()
    return status


async def by_asyncssh():
    import asyncssh

    line = ("@cert-authority * " if OPTIONS["authority"] else "* ") + OPTIONS["host_key"]
    connection = await asyncssh.connect(
        "127.0.0.1",
        OPTIONS["port"],
        config=None,
        username=OPTIONS["user"],
        client_keys=[(OPTIONS["key"], OPTIONS["certificate"])] if OPTIONS["certificate"] else [OPTIONS["key"]],
        known_hosts=asyncssh.import_known_hosts(line),
        agent_path=None,
        rekey_bytes=OPTIONS["rekey_bytes"] or (),
    )
    async with connection:
        limits = [int(number) for number in sys.argv[2:] if number.isdigit()]
        sizes = dict(zip(("window", "max_pktsize"), limits))
        process = await connection.create_process(OPTIONS["command"], encoding=None, **sizes)
        loop = asyncio.get_running_loop()

        async def feed():
            while data := await loop.run_in_executor(None, sys.stdin.buffer.read1, CHUNK):
                process.stdin.write(data)
                await process.stdin.drain()
            process.stdin.write_eof()

        feeding = asyncio.create_task(feed())
        signals = [name for name in sys.argv[2:] if name.isalpha()]
        while data := await process.stdout.read(CHUNK):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            if signals:
                process.send_signal(signals.pop())
        await process.wait()
        await feeding
        if process.exit_signal:
            print(process.exit_signal[0])
            return 255
        return process.exit_status


sys.exit(by_paramiko() if OPTIONS["library"] == "paramiko" else asyncio.run(by_asyncssh()))
