"""An ssh-agent (draft-ietf-sshm-ssh-agent) whose keys are in a FIDO authenticator made of software.

usage: fido_agent.py SOCKET DIRECTORY. Writes the public halves to DIRECTORY/id_ed25519_sk.pub and id_ecdsa_sk.pub, with their
formats as in OpenSSH's PROTOCOL.u2f. It is always touched, and never checks its user.
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

APPLICATION = b"ssh:"
TOUCHED = 1


def string(data):
    return struct.pack(">I", len(data)) + data


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class Reader:
    def __init__(self, data):
        self.data = data

    def string(self):
        (length,) = struct.unpack(">I", self.data[:4])
        value, self.data = self.data[4 : 4 + length], self.data[4 + length :]
        return value


class Ed25519:
    name = b"sk-ssh-ed25519@openssh.com"
    certificate = b"sk-ssh-ed25519-cert-v01@openssh.com"

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.point = raw
        self.fields = string(raw) + string(APPLICATION)

    def sign(self, data):
        return self.key.sign(data)


class Ecdsa:
    name = b"sk-ecdsa-sha2-nistp256@openssh.com"
    certificate = b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        encoding, form = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        self.point = self.key.public_key().public_bytes(encoding, form)
        self.fields = string(b"nistp256") + string(self.point) + string(APPLICATION)

    def sign(self, data):
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return mpint(r) + mpint(s)


def blob(key):
    return string(key.name) + key.fields


def signature(key, data, counter):
    tail = struct.pack(">BI", TOUCHED, counter)
    signed = hashlib.sha256(APPLICATION).digest() + tail + hashlib.sha256(data).digest()
    return string(key.name) + string(key.sign(signed)) + tail


def holder(keys, wanted):
    """The key that a blob names; in a certificate, its fields follow the nonce."""
    for key in keys:
        if wanted == blob(key):
            return key
        if wanted.startswith(string(key.certificate)):
            reader = Reader(wanted)
            reader.string(), reader.string()
            if reader.data.startswith(key.fields):
                return key
    return None


def answer(keys, message, counter):
    reader = Reader(message[1:])
    if message[0] == 11:  # REQUEST_IDENTITIES
        listed = b"".join(string(blob(key)) + string(b"fido") for key in keys)
        return struct.pack(">BI", 12, len(keys)) + listed
    if message[0] == 13:  # SIGN_REQUEST
        key = holder(keys, reader.string())
        if key:
            return b"\x0e" + string(signature(key, reader.string(), counter))
    return b"\x05"  # FAILURE


def serve(connection, keys):
    counter = 0
    stream = connection.makefile("rwb")
    while length := stream.read(4):
        message = stream.read(struct.unpack(">I", length)[0])
        counter += 1
        stream.write(string(answer(keys, message, counter)))
        stream.flush()


def main():
    path, directory = sys.argv[1:]
    keys = [Ed25519(), Ecdsa()]
    for key, name in zip(keys, ["id_ed25519_sk.pub", "id_ecdsa_sk.pub"]):
        with open(os.path.join(directory, name), "wb") as file:
            file.write(key.name + b" " + base64.b64encode(blob(key)) + b" fido\n")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], keys), daemon=True).start()


main()
