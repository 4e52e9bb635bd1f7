"""How the targets' scripts are written, and the data types of RFC 4251."""

import struct


def u32(value):
    return struct.pack(">I", value)


def string(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data


def fields(data, count):
    """The first `count` strings of `data`, and what is left."""
    found = []
    for _ in range(count):
        (length,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found, data


def chunk(data):
    """Bytes behind a length of two bytes."""
    assert len(data) < 65536
    return struct.pack(">H", len(data)) + data


def message(payload):
    """The step `the peer says this` of the targets userauth_*, channel and relay (there: to the first side)."""
    return b"\x00" + chunk(payload)
