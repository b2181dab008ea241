"""Account names for events, from CPA's listing of credentials (usage contract, 2.9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

import attrs
from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger

from cpamp.errors import Problem
from cpamp.usage.event import Event, Who
from cpamp.usage.record import as_text

CACHE_SECONDS = 30.0
FAILURE_SECONDS = 10.0
# After a refresh message there is at most one listing in this time.
REFRESH_SECONDS = 5.0
FIRST_WAIT_SECONDS = 1.0
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
    label = _filled(entry, "label", "name", "email", "account")
    file = _filled(entry, "name")
    stated = (_filled(entry, "account"), _filled(entry, "email"))
    account = next((text for text in stated if text and not _secret(text)), "") or label or file
    return AccountName(
        account if not _secret(account) else "",
        label if not _secret(label) else "",
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

    `fetch` asks CPA. Only the first listing after a start may hold events back, for a second;
    what it does not know is stored without names.
    """

    _reactor: Any
    _fetch: Callable[[], Awaitable[Listing]]
    _now_ms: Callable[[], int]
    # Hears of every new listing.
    _on_listing: Callable[[Listing], None]
    _names: dict[str, AccountName] = attrs.Factory(dict)
    _fetched_at_ms: int = 0
    _good_until: float = 0.0
    _asked_at: float = -1e9
    _fetching: Deferred[None] | None = None
    _begun: bool = False
    _seen: dict[Who, Who] = attrs.Factory(dict)
    _log: Logger = attrs.Factory(Logger)

    def refresh(self) -> None:
        """CPA's credentials have changed."""
        self._good_until = min(self._good_until, self._asked_at + REFRESH_SECONDS)

    async def fill(self, events: list[Event]) -> None:
        """Give events the names that are known of their credentials."""
        wanting = [event for event in events if wants_name(event.who)]
        if not wanting:
            return
        if self._reactor.seconds() >= self._good_until and self._fetching is None:
            self._fetching = Deferred.fromCoroutine(self._list())
            self._fetching.addBoth(self._listed)
        if not self._begun:
            await self._first()
        for event in wanting:
            event.who = self._with_name(event.who)
            if event.who.account_snapshot and not event.auth_snapshot_at_ms:
                event.auth_snapshot_at_ms = self._fetched_at_ms

    def _with_name(self, who: Who) -> Who:
        known = self._seen.get(who)
        if known is None:
            name = self._names.get(who.auth_index)
            known = who if name is None else named(who, name)
            if len(self._seen) > 20_000:
                self._seen.clear()
            self._seen[who] = known
        return known

    async def _first(self) -> None:
        self._begun = True
        if self._fetching is None:
            return
        listed: Deferred[None] = Deferred()

        def pass_on(result: Any) -> Any:
            if not listed.called:
                listed.callback(None)
            return result

        self._fetching.addBoth(pass_on)
        try:
            await listed.addTimeout(FIRST_WAIT_SECONDS, self._reactor)
        except TimeoutError:
            return

    async def _list(self) -> None:
        self._asked_at = self._reactor.seconds()
        self._good_until = self._asked_at + FAILURE_SECONDS
        try:
            entries = await self._fetch()
        except Problem as problem:
            self._log.debug("no names of accounts: {reason}", reason=problem.message)
            return
        self._names = read_listing(entries)
        self._seen.clear()
        self._fetched_at_ms = self._now_ms()
        self._good_until = self._asked_at + CACHE_SECONDS
        self._on_listing(entries)

    def _listed(self, result: Any) -> None:
        self._fetching = None
        if result is not None:
            self._log.failure("the listing of accounts failed", failure=result)
