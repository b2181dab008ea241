"""The dictionaries in memory, with the keys that sections group by (analytics contract, 6).

An event refers to dictionary rows by number. What a section groups by (the account, the
credential, the channel …) is a function of such a row, so it is worked out once per row and not
per event: `by_account[who]` is the number of the account of the dictionary row `who`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.usage.event import Caller, End, ModelNames, Way, Who
from cpamp.usage.models import separate_reasoning

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Row = TypeVar("Row")
Name = TypeVar("Name", bound=Hashable)


@attrs.define(slots=False)
class Grouping(Generic[Row, Name]):
    """Numbers for the names that dictionary rows have: row number -> group number -> name."""

    name_of: Callable[[Row], Name]
    names: list[Name] = attrs.Factory(list)
    _numbers: dict[Name, int] = attrs.Factory(dict)
    _groups: IntArray = attrs.Factory(lambda: np.zeros(0, dtype=np.int64))

    def extend(self, rows: Sequence[Row]) -> None:
        """Take in the rows that were added since the last call; `rows` are all of them."""
        known = len(self._groups)
        if len(rows) == known:
            return
        added = np.empty(len(rows) - known, dtype=np.int64)
        for i, row in enumerate(rows[known:]):
            added[i] = self._number(self.name_of(row))
        self._groups = np.concatenate((self._groups, added))

    def _number(self, name: Name) -> int:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    @property
    def groups(self) -> IntArray:
        """The group number of each row."""
        return self._groups

    def __len__(self) -> int:
        return len(self.names)

    def rows_named(self, wanted: Iterable[Name]) -> BoolArray:
        """Which rows have one of the wanted names."""
        chosen = np.zeros(len(self.names), dtype=bool)
        for name in wanted:
            number = self._numbers.get(name)
            if number is not None:
                chosen[number] = True
        return chosen[self._groups]


# The name of an account: its text, or the source hash whose greatest source text names it.
AccountName = tuple[str, str]


def account_name(who: Who) -> AccountName:
    """The account that a credential belongs to (`account_stats.id`)."""
    for text in (who.account_snapshot, who.auth_label_snapshot):
        if text.strip():
            return "name", text
    if who.source.strip():
        return ("hash", who.source_hash) if who.source_hash else ("name", who.source)
    return "name", who.auth_index if who.auth_index.strip() else "-"


def provider_shown(who: Who) -> str:
    """The provider of the snapshot, else of the record."""
    return who.auth_provider_snapshot or who.provider


def credential(who: Who) -> str:
    """The id of the credential row, and of the filter `credential_ids`."""
    return who.auth_file_snapshot or who.auth_index or who.source_hash or who.source or "-"


def unknown_key(who: Who) -> tuple[str, ...]:
    """What tells apart events without a client key's hash."""
    source = "" if who.source_hash else who.source
    return who.source_hash, who.auth_index, source, provider_shown(who)


def context(who: Who) -> str:
    """The id of a context in which a key was used."""
    parts = (
        provider_shown(who),
        who.account_snapshot,
        who.auth_label_snapshot,
        who.auth_index,
        who.source_hash,
        who.source,
    )
    return ":".join(part.strip() or "-" for part in parts)


def failure_source(who: Who) -> tuple[str, str]:
    """What `failure_sources` groups by."""
    return who.source_hash, who.auth_index


def key_shown(api_key_hash: str) -> str:
    """A key's hash as it is compared and shown."""
    return api_key_hash.strip().lower()


@attrs.define(slots=False)
class Dimensions:
    """All dictionaries; row 0 of each stands for nothing, numbers begin at 1."""

    who: list[Who] = attrs.Factory(lambda: [Who()])
    model: list[ModelNames] = attrs.Factory(lambda: [ModelNames()])
    way: list[Way] = attrs.Factory(lambda: [Way()])
    key: list[str] = attrs.Factory(lambda: [""])
    caller: list[Caller] = attrs.Factory(lambda: [Caller()])
    ending: list[End] = attrs.Factory(lambda: [End()])

    accounts: Grouping[Who, AccountName] = attrs.Factory(lambda: Grouping(account_name))
    credentials: Grouping[Who, str] = attrs.Factory(lambda: Grouping(credential))
    channels: Grouping[Who, str] = attrs.Factory(lambda: Grouping(lambda w: w.auth_index or "-"))
    failure_sources: Grouping[Who, tuple[str, str]] = attrs.Factory(
        lambda: Grouping(failure_source)
    )
    providers: Grouping[Who, str] = attrs.Factory(lambda: Grouping(provider_shown))
    unknown_keys: Grouping[Who, tuple[str, ...]] = attrs.Factory(lambda: Grouping(unknown_key))
    contexts: Grouping[Who, str] = attrs.Factory(lambda: Grouping(context))
    thinking: Grouping[Who, bool] = attrs.Factory(
        lambda: Grouping(lambda w: separate_reasoning(w.executor_type, w.provider))
    )
    models: Grouping[ModelNames, str] = attrs.Factory(lambda: Grouping(lambda m: m.analytics_model))
    tiers: Grouping[Way, str] = attrs.Factory(lambda: Grouping(lambda w: w.service_tier))
    keys: Grouping[str, str] = attrs.Factory(lambda: Grouping(key_shown))

    def derive(self) -> None:
        """Bring the groupings up to the rows; call after rows were appended."""
        for grouping in (
            self.accounts,
            self.credentials,
            self.channels,
            self.failure_sources,
            self.providers,
            self.unknown_keys,
            self.contexts,
            self.thinking,
        ):
            grouping.extend(self.who)
        self.models.extend(self.model)
        self.tiers.extend(self.way)
        self.keys.extend(self.key)
