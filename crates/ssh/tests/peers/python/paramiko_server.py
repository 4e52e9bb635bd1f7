"""A server of paramiko: lets in some keys, and runs commands with a shell.

usage: paramiko_server.py JSON with host_keys (paths), authorized (each type and base64), and lists of names kex, ciphers, macs, and rekey_bytes (or null). A list is cut
to what paramiko knows; an empty one leaves its own choice.
"""

import json
import socket
import subprocess
import sys
import threading

import paramiko

OPTIONS = json.loads(sys.argv[1])
CHUNK = 32768


class Server(paramiko.ServerInterface):
    def check_auth_publickey(self, username, key):
        ours = key.get_name() + " " + key.get_base64()
        return paramiko.AUTH_SUCCESSFUL if ours in OPTIONS["authorized"] else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=run, args=(channel, command), daemon=True).start()
        return True


def run(channel, command):
    process = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        while data := channel.recv(CHUNK):
            process.stdin.write(data)
        process.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    while data := process.stdout.read1(CHUNK):
        channel.sendall(data)
    status = process.wait()
    if status < 0:
        message = paramiko.Message()
        message.add_byte(b"\x62")  # CHANNEL_REQUEST: paramiko has no call for this one
        message.add_int(channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string({9: "KILL", 15: "TERM"}.get(-status, "ABRT"))
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        channel.transport._send_user_message(message)
    else:
        channel.send_exit_status(status)
    channel.shutdown_write()
    channel.close()


def narrow(options, name, wanted):
    known = getattr(options, name)
    if wanted:
        setattr(options, name, [each for each in wanted if each in known])


def serve(connection):
    transport = paramiko.Transport(connection)
    for path in OPTIONS["host_keys"]:
        transport.add_server_key(paramiko.PKey.from_path(path))
    options = transport.get_security_options()
    narrow(options, "kex", OPTIONS["kex"])
    narrow(options, "ciphers", OPTIONS["ciphers"])
    narrow(options, "digests", OPTIONS["macs"])
    transport.packetizer.REKEY_BYTES = OPTIONS["rekey_bytes"] or transport.packetizer.REKEY_BYTES
    try:
        transport.start_server(server=Server())
    except (EOFError, paramiko.SSHException) as error:
        print(error, file=sys.stderr)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()
