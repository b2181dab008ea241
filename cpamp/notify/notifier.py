"""Looks at all rules once a minute, and sends what is due; one never waits for the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, gatherResults
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.errors import NotFound, Problem, StoreUnavailable
from cpamp.notify.channel import Channel, ChannelInvalid
from cpamp.notify.judge import Notice, judged
from cpamp.notify.rehearsal import Rehearsal
from cpamp.notify.rule import Rule, RuleInvalid
from cpamp.notify.senders import Message, Senders, SendFailed
from cpamp.notify.situation import Situation
from cpamp.security.secrets import SecretError
from cpamp.security.vault import Vault
from cpamp.store import Store, notices
from cpamp.store.notices import FAILED, SENT, Told

LOOK_SECONDS = 60.0
SEND_SECONDS = 5.0
# Before each further try; behind the last one the notice has failed.
BACK_OFF_MS = (30_000, 120_000, 600_000, 3_600_000, 21_600_000)
MOST_RULES, MOST_CHANNELS = 100, 20


@attrs.define(eq=False)
class Notifier(Service):
    """Rules and ways are in the store; what is on its way survives a restart."""

    _reactor: Any
    _store: Store
    _vault: Vault
    _situation: Situation
    _senders: Senders
    rehearsal: Rehearsal
    _now_ms: Callable[[], int]
    _calls: list[LoopingCall] = attrs.field(factory=list, init=False)
    _ends: list[Deferred[Any]] = attrs.field(factory=list, init=False)
    # Two looks at once would tell the same twice.
    _looking: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def startService(self) -> None:
        """Begin to look, a minute from now, and to send."""
        super().startService()
        for work, seconds in ((self.look, LOOK_SECONDS), (self.send_due, SEND_SECONDS)):
            call = LoopingCall(self._guarded, work)
            call.clock = self._reactor
            self._ends.append(call.start(seconds, now=False))
            self._calls.append(call)

    def stopService(self) -> Deferred[Any]:
        """End after what is under way."""
        super().stopService()
        for call in self._calls:
            if call.running:
                call.stop()
        return gatherResults(self._ends)

    def _guarded(self, work: Callable[[], Any]) -> Deferred[None]:
        done: Deferred[None] = Deferred.fromCoroutine(work())
        done.addErrback(lambda f: self._log.failure("notices are not looked after", failure=f))
        return done

    # -- looking --------------------------------------------------------------------------------

    async def look(self) -> None:
        """Judge every rule by what holds now, and queue what is to be told."""
        await self._looking.run(lambda: Deferred.fromCoroutine(self._look()))

    async def _look(self) -> None:
        try:
            rules = await self._store.read(notices.rules)
            if not rules:
                return
            seen = await self._store.read(notices.held)
            channels = await self._store.read(notices.channels)
        except StoreUnavailable:
            return
        for rule in rules:
            if not rule.enabled:
                continue
            try:
                found = await self._situation.found(rule)
            except Problem as problem:
                # Not known now is neither begun nor over.
                self._log.debug("{rule}: {why}", rule=rule.name, why=problem.message)
                continue
            now = self._now_ms()
            before = seen.get(rule.id, {})
            told, after = judged(before, found, now, rule.quiet_minutes)
            if told or after != before:
                rows = [_row(rule, one, way, now) for one in told for way in _ways(rule, channels)]
                await self._store.write(notices.put_held, rule.id, after, rows)

    # -- sending --------------------------------------------------------------------------------

    async def send_due(self) -> None:
        """Send all that is due, each way by itself."""
        try:
            waiting = await self._store.read(notices.due, self._now_ms())
            if not waiting:
                return
            channels = {one.id: one for one in await self._store.read(notices.channels)}
        except StoreUnavailable:
            return
        await gatherResults(
            [Deferred.fromCoroutine(self._send(one, channels.get(one.channel))) for one in waiting]
        )

    async def _send(self, one: Told, channel: Channel | None) -> None:
        try:
            if channel is None:
                raise SendFailed("this way was deleted")
            await self._senders.send(channel, self._secret(channel), _message(one))
        except SendFailed as failed:
            after = _failed(one, str(failed), self._now_ms(), last=channel is None)
        else:
            after = one._replace(status=SENT, tries=one.tries + 1, sent_ms=self._now_ms(), error="")
        await self._store.write(notices.tried, after)

    def _secret(self, channel: Channel) -> str:
        try:
            return self._vault.decrypt(channel.sealed) if channel.sealed else ""
        except SecretError as error:
            raise SendFailed(error.message) from error

    # -- what people change ---------------------------------------------------------------------

    async def overview(self) -> dict[str, Any]:
        """All ways and rules."""
        return {
            "channels": [one.as_json() for one in await self._store.read(notices.channels)],
            "rules": [one.as_json() for one in await self._store.read(notices.rules)],
        }

    async def put_channel(self, value: Any, number: int = 0) -> dict[str, Any]:
        """Add a way (0) or replace one; raises `ChannelInvalid` or `NotFound`."""
        channel, secret = Channel.read(value)
        channels = {one.id: one for one in await self._store.read(notices.channels)}
        if number and number not in channels:
            raise NotFound("there is no such channel")
        if not number and len(channels) >= MOST_CHANNELS:
            raise ChannelInvalid(f"there are {MOST_CHANNELS} channels already")
        sealed = channels[number].sealed if number else ""
        if secret is not None:
            sealed = self._vault.encrypt(secret) if secret else ""
        channel = attrs.evolve(channel, sealed=sealed, id=number)
        saved = await self._store.write(notices.put_channel, channel)
        return attrs.evolve(channel, id=saved).as_json()

    async def delete_channel(self, number: int) -> None:
        """Forget a way."""
        await self._store.write(notices.delete_channel, number)

    async def put_rule(self, value: Any, number: int = 0) -> dict[str, Any]:
        """Add a rule (0) or replace one; raises `RuleInvalid` or `NotFound`."""
        rule = Rule.read(value, number)
        known = {one.id for one in await self._store.read(notices.rules)}
        if number and number not in known:
            raise NotFound("there is no such rule")
        if not number and len(known) >= MOST_RULES:
            raise RuleInvalid(f"there are {MOST_RULES} rules already")
        saved = await self._store.write(notices.put_rule, rule)
        if self.running:
            # What holds already is told now; nobody waits for it.
            self._guarded(self.look)
        return attrs.evolve(rule, id=saved).as_json()

    async def delete_rule(self, number: int) -> None:
        """Forget a rule, and what it has seen."""
        await self._store.write(notices.delete_rule, number)

    async def test(self, number: int) -> dict[str, Any]:
        """Send a message by a way, now: ``{ok, error}``."""
        channels = {one.id: one for one in await self._store.read(notices.channels)}
        if number not in channels:
            raise NotFound("there is no such channel")
        channel = channels[number]
        message = Message(
            "cpamp: a test",
            f"This is how notices reach you by {channel.name}.",
            {"event": "test", "at_ms": self._now_ms()},
        )
        try:
            await self._senders.send(channel, self._secret(channel), message)
        except SendFailed as failed:
            return {"ok": False, "error": str(failed)}
        return {"ok": True, "error": ""}

    async def log(self, limit: int) -> list[dict[str, Any]]:
        """What was told last, newest first."""
        return [
            {**one._asdict(), "over": bool(one.over)}
            for one in await self._store.read(notices.newest, limit)
        ]


def _ways(rule: Rule, channels: Sequence[Channel]) -> Sequence[Channel]:
    """The ways of a rule; one that names none takes all."""
    return [one for one in channels if not rule.channels or one.id in rule.channels]


def _row(rule: Rule, one: Notice, way: Channel, now_ms: int) -> tuple[Any, ...]:
    return (
        *(now_ms, rule.id, rule.name, rule.kind.value, one.key, one.text, one.over),
        *(one.since_ms, way.id, way.name, now_ms),
    )


def _message(one: Told) -> Message:
    subject = f"cpamp: {one.rule_name}" + (": over" if one.over else "")
    return Message(
        subject,
        f"No longer: {one.text}" if one.over else one.text,
        {
            "event": "over" if one.over else "begun",
            "rule": one.rule,
            "kind": one.kind,
            "key": one.key,
            "since_ms": one.since_ms,
            "at_ms": one.at_ms,
        },
    )


def _failed(one: Told, error: str, now_ms: int, *, last: bool) -> Told:
    tried = one._replace(tries=one.tries + 1, error=error)
    if last or one.tries >= len(BACK_OFF_MS):
        return tried._replace(status=FAILED)
    return tried._replace(due_ms=now_ms + BACK_OFF_MS[one.tries])
