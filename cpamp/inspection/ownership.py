"""Who disabled a credential may enable it again, and nobody else (inspection contract, 6.6).

A claim begins before CPA is asked to disable, so that nothing stays disabled when the daemon dies
in between; and it ends with every change that is not ours. What CPA tells of the file's time shows
changes that nobody told us of (point 5 of section 16).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import attrs

from cpamp.inspection.account import Account, Identity, same_mark
from cpamp.inspection.journal import Journal
from cpamp.store import Store
from cpamp.store import claims as stored
from cpamp.store.account_log import Actor, Note
from cpamp.store.claims import HELD, INTENDED, Claim

# A file that was written within this time of an intention, the most that a call may take, was
# written by it. What a person does in the same moment as the daemon dies looks alike.
INTENTION_MS = 30_000


def identity_of(claim: Claim) -> Identity:
    """Whose claim it is."""
    return Identity(
        claim.file_name,
        claim.provider,
        claim.auth_index,
        claim.account_id,
        claim.account_snapshot,
    )


def claim_on(account: Account, now_ms: int, state: str, mark_ms: int = 0) -> Claim:
    """A claim on a credential."""
    who = account.identity
    snapshot = "" if who.account_id else who.account_snapshot
    return Claim(
        who.file_name,
        who.provider,
        who.auth_index,
        who.account_id,
        snapshot,
        state,
        mark_ms,
        now_ms,
    )


# Whose credentials are meant.
Concerns = Callable[[Identity], bool]


class Kept(NamedTuple):
    """Something that was given up, as its holder stores it."""

    identity: Identity
    row: Any


@attrs.frozen
class Review:
    """What a listing makes of the claims: some hold, some have changed, some are over."""

    held: list[Claim]
    changed: list[Claim]
    over: list[Claim]


def review(claims: Iterable[Claim], accounts: Sequence[Account]) -> Review:
    """Judge claims by a fresh listing. An empty one is of a CPA that has not read its files."""
    result = Review([], [], [])
    if not accounts:
        return result
    for claim in claims:
        live = [account for account in accounts if account.is_(identity_of(claim))]
        if len(live) != 1 or not live[0].disabled or not _is_ours(claim, live[0].mark_ms):
            result.over.append(claim)
            continue
        held = claim._replace(state=HELD, mark_ms=live[0].mark_ms)
        result.held.append(held)
        if held != claim:
            result.changed.append(held)
    return result


def _is_ours(claim: Claim, mark_ms: int) -> bool:
    if claim.state == INTENDED:
        # The daemon died, or CPA's answer was lost: the file tells whether it was written then.
        return not mark_ms or abs(mark_ms - claim.disabled_at_ms) <= INTENTION_MS
    return same_mark(claim.mark_ms, mark_ms)


@attrs.frozen
class Claims:
    """The claims of inspection, as they are stored."""

    _store: Store
    _now_ms: Callable[[], int]
    _journal: Journal

    async def review(self, accounts: Sequence[Account]) -> tuple[list[Account], list[Claim]]:
        """The accounts that inspection may enable, and the claims that a listing has ended."""
        found = review(await self._store.read(stored.every), accounts)
        if found.changed:
            await self._store.write(stored.put, found.changed)
        if found.over:
            await self._store.write(stored.drop, found.over)
            await self._journal.write([_ended(claim) for claim in found.over])
        who = [identity_of(claim) for claim in found.held]
        return [a for a in accounts if any(a.is_(identity) for identity in who)], found.over

    async def intend(self, accounts: Sequence[Account]) -> list[Claim]:
        """Claim credentials that are about to be disabled."""
        now_ms = self._now_ms()
        claims = [claim_on(account, now_ms, INTENDED) for account in accounts]
        await self._store.write(stored.put, claims)
        return claims

    async def hold(self, accounts: Sequence[Account]) -> None:
        """The credentials are disabled, as CPA tells of them now."""
        now_ms = self._now_ms()
        claims = [claim_on(account, now_ms, HELD, account.mark_ms) for account in accounts]
        await self._store.write(stored.put, claims)

    async def end(self, concerns: Concerns) -> list[Kept]:
        """End claims; returns them, should the change not come to be after all."""
        every = ((identity_of(claim), claim) for claim in await self._store.read(stored.every))
        ended = [Kept(identity, claim) for identity, claim in every if concerns(identity)]
        if ended:
            await self._store.write(stored.drop, [kept.row for kept in ended])
        return ended

    async def restore(self, kept: Sequence[Kept]) -> None:
        """Put claims back."""
        if kept:
            await self._store.write(stored.put, [one.row for one in kept])

    async def touched(self, concerns: Concerns) -> None:
        """The files were written by a change that is no switching: their times say nothing."""
        every = await self._store.read(stored.every)
        changed = [claim._replace(mark_ms=0) for claim in every if concerns(identity_of(claim))]
        if changed:
            await self._store.write(stored.put, changed)

    async def drop(self, claims: Sequence[Claim]) -> None:
        """Give claims up."""
        await self._store.write(stored.drop, claims)


def _ended(claim: Claim) -> Note:
    """What the log of accounts has of a claim that somebody else has ended."""
    return Note(
        claim.file_name,
        claim.auth_index,
        "claim_over",
        Actor.OUTSIDE,
        "inspection",
        reason="changed by somebody else",
        evidence={"disabledAtMs": claim.disabled_at_ms},
    )


class Holder(Protocol):
    """Something that remembers what it disabled, to enable it again."""

    async def end(self, concerns: Concerns) -> list[Kept]:
        """Somebody else changes these credentials: give them up; what was given up."""

    async def restore(self, kept: Sequence[Kept]) -> None:
        """The change did not come to be: take them back."""

    async def touched(self, concerns: Concerns) -> None:
        """The files were written, but who is disabled has not changed."""


@attrs.frozen
class GivenUp:
    """What was given up before a change by somebody else."""

    _kept: list[tuple[Holder, list[Kept]]] = attrs.field(factory=list)

    async def restore(self, concerns: Concerns = lambda _: True) -> None:
        """The change was not made, or not of these."""
        for holder, kept in self._kept:
            await holder.restore([one for one in kept if concerns(one.identity)])


@attrs.frozen
class Holders:
    """All that remember."""

    _all: tuple[Holder, ...]

    async def end(self, concerns: Concerns) -> GivenUp:
        """Somebody else is about to change these credentials."""
        kept: list[tuple[Holder, list[Kept]]] = []
        given_up = GivenUp(kept)
        try:
            for holder in self._all:
                kept += [(holder, await holder.end(concerns))]
        except BaseException:
            await given_up.restore()
            raise
        return given_up

    async def touched(self, concerns: Concerns) -> None:
        """These files were written."""
        for holder in self._all:
            await holder.touched(concerns)

    @asynccontextmanager
    async def giving_up(self, accounts: Sequence[Account]) -> AsyncIterator[None]:
        """Around a change by somebody else: what was given up comes back if it fails."""
        given_up = await self.end(among(accounts))
        try:
            yield
        except BaseException:
            await given_up.restore()
            raise


def among(accounts: Sequence[Account]) -> Concerns:
    """Whether an identity is that of one of these credentials."""
    return lambda identity: any(account.is_(identity) for account in accounts)
