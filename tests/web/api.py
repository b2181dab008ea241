"""A store and the HTTP surface over it, in this process, on a free port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import treq
from twisted.internet import reactor
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

from cpamp.importing.folder import UploadFolder
from cpamp.importing.session import Limits
from cpamp.importing.sessions import Sessions
from cpamp.store import Store
from cpamp.store.database import open_database
from cpamp.web.auth import Guard
from cpamp.web.cors import Cors
from cpamp.web.imports import Imports
from cpamp.web.surface import Surface
from cpamp.web.usage import Usage
from tests.described import check_refusal

KEY = "cmp_admin_of_the_tests"
NOW = 1_795_500_000_000
LIMITS = Limits(chunk_bytes=1024, disk_bytes=100_000, sessions=2, ttl_ms=60_000)
USAGE = "/v0/management/usage"


class Gate:
    """Knows one key."""

    def verify(self, candidate: str) -> bool:
        return candidate == KEY


class Patience:
    """Lets everybody try for ever."""

    def failed(self, peer: str) -> int:
        return 0


class NoTokens:
    """Knows none."""

    def find(self, text: str) -> None:
        return None


@attrs.define
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Headers

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name)
        return values[0] if values else None


@attrs.define
class Api:
    """The running surface. `now_ms` and `query_limit` may be set at any time."""

    folder: Path
    store: Store = attrs.field(init=False)
    sessions: Sessions = attrs.field(init=False)
    port: Any = attrs.field(init=False)
    now_ms: int = NOW
    query_limit: int = 50_000
    limits: Limits = LIMITS

    @property
    def uploads(self) -> Path:
        return self.folder / "usage-imports"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "usage.sqlite"
        open_database(path).close()
        self.store = Store(reactor, path, lambda: self.now_ms)
        self.store.startService()
        self.sessions = Sessions(
            reactor, self.store, UploadFolder(self.uploads), self.limits, lambda: self.now_ms
        )
        self.sessions.startService()
        surface = Surface(
            [
                Usage(self.store, lambda: self.query_limit),
                Imports(reactor, self.store, self.sessions, lambda: self.now_ms),
            ],
            guard=Guard(Gate(), Patience(), NoTokens()),
            cors=Cors([]),
            clock=reactor,
        )
        self.port = reactor.listenTCP(0, surface.site(), interface="127.0.0.1")  # type: ignore[attr-defined]

    async def stop(self) -> None:
        await self.port.stopListening()
        await self.sessions.stopService()
        await self.store.stopService()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = KEY,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; `body` may be bytes, or a value that is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        agent = Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False))
        client = treq.client.HTTPClient(agent)
        sent = {"Authorization": f"Bearer {key}", **(headers or {})}
        url = f"http://127.0.0.1:{self.port.getHost().port}{path}"
        response = await client.request(method, url, data=body, headers=sent)
        answer = Answer(response.code, await response.content(), response.headers)
        if answer.status >= 400 and answer.header("Content-Type") == "application/json":
            check_refusal(method, path, answer.status, answer.json)
        return answer

    async def load(self, lines: Iterable[Any]) -> Answer:
        """Import some objects, one a line."""
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return await self.call("POST", f"{USAGE}/import", text)

    async def export(self, query: str = "") -> list[Any]:
        """The export, line by line."""
        answer = await self.call("GET", f"{USAGE}/export{query}")
        assert answer.status == 200
        return [json.loads(line) for line in answer.body.splitlines()]


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Api]:
    """A surface over a store of its own below `folder`."""
    api = Api(folder, **settings)
    api.start()
    try:
        yield api
    finally:
        await api.stop()
