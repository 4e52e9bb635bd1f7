"""Signs in with a key, a password and answers, as the server wants them, and runs one command.

usage: answers.py JSON with library (paramiko or asyncssh), port, user, key (a path), host_key (type and base64), password, fruit, code,
command. Standard input goes to the command, its output to standard output, its exit status becomes ours; 255 is a failure.
"""

import asyncio
import json
import socket
import sys

OPTIONS = json.loads(sys.argv[1])


def answers(questions):
    """The answers to one round."""
    known = {"Fruit": OPTIONS["fruit"], "Password": OPTIONS["password"], "Code": OPTIONS["code"]}
    return [known[text.strip(" ?:")] for text, _ in questions]


def by_paramiko():
    import paramiko

    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", OPTIONS["port"])))
    transport.start_client(timeout=60)
    presented = transport.get_remote_server_key()
    assert OPTIONS["host_key"] == presented.get_name() + " " + presented.get_base64()
    user = OPTIONS["user"]
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as error:
        wanted = error.allowed_types
    banner = transport.get_banner().decode()  # each attempt forgets it
    ways = {
        "publickey": lambda: transport.auth_publickey(user, paramiko.PKey.from_path(OPTIONS["key"])),
        "keyboard-interactive": lambda: transport.auth_interactive(user, lambda title, text, asked: answers(asked)),
        "password": lambda: transport.auth_password(user, OPTIONS["password"], fallback=False),
    }
    while not transport.is_authenticated():
        wanted = ways[wanted[0]]()
    assert "Befugte" in banner
    channel = transport.open_session()
    channel.exec_command(OPTIONS["command"])
    channel.sendall(sys.stdin.buffer.read())
    channel.shutdown_write()
    output = b""
    while data := channel.recv(32768):
        output += data
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    status = channel.recv_exit_status()
    transport.close()
    return status


async def by_asyncssh():
    import asyncssh

    banners = []

    class Client(asyncssh.SSHClient):
        def auth_banner_received(self, text, language):
            banners.append(text)

        def password_auth_requested(self):
            return OPTIONS["password"]

        def kbdint_auth_requested(self):
            return ""

        def kbdint_challenge_received(self, name, instructions, language, prompts):
            return answers(prompts)

    connection, _ = await asyncssh.create_connection(
        Client,
        "127.0.0.1",
        OPTIONS["port"],
        config=None,
        username=OPTIONS["user"],
        client_keys=[OPTIONS["key"]],
        known_hosts=asyncssh.import_known_hosts("* " + OPTIONS["host_key"]),
        agent_path=None,
    )
    assert "Befugte" in "".join(banners)
    async with connection:
        result = await connection.run(OPTIONS["command"], input=sys.stdin.buffer.read(), encoding=None)
        sys.stdout.buffer.write(result.stdout)
        sys.stdout.buffer.flush()
        return result.exit_status


def main():
    try:
        return by_paramiko() if OPTIONS["library"] == "paramiko" else asyncio.run(by_asyncssh())
    except Exception as error:  # the test looks at the status alone
        print(type(error).__name__, error, file=sys.stderr)
        return 255


sys.exit(main())
