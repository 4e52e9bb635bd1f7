"""Writes the seeds of the fuzz corpora: what OpenSSH, PuTTY and dropbear say on this machine, and what is signed for it.

    PYTHON crates/ssh/fuzz/record [FOLDER]     (default: corpus/ beside this folder)

PYTHON is one with the packages of crates/ssh/tests/peers/requirements.txt: `./test` makes it. Existing seeds of the same name are
overwritten, other files are left alone. Everything runs on loopback, with keys made for the occasion.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import authentication
import blobs
import plain
import sessions


def main():
    here = pathlib.Path(__file__).resolve().parent
    corpus = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "corpus"

    def write(target, name, data):
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    with tempfile.TemporaryDirectory(prefix="sallyport-record-") as scratch:
        scratch = pathlib.Path(scratch)
        for part in (plain, blobs, authentication, sessions):
            part.record(scratch, write)


main()
