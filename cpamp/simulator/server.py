"""The simulated CPA: its state, and its one port (CPA contract, section 16.1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import orjson
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from cpamp.simulator import fixtures, versions
from cpamp.simulator.answers import go_json
from cpamp.simulator.faults import Faults
from cpamp.simulator.http import CpaSite, Root
from cpamp.simulator.keys import Keys
from cpamp.simulator.logs import Logs
from cpamp.simulator.queue import Queue
from cpamp.simulator.records import Generator, as_of
from cpamp.simulator.resp import RespServer
from cpamp.simulator.versions import Version

SNIFF_SECONDS = 10.0
RESP_BYTES = b"*$+-:"
NOTES = 10_000
TICK_SECONDS = 0.005
# Records in one turn of the event loop; the port can't send before the next one, and a subscriber
# would be dropped that is not slow at all.
AT_ONCE = 200


@attrs.define
class ApiRules:
    """Scripted answers of upstreams."""

    rules: list[dict[str, Any]] = attrs.Factory(list)

    def find(self, index: str, method: str, url: str) -> dict[str, Any] | None:
        """The reply of the first rule that fits."""
        for rule in self.rules:
            match = rule.get("match", {})
            if match.get("auth_index", index) != index or match.get("method", method) != method:
                continue
            if url.startswith(match.get("url", "")) and rule.get("times", 1) != 0:
                rule["times"] = rule.get("times", -1) - 1
                reply: dict[str, Any] = rule.get("reply", {})
                return reply
        return None


class Simulator:
    """A CPA. Everything that a test may set is an attribute or a method."""

    def __init__(
        self,
        reactor: Any,
        *,
        key: str,
        now_ms: Callable[[], int],
        version: str = "7.2.140",
        bcrypt_ms: float = 0.0,
        seed: int = 1,
        quotas: bool = False,
    ) -> None:
        self.reactor = reactor
        self._now_ms = now_ms
        # How much its time of day is ahead of the given one.
        self.clock_offset_ms = 0
        self._ahead = 0.0
        self.keys = Keys(self.seconds, key)
        self.queue = Queue(self.seconds)
        self.faults = Faults()
        self.api_rules = ApiRules()
        self.home = False
        self.bcrypt_ms = bcrypt_ms
        self.version_text = version
        self.config = fixtures.config()
        self.config_yaml = fixtures.CONFIG_YAML
        self.auth_files = fixtures.auth_files()
        self.logs = Logs()
        self.logins: dict[str, str] = {}
        self.plugins: list[dict[str, Any]] = []
        self.plugin_offers: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        # Whether providers that nobody scripted tell made-up quotas.
        self.quotas = quotas
        self.generator = Generator(seed, quotas=quotas)
        self._random = random.Random(seed)
        self._port: Any = None
        self._traffic: LoopingCall | None = None
        self._burst: LoopingCall | None = None
        self.site = CpaSite(Root(self), reactor=reactor)
        self.connections: set[Sniffer] = set()

    # -- what it is -----------------------------------------------------------------------------

    def seconds(self) -> float:
        """Its monotonic clock, which a test may move on."""
        return float(self.reactor.seconds()) + self._ahead

    def now_ms(self) -> int:
        """Its time of day, which a test may set."""
        return self._now_ms() + self.clock_offset_ms

    @property
    def version(self) -> Version:
        """What it can do."""
        return Version.of(self.version_text)

    def version_headers(self) -> dict[str, str]:
        """The headers by which a CPA is known."""
        headers = {
            "X-CPA-VERSION": self.version_text,
            "X-CPA-COMMIT": "none",
            "X-CPA-BUILD-DATE": "unknown",
        }
        if self.version >= Version(7, 1, 69):
            headers["X-CPA-SUPPORT-PLUGIN"] = "1"
        return headers

    def note(self, protocol: str, what: str, address: str, body: bytes) -> None:
        """Remember an observed call."""
        entry = {"protocol": protocol, "what": what, "address": address, "at_ms": self.now_ms()}
        self.notes.append({**entry, "body": body[:200].decode(errors="replace")})
        del self.notes[:-NOTES]

    # -- its port -------------------------------------------------------------------------------

    def listen(self, port: int, tls: Any = None) -> int:
        """Open the port; returns its number. `tls` makes contexts, where it is to speak TLS."""
        factory: Any = SnifferFactory(self)
        if tls is not None:
            factory = TLSMemoryBIOFactory(tls, False, factory)
        self._port = self.reactor.listenTCP(port, factory, interface="127.0.0.1")
        return int(self._port.getHost().port)

    async def close(self) -> None:
        """Close the port and every connection."""
        for call in (self._traffic, self._burst):
            if call is not None and call.running:
                call.stop()
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()
        for connection in list(self.connections):
            connection.transport.abortConnection()

    async def restart(self, down_ms: float) -> None:
        """End, forget what was in memory, and come back on the same port."""
        number = int(self._port.getHost().port)
        await self.close()
        self.queue.forget()
        self.keys.forget()
        for entry in self.auth_files:
            entry["success"] = entry["failed"] = 0
        back: Deferred[None] = Deferred()
        self.reactor.callLater(down_ms / 1000, back.callback, None)
        await back
        self.listen(number)

    # -- what happens in it ---------------------------------------------------------------------

    def publish(self, records: Iterable[Any]) -> None:
        """Publish objects, or strings as they are."""
        for record in records:
            self.queue.publish(self._payload(record))

    def _payload(self, record: Any) -> bytes:
        if not isinstance(record, dict):
            return str(record).encode()
        self._count(record)
        self.logs.call(record, self.now_ms())
        return orjson.dumps(as_of(record, self.version))

    def publish_in_turns(self, records: Iterable[Any]) -> Deferred[None]:
        """The same for many; fires when all are published."""
        return self.burst([self._payload(record) for record in records], 0)

    def _count(self, record: dict[str, Any]) -> None:
        for entry in self.auth_files:
            if entry["auth_index"] == record.get("auth_index"):
                entry["failed" if record.get("failed") else "success"] += 1
                return

    def refresh(self) -> None:
        """Credentials or configuration have changed."""
        if self.version >= versions.CONTROL:
            self.queue.tell("usage", b'{"refresh":true}')

    def error_event(self, value: dict[str, Any]) -> None:
        """A message on the channel of errors."""
        self.queue.tell("errors", go_json(value))

    def change_config(self, name: str, value: Any) -> None:
        """Change a setting, as a management call does."""
        self.config[name] = value
        if name == "usage-statistics-enabled":
            self.queue.publishing = bool(value)
        if name == "redis-usage-queue-retention-seconds":
            self.queue.retention = float(value)
        self.refresh()

    def set(self, **values: Any) -> None:
        """Change what no management call can."""
        for name, value in values.items():
            if name == "secret":
                self.keys.secret = value
            elif name == "env_key":
                self.keys.env_key = value
            elif name == "allow_remote":
                self.keys.allow_remote = value
            elif name == "version":
                self.version_text = value
            elif name == "retention":
                self.change_config("redis-usage-queue-retention-seconds", value)
            elif name == "publishing":
                self.change_config("usage-statistics-enabled", value)
            elif name in ("home", "bcrypt_ms", "clock_offset_ms"):
                setattr(self, name, value)
            else:
                raise ValueError(f"there is no knob {name}")

    def advance(self, ms: float) -> None:
        """Move its clock."""
        self._ahead += ms / 1000

    def kick(self) -> None:
        """Close every subscription."""
        for subscriber in list(self.queue.subscribers):
            if isinstance(subscriber, RespServer):
                subscriber.kick()

    def begin_login(self, provider: str) -> str:
        """The state of a new login."""
        state = f"{self._random.getrandbits(128):032x}"
        self.logins[state] = "wait"
        return state

    # -- made-up load ---------------------------------------------------------------------------

    def start_traffic(self, per_second: float) -> None:
        """Publish live made-up records, in an uneven stream, instead of what ran before."""
        if self._traffic is not None and self._traffic.running:
            self._traffic.stop()
        self._ensure_accounts()

        def some() -> None:
            expected = per_second * 0.25
            count = int(expected) + (self._random.random() < expected % 1)
            off = {entry["auth_index"] for entry in self.auth_files if entry["disabled"]}
            made = (
                self.generator.record(self.now_ms() - self._random.randrange(200, 8000))
                for _ in range(count)
            )
            self.publish(record for record in made if record["auth_index"] not in off)

        self._traffic = LoopingCall(some)
        self._traffic.clock = self.reactor
        self._traffic.start(0.25)

    def _ensure_accounts(self) -> None:
        known = {entry["auth_index"] for entry in self.auth_files}
        for account in self.generator.accounts:
            if account.family.oauth and account.auth_index not in known:
                name = f"{account.family.provider}-{account.number:03}.json"
                entry = fixtures.auth_file(name, account.family.provider, account.source)
                self.auth_files.append({**entry, "auth_index": account.auth_index})

    def prepare(self, count: int, seed: int, options: dict[str, Any]) -> list[bytes]:
        """Payloads for a burst, made beforehand."""
        generator = Generator(seed, **options)
        now = self.now_ms()
        return [generator.payload(now - (count - i)) for i in range(count)]

    def burst(self, payloads: Sequence[bytes], per_second: float) -> Deferred[None]:
        """Publish at a rate; 0 for as fast as it goes. Fires when all are published."""
        done: Deferred[None] = Deferred()
        started = self.reactor.seconds()
        position = 0

        def some() -> None:
            nonlocal position
            due = len(payloads)
            if per_second:
                due = min(due, int((self.reactor.seconds() - started) * per_second) + 1)
            end = min(due, position + AT_ONCE)
            for payload in payloads[position:end]:
                self.queue.publish(payload)
            position = end
            if position >= len(payloads) and self._burst is not None:
                self._burst.stop()

        self._burst = LoopingCall(some)
        self._burst.clock = self.reactor
        self._burst.start(TICK_SECONDS).addCallback(lambda _: done.callback(None))
        return done


class SnifferFactory(Factory):
    """Makes a sniffer for every connection."""

    noisy = False

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def buildProtocol(self, addr: Any) -> Protocol:
        """A connection whose first byte decides."""
        return Sniffer(self._simulator, addr)


class Sniffer(Protocol):
    """Waits for the first byte, and becomes RESP or HTTP (section 1)."""

    def __init__(self, simulator: Simulator, address: Any) -> None:
        self._simulator = simulator
        self._address = address
        self._inner: Any = None
        self._deadline: Any = None

    def connectionMade(self) -> None:
        """Somebody has come."""
        self._simulator.connections.add(self)
        self._deadline = self._simulator.reactor.callLater(
            SNIFF_SECONDS, self.transport.loseConnection
        )

    def dataReceived(self, data: bytes) -> None:
        """More has come."""
        if self._inner is None:
            if self._deadline.active():
                self._deadline.cancel()
            if data[:1] in (bytes([b]) for b in RESP_BYTES):
                self._inner = RespServer(self._simulator, getattr(self._address, "host", ""))
            elif not _looks_like_http(data):
                self.transport.write(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    b"Connection: close\r\n\r\n400 Bad Request"
                )
                self.transport.loseConnection()
                return
            else:
                self._inner = self._simulator.site.buildProtocol(self._address)
            self._inner.makeConnection(self.transport)
        self._inner.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        self._simulator.connections.discard(self)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        if self._inner is not None:
            self._inner.connectionLost(reason)

    transport: Any


def _looks_like_http(data: bytes) -> bool:
    line = data.split(b"\r\n", 1)[0]
    return b"\r\n" not in data or line.endswith((b"HTTP/1.1", b"HTTP/1.0"))
