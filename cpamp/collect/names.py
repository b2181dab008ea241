"""Account names for events, from CPA's listing of credentials (usage contract, 2.9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.collect.worker import Working
from cpamp.errors import Problem
from cpamp.usage.event import Event, Who
from cpamp.usage.members import as_text

CACHE_SECONDS = 30.0
FAILURE_SECONDS = 10.0
# After a refresh message there is at most one listing in this time.
REFRESH_SECONDS = 5.0
FIRST_WAIT_SECONDS = 1.0
SEEN_MOST = 20_000
Listing = list[dict[str, Any]]


class AccountName(NamedTuple):
    """What a credential is called."""

    account: str = ""
    label: str = ""
    file: str = ""
    provider: str = ""
    project: str = ""


def read_listing(entries: Iterable[Mapping[str, Any]]) -> dict[str, AccountName]:
    """The names by auth index."""
    names = {}
    for entry in entries:
        index = _filled(entry, "auth_index", "authIndex", "auth-index")
        if index:
            names[index] = _name(entry)
    return names


def _name(entry: Mapping[str, Any]) -> AccountName:
    """The names of a file; no member but its own name may be an API key in clear."""
    file = _filled(entry, "name")
    stated, account, email = (
        text if not _secret(text) else ""
        for text in (_filled(entry, name) for name in ("label", "account", "email"))
    )
    label = stated or file or email or account
    return AccountName(
        account or email or label,
        label,
        file,
        _filled(entry, "provider", "type"),
        _filled(entry, "project_id", "projectId", "gemini_virtual_project", "geminiVirtualProject"),
    )


def _filled(entry: Mapping[str, Any], *names: str) -> str:
    texts = (as_text(entry.get(name)) for name in names)
    return next((text for text in texts if text), "")


def _secret(text: str) -> bool:
    if any(c in "@ /\\" for c in text):
        return False
    return text.startswith(("sk-", "AIza")) or 32 <= len(text.encode(errors="replace")) <= 512


def named(who: Who, name: AccountName) -> Who:
    """The credential with its empty names filled in."""
    return who._replace(
        account_snapshot=who.account_snapshot or name.account,
        auth_label_snapshot=who.auth_label_snapshot or name.label,
        auth_file_snapshot=who.auth_file_snapshot or name.file,
        auth_provider_snapshot=who.auth_provider_snapshot or name.provider,
        auth_project_id_snapshot=who.auth_project_id_snapshot or name.project,
    )


def wants_name(who: Who) -> bool:
    """Whether a credential's names could be more."""
    return bool(who.auth_index) and not (who.account_snapshot and who.auth_project_id_snapshot)


@attrs.define(eq=False)
class Names:
    """Knows credentials by a listing that is never older than it need be.

    `fetch` asks CPA for one, `on_listing` hears of every one. Only the first listing after a
    start may hold events back, for a second; what it does not know is stored without names.
    """

    _reactor: Any
    _worker: Working
    _fetch: Callable[[], Awaitable[Listing]]
    _now_ms: Callable[[], int]
    _on_listing: Callable[[Listing], None]
    _names: Mapping[str, AccountName] = attrs.field(factory=dict, init=False)
    _fetched_at_ms: int = attrs.field(default=0, init=False)
    # By the reactor's clock: when the next listing is due, and when the last one was asked for.
    _due: float = attrs.field(default=0.0, init=False)
    _asked_at: float = attrs.field(default=float("-inf"), init=False)
    _refreshed: bool = attrs.field(default=False, init=False)
    _listing: Deferred[None] | None = attrs.field(default=None, init=False)
    _waited: bool = attrs.field(default=False, init=False)
    # Counts the runs: a listing that an earlier one asked for is nobody's.
    _run: int = attrs.field(default=0, init=False)
    _seen: dict[Who, Who] = attrs.field(factory=dict, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def begin(self) -> None:
        """Collection starts, perhaps from another CPA: nothing is known."""
        self._run += 1
        self._names, self._seen = {}, {}
        self._due, self._waited, self._refreshed = 0.0, False, False
        self._listing = None

    def refresh(self) -> None:
        """CPA's credentials have changed."""
        self._refreshed = True
        self._due = min(self._due, self._asked_at + REFRESH_SECONDS)

    async def fill(self, events: list[Event]) -> None:
        """Give events the names that are known of their credentials."""
        wanting = [event for event in events if wants_name(event.who)]
        if not wanting:
            return
        self.look()
        if not self._waited:
            self._waited = True
            await self._wait()
        for event in wanting:
            who = self._with_name(event.who)
            if who is not event.who:
                event.who = who
                event.auth_snapshot_at_ms = event.auth_snapshot_at_ms or self._fetched_at_ms

    def look(self) -> None:
        """Ask for a listing if one is due."""
        if self._listing is None and self._reactor.seconds() >= self._due:
            listing = Deferred.fromCoroutine(self._list(self._run))
            listing.addErrback(
                lambda f: self._log.failure("the listing of accounts failed", failure=f)
            )
            self._listing = listing
            listing.addBoth(self._listed, listing)

    def _listed(self, _: Any, listing: Deferred[None]) -> None:
        if self._listing is listing:
            self._listing = None

    def _with_name(self, who: Who) -> Who:
        known = self._seen.get(who)
        if known is None:
            name = self._names.get(who.auth_index)
            filled = who if name is None else named(who, name)
            known = who if filled == who else filled
            if len(self._seen) >= SEEN_MOST:
                self._seen.clear()
            self._seen[who] = known
        return known

    async def _wait(self) -> None:
        """Wait for the listing that is under way, but not for long."""
        if self._listing is None:
            return
        turn: Deferred[None] = Deferred()

        def over(result: Any = None) -> Any:
            if not turn.called:
                turn.callback(None)
            return result

        timer = self._reactor.callLater(FIRST_WAIT_SECONDS, over)
        self._listing.addBoth(over)
        await turn
        if timer.active():
            timer.cancel()

    async def _list(self, run: int) -> None:
        self._asked_at = asked_at = self._reactor.seconds()
        self._due = asked_at + FAILURE_SECONDS
        self._refreshed = False
        try:
            entries = await self._fetch()
        except Problem as problem:
            self._log.debug("no names of accounts: {reason}", reason=problem.message)
            return
        names = await self._worker.run(read_listing, entries)
        if run != self._run:
            return
        self._names, self._seen = names, {}
        self._fetched_at_ms = self._now_ms()
        # What changed while it was made may not be in it.
        self._due = asked_at + (REFRESH_SECONDS if self._refreshed else CACHE_SECONDS)
        self._on_listing(entries)
