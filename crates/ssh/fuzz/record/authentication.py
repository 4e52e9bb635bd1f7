"""Signing in: what OpenSSH's ssh and sshd say, and requests that are signed for the session that every target has."""

import pathlib
import re

import blobs
import sessions
from blobs import SIGNER
from script import chunk, message, string, u32

HERE = pathlib.Path(__file__).resolve().parent
SERVICE_REQUEST = b"\x05" + string("ssh-userauth")
ACCEPT, PARTIAL, REJECT, ASK = b"\x00", b"\x01", b"\x02", b"\x18"
OFFER_TAKEN = b"\x00"
REQUEST, FAILURE, SUCCESS, BANNER, PK_OK, INFO_REQUEST, PASSWORD_CHANGE, INFO_RESPONSE = 50, 51, 52, 53, 60, 60, 60, 61
# Actions of the target userauth_client.
NONE, PASSWORD, INTERACTIVE, OFFER, NAME, SIGN, RESPOND = (bytes([number]) for number in range(9, 16))


def known_session_id():
    source = (HERE.parents[1] / "src/transport/fuzzing.rs").read_text()
    return re.search(r'KNOWN_SESSION_ID: &\[u8\] = b"([^"]+)"', source)[1].encode()


def request(method, rest=b"", user=SIGNER, service="ssh-connection"):
    return bytes([REQUEST]) + string(user) + string(service) + string(method) + rest


def offered(algorithm, blob):
    return request("publickey", b"\x00" + string(algorithm) + string(blob))


def signed(key, algorithm, blob=None, host=None, flags=1, user=SIGNER):
    """A request that is signed for every session of the targets; `algorithm` names how the key signs."""
    blob = blob or key.blob
    certified = b"-cert-v01@" in blob[:64]
    named = algorithm.replace("@openssh.com", "") + "-cert-v01@openssh.com" if certified else algorithm
    method = "publickey-hostbound-v00@openssh.com" if host else "publickey"
    body = request(method, b"\x01" + string(named) + string(blob) + (string(host) if host else b""), user)
    return body + string(key.sign(string(known_session_id()) + body, algorithm, flags))


def record(scratch, write):
    keys = {key.kind: key for key in blobs.all_keys(scratch)}
    host = blobs.blob_of_private(HERE.parent / "body/key/host", scratch)
    record_requests(scratch, write, keys, host)
    record_flows(write, keys)
    record_servers(write, keys, host)
    record_real(scratch, write)


def record_requests(scratch, write, keys, host):
    def one(name, payload, answer=ACCEPT, config=b"\x00"):
        # The service request has no event; the signed one takes the answer.
        write("userauth_server", name, config + message(SERVICE_REQUEST) + message(payload) + answer)

    for key in keys.values():
        for algorithm in key.algorithms():
            one(f"signed_{key.kind}_{algorithm[-3:]}", signed(key, algorithm))
    ed25519, sk = keys["ed25519"], keys["sk_ed25519"]
    one("signed_hostbound", signed(ed25519, "ssh-ed25519", host=host))
    one("signed_untouched", signed(sk, sk.algorithms()[0], flags=0))
    one("signed_verified", signed(sk, sk.algorithms()[0], flags=5))
    for label, options in blobs.OPTIONS.items():
        one(f"signed_certificate_{label}", signed(ed25519, "ssh-ed25519", ed25519.certificate(scratch, options)))
    one("signed_certificate_rsa", signed(keys["rsa"], "rsa-sha2-512", keys["rsa"].certificate(scratch, [])))
    one("none", request("none"))
    one("password", request("password", b"\x00" + string("secret")))
    one("password_change", request("password", b"\x01" + string("old") + string("new")))
    one("hostbased", request("hostbased", string("ssh-ed25519") + string(host) + string("here") + string("me") + string("")))
    one("control_characters", request("none", user="a\x1bb"))
    one("other_service", request("none", service="ssh-userauth"))
    one("held_until_due", request("none"), REJECT + b"\x06\x05" + message(request("none")), config=b"\x01")
    for name, payload in {"ignore": b"\x02" + string(bytes(4000)), "ping": b"\xc0" + string(bytes(4000))}.items():
        write("userauth_server", f"regression-flood-{name}", b"\x00" + message(payload) + b"\x05\xff")
        write("userauth_client", f"regression-flood-{name}", message(payload) + b"\x07\xff")
    write("userauth_server", "no_service", b"\x00" + message(request("none")))
    write("userauth_server", "other_first", b"\x00" + message(b"\x05" + string("ssh-connection")))


