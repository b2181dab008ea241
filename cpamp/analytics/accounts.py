"""Which credential an event belongs to, finer than an account's name (analytics contract, 11.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

import attrs
import numpy as np

from cpamp.analytics.facets import Facets, IntArray, provider_shown
from cpamp.analytics.request import Members
from cpamp.analytics.view import BoolArray
from cpamp.errors import BadRequest
from cpamp.usage.event import Who

PREFIX = "usage-account-history:2"
TARGET_FIELDS = (
    "account_snapshot",
    "auth_label_snapshot",
    "auth_file_snapshot",
    "auth_provider_snapshot",
    "auth_project_id_snapshot",
    "auth_index",
    "source",
)
FILE_NEEDS_PROVIDER = "auth_provider_snapshot is required for file account targets"
_OTHER_NAMES = {"x-ai": "xai", "grok": "xai"}


@attrs.frozen
class Identity:
    """What tells credentials apart. All parts are trimmed, the provider is folded."""

    file: str
    provider: str
    index: str
    project: str
    account: str
    label: str

    @classmethod
    def of(cls, texts: Mapping[str, str], provider: str) -> Self:
        """The identity that some fields of a credential make."""
        found = {name: texts[name].strip() for name in TARGET_FIELDS}
        names = (found["account_snapshot"], found["auth_label_snapshot"])
        file = found["auth_file_snapshot"]
        if not file and found["source"] not in names:
            file = found["source"]
        folded = provider.strip().lower().replace("_", "-")
        return cls(
            file,
            _OTHER_NAMES.get(folded, folded),
            found["auth_index"],
            found["auth_project_id_snapshot"],
            *names,
        )

    @property
    def key(self) -> str:
        """The account key; "" where too little is known for one."""
        shared = (
            ("index", self.index),
            ("project", self.project),
            ("account", self.account),
            ("label", self.label),
        )
        if self.file:
            if self.index:
                return _key("file-index", self.file, self.index)
            for kind, part in shared[1:]:
                if part:
                    return _key(f"file-{kind}", self.file, self.provider, part)
            return _key("file", self.file, self.provider)
        for kind, part in shared:
            if self.provider and part:
                name = "auth-index" if kind == "index" else kind
                return _key(name, self.provider, part)
        return ""


def _key(kind: str, *parts: str) -> str:
    return ":".join((PREFIX, kind, *(part.encode().hex().upper() for part in parts)))


@attrs.frozen
class Target:
    """The credential of a row of the accounts page."""

    identity: Identity
    # The key as the client knows it, where it sent nothing else.
    stated_key: str = ""

    @property
    def key(self) -> str:
        """The account key."""
        return self.identity.key or self.stated_key

    @classmethod
    def read(cls, members: Members, stated_key: str = "") -> Self:
        """The target that the fields of a request name; raises `BadRequest`."""
        texts = {name: members.text(name) for name in TARGET_FIELDS}
        identity = Identity.of(texts, texts["auth_provider_snapshot"])
        if identity.file and not identity.provider:
            raise BadRequest(FILE_NEEDS_PROVIDER)
        structured = any(text.strip() for text in texts.values())
        return cls(identity, "" if structured else stated_key.strip())


class Accounts:
    """The credentials of the dictionaries by account key."""

    def __init__(self, facets: Facets) -> None:
        assert facets.known is not None
        self._by_key: dict[str, list[int]] = {}
        self._by_source: dict[tuple[str, str], list[int]] = {}
        for number, who in enumerate(facets.known.who):
            if who is None:
                continue
            self._by_key.setdefault(account_key_of(who), []).append(number)
            if not who.auth_file_snapshot.strip() and who.source.strip():
                self._by_source.setdefault(_folded(who.source, who.auth_index), []).append(number)

    def of(self, target: Target) -> IntArray:
        """The numbers of the credentials that are the target, ascending.

        Those stored before CPA told the file have its name as their source.
        """
        numbers = set(self._by_key.get(target.key, ())) if target.key else set()
        identity = target.identity
        if identity.file and identity.index:
            numbers.update(self._by_source.get(_folded(identity.file, identity.index), ()))
        return np.array(sorted(numbers), dtype=np.int64)


def account_key_of(who: Who) -> str:
    """The account key of an event's credential."""
    return Identity.of(who._asdict(), provider_shown(who)).key


def _folded(file: str, index: str) -> tuple[str, str]:
    return file.strip().lower(), index.strip().lower()


def table_of(numbers: Iterable[IntArray], size: int) -> BoolArray:
    """By number of a credential: whether it is one of these."""
    table = np.zeros(size, dtype=bool)
    for some in numbers:
        table[some] = True
    return table
