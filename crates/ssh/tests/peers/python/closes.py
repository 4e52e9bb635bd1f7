"""Starts downloads that it does not read, and closes their channels when their windows are used up; all on one connection of paramiko.

usage: closes.py JSON with port, user, key (a path), host_key (type and base64), rounds. A command writes its process id into the
file pid.N. Prints how many channels it has closed.
"""

import json
import socket
import sys
import time

import paramiko

OPTIONS = json.loads(sys.argv[1])
WINDOW = 100_000


def main():
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", OPTIONS["port"])))
    transport.start_client(timeout=60)
    presented = transport.get_remote_server_key()
    assert OPTIONS["host_key"] == presented.get_name() + " " + presented.get_base64()
    transport.auth_publickey(OPTIONS["user"], paramiko.PKey.from_path(OPTIONS["key"]))
    for number in range(OPTIONS["rounds"]):
        channel = transport.open_session(window_size=WINDOW)
        channel.exec_command(f"echo $$ > pid.{number}; exec cat /dev/zero")
        while len(channel.in_buffer) < WINDOW:
            time.sleep(0.002)
        channel.close()
    print(OPTIONS["rounds"])
    transport.close()


main()
