"""What people call the API keys of their clients (pricing contract, section 6, 10.9 and 10.10)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Self

import attrs

from cpamp.errors import BadRequest
from cpamp.store import Store, aliases
from cpamp.store.aliases import Alias
from cpamp.store.held import Held

MOST_CHARS = 120


class AliasInvalid(BadRequest):
    """A name or a hash is not what the contract allows; nothing was stored."""

    code = "api_key_alias_invalid"


class AliasDuplicate(BadRequest):
    """Another key has that name; nothing was stored."""

    code = "api_key_alias_duplicate"


@attrs.frozen(slots=False)
class AliasBook:
    """All names of one moment, in order; `version` differs from that of any other state."""

    items: Sequence[Alias] = ()
    version: int = 0

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names by the hashes of their keys."""
        return {item.api_key_hash: item.alias for item in self.items}


@attrs.frozen
class Renaming:
    """Names to be set; those of other keys stay.

    `active` are the hashes of the keys that CPA still has, None where nobody said. `take_over`
    allows to take a name away from a key that is not among them.
    """

    items: Mapping[str, Alias]
    active: Collection[str] | None = None
    take_over: bool = False

    @classmethod
    def of(
        cls,
        items: Iterable[tuple[str, str, int]],
        active: Collection[str],
        *,
        take_over: bool,
    ) -> Self:
        """Of texts as people send them: (hash, name, when in ms); raises `AliasInvalid`.

        Of two names for one key the later one counts.
        """
        named = {}
        for text, name, at_ms in items:
            alias = Alias(key_hash(text), name.strip(), at_ms)
            if not alias.alias or len(alias.alias) > MOST_CHARS:
                raise AliasInvalid(f"an alias must have 1 to {MOST_CHARS} characters")
            named[alias.api_key_hash] = alias
        known = set(filter(None, map(_folded, active)))
        if active and not known:
            raise AliasInvalid("none of activeApiKeyHashes is a hash of 64 hexadecimal digits")
        return cls(named, known or None, take_over)

    def applied(self, stored: Iterable[Alias]) -> list[str]:
        """The hashes of stored names that give way; raises `AliasDuplicate`.

        Only the outcome counts: keys may exchange their names.
        """
        owners: dict[str, Alias] = {}
        for item in self.items.values():
            if owners.setdefault(item.folded, item) is not item:
                raise AliasDuplicate(f'two keys can\'t both be called "{item.alias}"')
        clashing = [s for s in stored if s.folded in owners and s.api_key_hash not in self.items]
        for other in clashing:
            if self.active is None or other.api_key_hash in self.active or not self.take_over:
                raise AliasDuplicate(f'another key is called "{other.alias}" already')
        return [other.api_key_hash for other in clashing]


def key_hash(text: str) -> str:
    """A hash as it is stored; raises `AliasInvalid`."""
    key = _folded(text)
    if key is None:
        raise AliasInvalid("apiKeyHash must be a SHA-256 of 64 hexadecimal digits")
    return key


def _folded(text: str) -> str | None:
    key = text.strip().lower()
    return key if re.fullmatch(r"[0-9a-f]{64}", key) else None


@attrs.define(eq=False)
class Aliases:
    """The names in force, and the only way to change them.

    `book` is replaced as a whole after each committed change, and never altered. Changes raise
    `StoreUnavailable` with nothing written.
    """

    _store: Store
    _now_ms: Callable[[], int]
    _held: Held[AliasBook] = attrs.field(init=False)

    @_held.default
    def _make_held(self) -> Held[AliasBook]:
        return Held(self._store, _read, AliasBook())

    @property
    def book(self) -> AliasBook:
        """All names of this moment."""
        return self._held.value

    @property
    def names(self) -> Mapping[str, str]:
        """The names by the hashes of their keys."""
        return self.book.names

    @property
    def version(self) -> int:
        """The version of the names."""
        return self.book.version

    def load(self, conn: sqlite3.Connection) -> None:
        """Read the names, before anybody asks for them."""
        self._held.load(conn)

    async def put(self, renaming: Renaming) -> AliasBook:
        """Set some names and leave the others; raises `AliasDuplicate`."""
        return await self._held.change(lambda conn: _put(conn, renaming, self._now_ms()))

    async def delete(self, api_key_hash: str) -> AliasBook:
        """Take the name of a key away, if it has one."""
        return await self._held.change(
            lambda conn: aliases.delete(conn, api_key_hash, self._now_ms())
        )


def _read(conn: sqlite3.Connection) -> AliasBook:
    return AliasBook(*aliases.read(conn))


def _put(conn: sqlite3.Connection, renaming: Renaming, now_ms: int) -> None:
    gone = renaming.applied(_read(conn).items)
    if renaming.items:
        aliases.put(conn, gone, renaming.items.values(), now_ms)