def record_flows(write, keys):
    def flow(name, *steps):
        write("userauth_server", name, b"\x00" + message(SERVICE_REQUEST) + b"".join(steps))

    key = keys["ed25519"]
    full = signed(key, "ssh-ed25519")
    ask = request("keyboard-interactive", string("") + string("pam"))
    answer = bytes([INFO_RESPONSE]) + u32(1) + string("42")
    flow("offer_then_sign", message(offered("ssh-ed25519", key.blob)), OFFER_TAKEN, message(full), ACCEPT)
    flow("key_then_password", message(full), b"\x11", message(request("password", b"\x00" + string("x"))), ACCEPT)
    flow("key_twice", message(full), PARTIAL, message(full), ACCEPT)
    flow("name_changes", message(full), b"\x11", message(request("password", b"\x00" + string("x"), user="bob")), ACCEPT)
    flow("interactive", message(ask), ASK, message(answer), ASK, message(answer), ACCEPT)
    flow("interactive_left", message(ask), ASK, message(full), b"\x00", ACCEPT)
    flow("interactive_wrong", message(ask), ASK, message(bytes([INFO_RESPONSE]) + u32(2) + string("a") + string("b")))
    flow("guesses", *[message(request("password", b"\x00" + string("x"))) + REJECT] * 6)
    flow("offers", *[message(offered("ssh-ed25519", key.blob)) + b"\x01"] * 9)
    flow("banner", b"\x07" + chunk(b"Hello\n"), message(request("none")), REJECT)


def record_servers(write, keys, host):
    def flow(name, *steps):
        write("userauth_client", name, message(b"\x06" + string("ssh-userauth")) + b"".join(steps))

    failure = message(bytes([FAILURE]) + string("publickey,password") + b"\x00")
    partial = message(bytes([FAILURE]) + string("password") + b"\x01")
    success = message(bytes([SUCCESS]))
    banner = message(bytes([BANNER]) + string("Hello\r\n") + string(""))
    prompts = message(bytes([INFO_REQUEST]) + string("Login") + string("") + string("") + u32(1) + string("Code: ") + b"\x00")
    none = message(bytes([INFO_REQUEST]) + string("") + string("") + string("") + u32(0))
    expired = message(bytes([PASSWORD_CHANGE]) + string("too old") + string(""))
    taken = message(bytes([PK_OK]) + string("ssh-ed25519") + string(host))
    flow("none", NONE, success)
    flow("password", banner, NONE, failure, PASSWORD + chunk(b"secret"), success)
    flow("password_expired", PASSWORD + chunk(b"secret"), expired, NONE, failure)
    flow("offer", OFFER, taken, SIGN, success)
    flow("offer_refused", OFFER, failure, NAME, SIGN, success)
    flow("offer_success", OFFER, success)
    flow("other_key_taken", OFFER, message(bytes([PK_OK]) + string("ssh-ed25519") + string(keys["ed25519"].blob)))
    flow("partial", NAME, SIGN, partial, PASSWORD + chunk(b"x"), success)
    flow("interactive", INTERACTIVE, prompts, RESPOND + b"\x01\x01", none, RESPOND + b"\x01\x00", success)
    flow("interactive_left", INTERACTIVE, prompts, RESPOND + b"\x00", PASSWORD + chunk(b"x"), failure)
    flow("unasked_success", success)
    extensions = [string("server-sig-algs") + string("ssh-ed25519,rsa-sha2-512"), string("ping@openssh.com") + string("0")]
    ext_info = b"\x07" + u32(len(extensions)) + b"".join(extensions)
    write("userauth_client", "extensions", message(ext_info) + message(b"\x06" + string("ssh-userauth")) + NONE + success)
    write("userauth_client", "too_early", success)


def record_real(scratch, write):
    """What OpenSSH says, as it was decrypted by paramiko."""
    client, server = sessions.login(scratch)
    answers = {5: b"", REQUEST: REJECT}
    steps = [message(payload) + answers[payload[0]] for payload in client if payload[0] in answers]
    write("userauth_server", "openssh", b"\x00" + b"".join(steps))
    # paramiko asks for the service again before each request; a client of ours asks once.
    accepted = [payload for payload in server if payload[0] == 6][:1]
    heard = accepted + [payload for payload in server if payload[0] in (FAILURE, SUCCESS, BANNER, PK_OK)]
    write("userauth_client", "openssh", b"".join(message(payload) + NONE for payload in heard))
