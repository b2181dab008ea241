"""An HTTP server in a CPA's place that a test scripts down to the bytes, on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs

CONFIG = b'{"usage-statistics-enabled":true,"redis-usage-queue-retention-seconds":60}'


@attrs.define
class Call:
    """A call as it came. The streams are for answers that a reply can't express."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    # Set when the client of this call has gone.
    gone: threading.Event = attrs.field(factory=threading.Event)
    sent_bytes: int = 0

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for one, value in self.headers if one.lower() == name.lower()]

    async def body(self) -> bytes:
        """The whole body, whether its length was told or not."""
        if self.all("Content-Length"):
            return await self.reader.readexactly(int(self.all("Content-Length")[0]))
        whole = b""
        while self.all("Transfer-Encoding"):
            size = int(await self.reader.readline(), 16)
            whole += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                break
        return whole

    async def send(self, data: bytes) -> None:
        """Send raw bytes, no faster than the client takes them."""
        self.writer.write(data)
        await self.writer.drain()
        self.sent_bytes += len(data)


Script = Callable[[Call], Awaitable[None]]


def reply(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Script:
    """Always the same answer."""

    async def answer(call: Call) -> None:
        await call.body()
        lines = [f"HTTP/1.1 {status} Said So", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        await call.send("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


@attrs.define
class Upstream:
    """The server: what it answers by path, and what it was asked."""

    loop: asyncio.AbstractEventLoop
    port: int = 0
    scripts: dict[str, Script] = attrs.field(factory=dict)
    calls: list[Call] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def soon(self, work: Callable[[], None]) -> None:
        """Do something in the server's thread."""
        self.loop.call_soon_threadsafe(work)

    def on(self, path: str, script: Script) -> None:
        """Answer a path (without its query) so, and forget the calls of before."""
        self.scripts[path] = script
        self.calls.clear()

    def asked(self, path: str) -> list[Call]:
        """The calls of a path."""
        return [call for call in self.calls if call.target.partition("?")[0] == path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = None
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[:-2]
                method, target, _ = lines[0].split(" ")
                pairs = [line.partition(":") for line in lines[1:]]
                headers = [(name, value.strip()) for name, _, value in pairs]
                call = Call(method, target, headers, reader, writer)
                self.calls.append(call)
                await self.scripts.get(target.partition("?")[0], reply(404))(call)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if call is not None:
                call.gone.set()
            writer.close()


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A running server that looks like a CPA which publishes, and whose queue is empty."""
    known = ("X-CPA-VERSION", "7.2.140")
    loop = asyncio.new_event_loop()
    server = Upstream(
        loop,
        scripts={
            "/v0/management/config": reply(200, CONFIG, known),
            "/v0/management/usage-queue": reply(200, b"[]", known),
            "/v0/management/auth-files": reply(200, b'{"files":[]}', known),
        },
    )
    listening: Any = loop.run_until_complete(
        asyncio.start_server(server._serve, "127.0.0.1", 0, backlog=1000)
    )
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(_end, loop)
        thread.join()
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_soon(loop.stop)
