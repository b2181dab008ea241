"""Rules judged and notices sent, over a real store, to real receivers on this machine."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.mail.smtp import ESMTP, IMessage, IMessageDelivery, SMTPFactory, User
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

from cpamp.analytics.engine import Engine
from cpamp.inspection.account import Account
from cpamp.notify.notifier import BACK_OFF_MS, Notifier
from cpamp.notify.rehearsal import Rehearsal
from cpamp.notify.rule import Rule
from cpamp.notify.senders import Senders
from cpamp.notify.situation import Situation
from cpamp.pricing.aliases import AliasBook
from cpamp.pricing.cost import PriceBook
from cpamp.pricing.price import read_book
from cpamp.security.vault import Vault
from cpamp.store import Store, coverage
from cpamp.store.coverage import Run
from cpamp.store.database import open_database
from cpamp.usage.exported import read_exported

NOW = 1_790_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
MINUTE = 60_000
BOOK = PriceBook(read_book({"known": {"prompt": 1}}))


class Receiver(Resource):
    """Keeps what is posted to it."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.posted: list[tuple[str, dict[str, str], Any]] = []

    def render_POST(self, request: Any) -> bytes:
        headers = {
            name.decode(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        self.posted.append((request.path.decode(), headers, request.content.read()))
        request.setResponseCode(self.status)
        return b""


@implementer(IMessage)
class Mail:
    """One mail, line by line."""

    def __init__(self, kept: list[bytes]) -> None:
        self._lines: list[bytes] = []
        self._kept = kept

    def lineReceived(self, line: bytes) -> None:
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        self._kept.append(b"\n".join(self._lines))
        return succeed(None)

    def connectionLost(self) -> None:
        self._lines = []


@implementer(IMessageDelivery)
class Delivery:
    """Takes mail from everybody to everybody."""

    def __init__(self, kept: list[bytes]) -> None:
        self._kept = kept

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        return b"Received: by the tests"

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        return origin

    def validateTo(self, user: User) -> Any:
        return lambda: Mail(self._kept)


@attrs.define
class World:
    """All of it. `now_ms`, `collector` and `accounts` are what the daemon knows."""

    folder: Path
    now_ms: int = NOW
    collector: dict[str, Any] = attrs.Factory(lambda: {"collector": "running"})
    accounts: list[Account] = attrs.Factory(list)
    receiver: Receiver = attrs.Factory(Receiver)
    mails: list[bytes] = attrs.Factory(list)
    store: Store = attrs.field(init=False)
    notifier: Notifier = attrs.field(init=False)
    ports: list[Any] = attrs.Factory(list)

    def status(self) -> dict[str, Any]:
        return self.collector

    async def listing(self) -> list[Account]:
        return self.accounts

    def start(self) -> None:
        path = self.folder / "usage.sqlite"
        open_database(path).close()
        self.store = Store(reactor, path, lambda: self.now_ms)
        self.store.startService()
        engine = Engine(self.store, lambda: BOOK, AliasBook, lambda: self.now_ms)
        vault = Vault("", self.folder / "data.key")
        vault.ensure()
        situation = Situation(
            *(self.store, engine, self, self.listing, lambda: True, self.folder),
            lambda: self.now_ms,
        )
        self.notifier = Notifier(
            *(reactor, self.store, vault, situation, Senders(reactor)),
            Rehearsal(self.store, engine, lambda: self.now_ms),
            lambda: self.now_ms,
        )
        mail = SMTPFactory()
        mail.protocol = lambda: self._smtp()
        for factory in (Site(self.receiver), mail):
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[attr-defined]
            self.ports.append(port)

    def _smtp(self) -> ESMTP:
        protocol = ESMTP()
        protocol.delivery = Delivery(self.mails)
        return protocol

    def port(self, number: int) -> int:
        found: int = self.ports[number].getHost().port
        return found

    async def stop(self) -> None:
        for port in self.ports:
            await port.stopListening()
        await self.store.stopService()

    async def webhook(self, secret: str = "") -> int:
        url = f"http://127.0.0.1:{self.port(0)}/hook"
        value = {"means": "webhook", "url": url, "secret": secret}
        return int((await self.notifier.put_channel(value))["id"])

    async def rule(self, kind: str, **more: Any) -> int:
        return int((await self.notifier.put_rule({"kind": kind, **more}))["id"])

    async def add(self, *ages_ms: int, **members: Any) -> None:
        """Store events of these ages."""
        events = [
            read_exported(
                {
                    "event_hash": f"{age} {members}",
                    "timestamp_ms": self.now_ms - age,
                    "model": "known",
                    **members,
                },
                now_ms=self.now_ms,
            )
            for age in ages_ms
        ]
        await self.store.add_events(events)

    async def told(self) -> list[tuple[str, str]]:
        """What is told of everything that holds now: (begun or over, text)."""
        before = len(self.receiver.posted)
        await self.notifier.look()
        await self.notifier.send_due()
        bodies = [json.loads(body) for _, _, body in self.receiver.posted[before:]]
        return [(body["event"], body["text"]) for body in bodies]


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    found = World(folder)
    found.start()
    try:
        yield found
    finally:
        await found.stop()


@ensureDeferred
async def test_a_webhook_hears_of_begin_and_end(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.webhook("a secret")
        await w.rule("collector_down", limit=5)
        assert await w.told() == []
        w.collector = {"collector": "reconnecting", "lastError": "connection refused"}
        assert await w.told() == []
        w.now_ms += 5 * MINUTE
        text = "No records have been collected for 5 minutes: connection refused"
        assert await w.told() == [("begun", text)]
        path, headers, body = w.receiver.posted[-1]
        signature = hmac.new(b"a secret", body, "sha256").hexdigest()
        assert path == "/hook"
        assert headers["X-Cpamp-Signature"] == f"sha256={signature}"
        w.now_ms += MINUTE
        assert await w.told() == []
        w.collector = {"collector": "running"}
        assert await w.told() == [("over", f"No longer: {text}")]
        assert [one["status"] for one in await w.notifier.log(10)] == ["sent", "sent"]


@ensureDeferred
async def test_what_holds_already_is_told_when_its_rule_is_saved(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.webhook()
        w.collector = {"collector": "stopped", "key": {"state": "refused", "reason": "wrong"}}
        w.notifier.startService()
        try:
            await w.rule("key_refused")
            # The next look comes after it: two never run at once.
            await w.notifier.look()
            (one,) = await w.notifier.log(10)
            assert one["text"] == "CPA does not take the management key: wrong"
        finally:
            await w.notifier.stopService()


@ensureDeferred
async def test_a_failing_receiver_is_tried_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.webhook()
        await w.rule("disk_low", limit=1e9)
        w.receiver.status = 500
        await w.notifier.look()
        for tries, wait in enumerate((0, *BACK_OFF_MS), 1):
            w.now_ms += wait
            await w.notifier.send_due()
            (one,) = await w.notifier.log(10)
            assert (one["tries"], one["error"]) == (tries, "it answered 500")
            assert one["status"] == ("failed" if tries > len(BACK_OFF_MS) else "waiting")
            # Not before its time.
            w.now_ms += 1
            await w.notifier.send_due()
            assert (await w.notifier.log(10))[0]["tries"] == tries
        assert len(w.receiver.posted) == len(BACK_OFF_MS) + 1


@ensureDeferred
async def test_mail_and_chat(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        mail = await w.notifier.put_channel(
            {
                **{"means": "email", "host": "127.0.0.1", "port": str(w.port(1))},
                **{"security": "none", "from": "cpamp@example.com", "to": "me@example.com"},
            }
        )
        url = f"http://127.0.0.1:{w.port(0)}"
        chat = await w.notifier.put_channel(
            {"means": "telegram", "url": url, "chat": "42", "token": "1:abc"}
        )
        assert chat["token"] == "********"
        assert await w.notifier.test(mail["id"]) == {"ok": True, "error": ""}
        assert await w.notifier.test(chat["id"]) == {"ok": True, "error": ""}
        found = message_from_bytes(w.mails[0])
        assert (found["To"], found["Subject"]) == ("me@example.com", "cpamp: a test")
        path, _, body = w.receiver.posted[0]
        assert path == "/bot1:abc/sendMessage"
        assert json.loads(body)["chat_id"] == "42"
        assert b"1:abc" not in (tmp_path / "usage.sqlite").read_bytes()
        # A channel that is changed without its secret keeps it.
        again = {"means": "telegram", "url": url, "chat": "43", "token": "********"}
        await w.notifier.put_channel(again, chat["id"])
        await w.notifier.test(chat["id"])
        assert w.receiver.posted[-1][0] == "/bot1:abc/sendMessage"


@ensureDeferred
async def test_nobody_is_there(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        closed = w.ports.pop(0)
        port = closed.getHost().port
        await closed.stopListening()
        url = f"http://127.0.0.1:{port}/token-in-the-path"
        channel = await w.notifier.put_channel({"means": "webhook", "url": url})
        found = await w.notifier.test(channel["id"])
        assert not found["ok"]
        assert "token-in-the-path" not in found["error"]


def account(name: str, *, disabled: bool = False) -> Account:
    return Account.of({"name": name, "provider": "codex", "disabled": disabled})


async def spend(w: World) -> None:
    await w.add(HOUR, input_tokens=3_000_000)


async def lose(w: World) -> None:
    last = w.now_ms // MINUTE - 5
    await w.store.write(coverage.put, 1, [Run(last - 3, last, "lost", "stopped")])


async def fail(w: World) -> None:
    await w.add(*range(1, 16))
    await w.add(*range(1, 11), failed=True)


async def unpriced(w: World) -> None:
    await w.add(HOUR, model="new-model")


async def refuse(w: World) -> None:
    w.collector = {"collector": "running", "key": {"state": "key_refused", "reason": "no"}}


async def disable(w: World) -> None:
    w.accounts = [account("a.json"), account("b.json", disabled=True)]


@pytest.mark.parametrize(
    ("kind", "limit", "happens", "text"),
    [
        ("spend", 2, spend, "$3.00 were spent today; the limit is $2.00"),
        ("records_lost", 3, lose, "4 minutes of the last hour were lost (stopped)"),
        ("failure_rate", 40, fail, "10 of the 25 calls of the last hour failed"),
        ("unpriced_model", None, unpriced, "new-model has no price: its cost is not known"),
        ("key_refused", None, refuse, "CPA does not take the management key: no"),
        ("pool_low", 2, disable, "1 accounts of codex are on; 2 are wanted"),
    ],
)
@ensureDeferred
async def test_what_rules_see(
    tmp_path: Path, kind: str, limit: float | None, happens: Any, text: str
) -> None:
    async with world(tmp_path) as w:
        await w.webhook()
        await w.rule(kind, limit=limit)
        assert await w.told() == []
        await happens(w)
        assert await w.told() == [("begun", text)]
        assert await w.told() == []


@ensureDeferred
async def test_rehearsals(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for day in (2, 9, 20):
            await w.add(day * DAY, input_tokens=5_000_000)
        await w.add(40 * DAY, input_tokens=5_000_000)
        await w.add(3 * DAY, model="new-model")
        minute = (w.now_ms - 5 * DAY) // MINUTE
        await w.store.write(coverage.put, 1, [Run(minute, minute + 4, "lost", "stopped")])

        async def played(kind: str, **more: Any) -> Any:
            return await w.notifier.rehearsal.of(Rule.read({"kind": kind, **more}))

        assert (await played("spend", limit=4))["count"] == 3
        assert (await played("spend", limit=6))["count"] == 0
        assert (await played("unpriced_model"))["times_ms"] == [NOW - 3 * DAY]
        lost = await played("records_lost", limit=5)
        assert lost["times_ms"] == [(minute + 4) * MINUTE]
        assert (await played("records_lost", limit=6))["count"] == 0
        assert (await played("disk_low"))["unknown"]
