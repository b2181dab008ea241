"""Tokens that the admin gives to others, so that they read what is theirs and change nothing."""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from functools import cached_property

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cpamp.errors import BadRequest, NotFound
from cpamp.store import Store, api_tokens
from cpamp.store.held import Held

PREFIX = "cmp_token_"
READ, METRICS = "read", "metrics"
# Followed by the hash of the one client key whose events may be read.
READ_KEY = "read:key="
MOST_CHARS = 120
# How much newer the stored time of use may be.
NOTED_MS = 60_000


class TokenInvalid(BadRequest):
    """A name or a scope is not what is allowed; nothing was stored."""

    code = "api_token_invalid"


@attrs.frozen
class ApiToken:
    """What is known of a token; the token itself is not."""

    id: int
    name: str
    # The hexadecimal SHA-256 of the token, which is random enough to need no salt.
    digest: str
    scopes: tuple[str, ...]
    created_at_ms: int
    last_used_ms: int | None

    @property
    def may_read(self) -> bool:
        """Whether it may read all figures."""
        return READ in self.scopes

    @property
    def may_scrape(self) -> bool:
        """Whether it opens the metrics."""
        return METRICS in self.scopes

    @property
    def only_key(self) -> str:
        """The hash of the one client key whose figures it may read; "" where that is not so."""
        keys = (scope.removeprefix(READ_KEY) for scope in self.scopes if scope.startswith(READ_KEY))
        return next(keys, "")


@attrs.frozen(slots=False)
class TokenBook:
    """All tokens of one moment; `version` differs from that of any other state."""

    items: tuple[ApiToken, ...] = ()
    version: int = 0

    @cached_property
    def by_digest(self) -> Mapping[str, ApiToken]:
        """The tokens by their digests."""
        return {token.digest: token for token in self.items}


def checked(name: str, scopes: list[str]) -> tuple[str, tuple[str, ...]]:
    """A new token's name and scopes as they are stored; raises `TokenInvalid`."""
    name = name.strip()
    if not 0 < len(name) <= MOST_CHARS:
        raise TokenInvalid(f"name must have 1 to {MOST_CHARS} characters")
    found = tuple(dict.fromkeys(_scope(text.strip()) for text in scopes))
    if not found:
        raise TokenInvalid("scopes must name at least one of read, metrics, read:key=HASH")
    if sum(scope.startswith(READ) for scope in found) > 1:
        raise TokenInvalid("a token reads everything or the events of one key")
    return name, found


def _scope(text: str) -> str:
    if text in (READ, METRICS):
        return text
    scope = text.lower()
    if not re.fullmatch(rf"{READ_KEY}[0-9a-f]{{64}}", scope):
        raise TokenInvalid(f'"{text[:80]}" is no scope: read, metrics, or read:key=SHA-256')
    return scope


@attrs.define(eq=False)
class Tokens:
    """The tokens in force, and the only way to change them.

    Changes raise `StoreUnavailable` with nothing written.
    """

    _store: Store
    _now_ms: Callable[[], int]
    _held: Held[TokenBook] = attrs.field(init=False)
    # By id, when each was used last, and when that was stored.
    _used: dict[int, int] = attrs.field(factory=dict, init=False)
    _noted: dict[int, int] = attrs.field(factory=dict, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    @_held.default
    def _make_held(self) -> Held[TokenBook]:
        return Held(self._store, _read, TokenBook())

    def load(self, conn: sqlite3.Connection) -> None:
        """Read them, before anybody asks for them."""
        self._held.load(conn)

    @property
    def items(self) -> list[ApiToken]:
        """All of them, the oldest first, with the times of use of this moment."""
        return [
            attrs.evolve(token, last_used_ms=self._used.get(token.id, token.last_used_ms))
            for token in self._held.value.items
        ]

    async def create(self, name: str, scopes: list[str]) -> tuple[str, ApiToken]:
        """A new token, which is told only now, and what is kept of it; raises `TokenInvalid`."""
        name, allowed = checked(name, scopes)
        text = PREFIX + secrets.token_urlsafe(32)
        digest = _digest(text)
        try:
            book = await self._held.change(
                lambda conn: api_tokens.add(conn, name, digest, allowed, self._now_ms())
            )
        except sqlite3.IntegrityError as error:
            raise TokenInvalid(f'there is a token called "{name}" already') from error
        return text, book.by_digest[digest]

    async def revoke(self, number: int) -> None:
        """End a token; raises `NotFound`."""
        if all(token.id != number for token in self._held.value.items):
            raise NotFound("there is no such token")
        await self._held.change(lambda conn: api_tokens.delete(conn, number, self._now_ms()))

    def find(self, text: str) -> ApiToken | None:
        """The token that a text is; it counts as used."""
        token = self._held.value.by_digest.get(_digest(text))
        if token is not None:
            self._note(token.id)
        return token

    def _note(self, number: int) -> None:
        now_ms = self._used[number] = self._now_ms()
        if now_ms - self._noted.get(number, 0) < NOTED_MS:
            return
        self._noted[number] = now_ms
        noted = Deferred.fromCoroutine(self._store.write(api_tokens.used, number, now_ms))
        noted.addErrback(
            lambda f: self._log.warn("a token's use was not noted: {e}", e=f.getErrorMessage())
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _read(conn: sqlite3.Connection) -> TokenBook:
    rows, version = api_tokens.read(conn)
    return TokenBook(tuple(ApiToken(*row) for row in rows), version)
