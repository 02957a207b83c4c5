"""Python's websockets, an echo and a broadcast as its documentation shows them."""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve

clients = set()


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def relay(socket):
    clients.add(socket)
    try:
        async for message in socket:
            broadcast(clients, message)
    finally:
        clients.discard(socket)


async def main():
    handler = {"echo": echo, "broadcast": relay}[sys.argv[2]]
    async with serve(handler, "127.0.0.1", int(sys.argv[1])) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
