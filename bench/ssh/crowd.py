"""Many SSH connections in one process, each with a session that runs `cat`. Needs asyncssh.

Obeys lines on its standard input and answers each with a line: `open N` opens so many more, `touch` sends one byte through every
session and waits for it to come back, `close` ends them all.
"""
import argparse
import asyncio
import sys

import asyncssh

TOGETHER = 16
SECONDS = 120


async def join(args, key, places):
    async with places:
        connection = await asyncssh.connect(
            "127.0.0.1", args.port, username=args.user, client_keys=[key], known_hosts=args.known, config=None, agent_path=None,
            kex_algs=[args.kex], encryption_algs=[args.cipher], compression_algs=["none"], connect_timeout=SECONDS,
            login_timeout=SECONDS)
        process = await connection.create_process("cat", encoding=None)
        return connection, process


async def touch(process, places):
    async with places:
        process.stdin.write(b"x")
        back = await asyncio.wait_for(process.stdout.readexactly(1), SECONDS)
        if back != b"x":
            raise RuntimeError(f"{back!r} came back")


async def leave(connection, process, places):
    async with places:
        process.stdin.write_eof()
        await asyncio.wait_for(process.wait_closed(), SECONDS)
        connection.close()
        await asyncio.wait_for(connection.wait_closed(), SECONDS)


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("user", "identity", "known", "kex", "cipher"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    key = asyncssh.read_private_key(args.identity)
    crowd, places = [], asyncio.Semaphore(TOGETHER)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["open", count]:
                crowd += await asyncio.gather(*(join(args, key, places) for _ in range(int(count))))
            case ["touch"]:
                await asyncio.gather(*(touch(process, places) for _, process in crowd))
            case ["close"]:
                await asyncio.gather(*(leave(*one, places) for one in crowd))
                crowd = []
            case words:
                raise RuntimeError(f"unknown: {words}")
        print(f"done {len(crowd)}", flush=True)


asyncio.run(main())
