"""Keys, certificates and signatures, made by ssh-keygen and by the cryptography package."""

import base64
import hashlib
import pathlib
import shutil
import struct
import subprocess
import tempfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils

from script import chunk, fields, string, u32

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {
    "ed25519": ["-t", "ed25519"],
    "p256": ["-t", "ecdsa", "-b", "256"],
    "p384": ["-t", "ecdsa", "-b", "384"],
    "p521": ["-t", "ecdsa", "-b", "521"],
    "rsa": ["-t", "rsa", "-b", "2048"],
}
HASHES = {"p256": hashes.SHA256(), "p384": hashes.SHA384(), "p521": hashes.SHA512()}
OPTIONS = {
    "plain": [],
    "forced": ["-O", "force-command=uptime", "-O", "no-pty"],
    "source": ["-O", "source-address=127.0.0.0/8,192.0.2.0/24,2001:db8::/32"],
    "unknown": ["-O", "critical:nobody@knows=it"],
    "extended": ["-O", "extension:hello@example.com=world", "-O", "no-touch-required", "-O", "verify-required"],
}
SIGNER = "alice"


class Key:
    """A key pair, also one that pretends to live in an authenticator."""

    def __init__(self, scratch, kind):
        self.kind = kind
        inner = {"sk_ed25519": "ed25519", "sk_p256": "p256"}.get(kind, kind)
        path = pathlib.Path(tempfile.mkdtemp(dir=scratch)) / kind
        subprocess.run(["ssh-keygen", "-q", *KINDS[inner], "-N", "", "-C", "", "-f", path], check=True)
        self.path = path
        self.private = serialization.load_ssh_private_key(path.read_bytes(), None)
        self.blob = blob_of(path.with_suffix(".pub"))
        if kind.startswith("sk_"):
            name = "sk-ssh-ed25519@openssh.com" if kind == "sk_ed25519" else "sk-ecdsa-sha2-nistp256@openssh.com"
            (old,), rest = fields(self.blob, 1)
            self.blob = string(name) + rest + string("ssh:")
            path.with_suffix(".pub").write_text(f"{name} {base64.b64encode(self.blob).decode()}\n")

    def algorithms(self):
        (name,), _ = fields(self.blob, 1)
        return ["rsa-sha2-256", "rsa-sha2-512"] if self.kind == "rsa" else [name.decode()]

    def sign(self, data, algorithm, flags=1):
        if self.kind.startswith("sk_"):
            tail = bytes([flags]) + u32(7)
            data = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(data).digest()
            return string(algorithm) + string(self.raw(data, algorithm)) + tail
        return string(algorithm) + string(self.raw(data, algorithm))

    def raw(self, data, algorithm):
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        if self.kind == "rsa":
            digest = hashes.SHA256() if algorithm == "rsa-sha2-256" else hashes.SHA512()
            return self.private.sign(data, padding.PKCS1v15(), digest)
        digest = HASHES["p256" if self.kind == "sk_p256" else self.kind]
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
        return string(mpint(r)) + string(mpint(s))

    def certificate(self, scratch, options, principals=SIGNER, host=False, until="forever"):
        """Signed by the authority that the targets trust."""
        public = scratch / "certified.pub"
        shutil.copy(self.path.with_suffix(".pub"), public)
        command = ["ssh-keygen", "-q", "-s", authority(scratch), "-I", "seed", "-z", "7", "-V", f"20200101:{until}"]
        command += (["-n", principals] if principals else []) + (["-h"] if host else options)
        subprocess.run([*command, public], check=True, stderr=subprocess.DEVNULL)
        return blob_of(scratch / "certified-cert.pub")


def all_keys(scratch):
    return [Key(scratch, kind) for kind in (*KINDS, "sk_ed25519", "sk_p256")]


def authority(scratch):
    path = scratch / "authority"
    if not path.exists():
        shutil.copy(HERE.parent / "body/key/authority", path)
        path.chmod(0o600)
    return path


def blob_of(public):
    return base64.b64decode(public.read_text().split()[1])


def blob_of_private(path, scratch):
    copy = scratch / "private"
    shutil.copy(path, copy)
    copy.chmod(0o600)
    public = subprocess.run(["ssh-keygen", "-y", "-f", copy], check=True, capture_output=True, text=True).stdout
    return base64.b64decode(public.split()[1])


def mpint(value):
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def record(scratch, write):
    ordinals = {"ed25519": 0, "p256": 1, "p384": 2, "p521": 3, "rsa": 4, "sk_ed25519": 5, "sk_p256": 6}
    for key in all_keys(scratch):
        write("certificate", f"key_{key.kind}", b"\x00" + key.blob)
        (name,), _ = fields(key.blob, 1)
        line = name + b" " + base64.b64encode(key.blob) + b" somebody@somewhere\n"
        if key.kind != "rsa":
            write("certificate", f"line_{key.kind}", b"\x04" + line)
        data = b"data"
        for algorithm in key.algorithms():
            signed = chunk(key.blob) + chunk(data) + key.sign(data, algorithm)
            write("certificate", f"signature_{key.kind}_{algorithm[-3:]}", b"\x05" + signed)
        certificate = key.certificate(scratch, [])
        write("certificate", f"certificate_{key.kind}", b"\x00" + certificate)
        write("certificate", f"unsigned_{key.kind}", bytes([1 | ordinals[key.kind] << 3]) + unsigned(certificate))
        if key.kind == "ed25519":
            record_options(scratch, write, key)
            record_proof(write, key)
    write("certificate", "sources", b"\x06127.0.0.1,10.0.0.0/8,2001:db8::/32,::1")


def record_options(scratch, write, key):
    made = {label: key.certificate(scratch, options) for label, options in OPTIONS.items()}
    made["host"] = key.certificate(scratch, [], host=True)
    made["nobody"] = key.certificate(scratch, [], principals=None)
    made["several"] = key.certificate(scratch, [], principals=f"root,{SIGNER},git")
    made["similar"] = key.certificate(scratch, [], principals=f"{SIGNER}2,x{SIGNER}")
    made["over"] = key.certificate(scratch, [], until="20210101")
    for label, blob in made.items():
        write("certificate", f"options_{label}", b"\x01" + unsigned(blob))


def unsigned(blob):
    """From the nonce up to the reserved field: without type, authority and signature."""
    (name,), rest = fields(blob, 1)
    position = 0
    plain = {"ssh-ed25519": 2, "ssh-rsa": 3, "ecdsa": 3, "sk-ssh": 3, "sk-ecdsa": 4}
    count = next(count for start, count in reversed(plain.items()) if name.decode().startswith(start))
    for step in (count, 8 + 4, 2, 8 + 8, 3):
        if step in (12, 16):
            position += step
            continue
        for _ in range(step):
            (length,) = struct.unpack(">I", rest[position : position + 4])
            position += 4 + length
    return rest[:position]


def record_proof(write, key):
    data = string("hostkeys-prove-00@openssh.com") + string("session") + string(key.blob)
    write("certificate", "proof", b"\x07" + chunk(key.blob) + string(key.sign(data, "ssh-ed25519")))
