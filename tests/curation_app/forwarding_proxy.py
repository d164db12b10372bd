"""A reverse proxy for HTTP and WebSockets: it names the person itself and takes out whatever name the browser sent."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards connections; the headers of every request get `adds`, and lose what `adds` names and `drops`."""

    def __init__(self, target_port: int, adds: Mapping[str, str], source: str) -> None:
        self.target_port, self.adds, self.source = target_port, dict(adds), source
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection, as `Connection: close` makes it; an upgraded one stays open both ways."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port, local_addr=(self.source, 0))
            back.write(self.rewritten(head))
            await asyncio.gather(self.copy(reader, back), self.copy(there, writer))
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        finally:
            with suppress(ConnectionError, OSError):
                writer.close()

    def rewritten(self, head: bytes) -> bytes:
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        replaced = {name.casefold() for name in self.adds}
        kept = [line for line in lines if line.partition(":")[0].casefold() not in replaced]
        if not any(line.casefold().startswith("upgrade:") for line in kept):
            kept = [line for line in kept if not line.casefold().startswith("connection:")] + ["Connection: close"]
        return "\r\n".join([first, *kept, *(f"{name}: {value}" for name, value in self.adds.items()), "", ""]).encode("latin-1")

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with suppress(ConnectionError, OSError, RuntimeError):
            writer.close()


@contextmanager
def forwarding_proxy(target_port: int, adds: Mapping[str, str], source: str = "127.0.0.1") -> Iterator[Proxy]:
    """Serve a proxy on a free port; its connections to the target come from the address `source`."""
    proxy = Proxy(target_port, adds, source)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def work() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(run())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(10)
        loop.close()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
