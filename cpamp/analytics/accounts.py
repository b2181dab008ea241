"""The credentials that a question names, and their rows (analytics contract, 11)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Self

import attrs
import numpy as np

from cpamp.analytics.facets import Axis, Facets, IntArray, folded_file
from cpamp.analytics.request import Members
from cpamp.analytics.view import BoolArray
from cpamp.errors import BadRequest
from cpamp.usage.event import Who
from cpamp.usage.identity import TARGET_FIELDS, Identity

FILE_NEEDS_PROVIDER = "auth_provider_snapshot is required for file account targets"
_NONE: IntArray = np.zeros(0, dtype=np.int64)


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
        self._keys = _Rows(facets.account_key)
        self._sources = _Rows(facets.old_file)

    def of(self, target: Target) -> IntArray:
        """The numbers of the credentials that are the target, ascending.

        Those stored before CPA told the file have its name as their source.
        """
        found = self._keys.of(target.key) if target.key else _NONE
        identity = target.identity
        if identity.file and identity.index:
            old = self._sources.of(folded_file(identity.file, identity.index))
            found = np.union1d(found, old) if len(old) else found
        return found


class _Rows:
    """The rows of an axis by their name."""

    def __init__(self, axis: Axis[Who]) -> None:
        self._axis = axis
        self._order = np.argsort(axis.codes, kind="stable")
        self._codes = axis.codes.take(self._order)

    def of(self, name: Hashable) -> IntArray:
        code = self._axis.code_of(name)
        if code is None:
            return _NONE
        start, end = np.searchsorted(self._codes, (code, code + 1)).tolist()
        return self._order[start:end]


def table_of(numbers: Iterable[IntArray], size: int) -> BoolArray:
    """By number of a credential: whether it is one of these."""
    table = np.zeros(size, dtype=bool)
    for some in numbers:
        table[some] = True
    return table
