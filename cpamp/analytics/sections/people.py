"""The tables by account, credential, channel and failure source (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from cpamp.analytics.columnar import Nested, Row, Table, Texts
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, provider_shown, stated_provider
from cpamp.analytics.grids import Sums, distinct, numbered
from cpamp.analytics.sections.models import models_of_groups
from cpamp.analytics.sections.rows import (
    Figures,
    calls,
    dearest,
    five,
    latest,
    means,
    money,
    shares,
    times,
)
from cpamp.analytics.sections.who import SNAPSHOTS, People
from cpamp.usage.event import Who

Provider = Callable[[Who], str]
CREDENTIAL_FIELDS = (
    "auth_file_snapshot",
    "auth_index",
    "source",
    "source_hash",
    *SNAPSHOTS,
    "auth_project_id_snapshot",
)


class Grouped:
    """Credentials in groups: the pairs of credential and model, and the sums of the groups."""

    def __init__(self, counting: Counting, codes: IntArray) -> None:
        pairs = counting.sums("people")
        self.pairs = pairs
        # Groups are numbered as they occur.
        self.codes, self.groups = numbered(codes[pairs.codes[0]])
        self.sums = counting.grouped(pairs, self.groups)
        self.people = People(counting.view, self.groups, pairs.codes[0], pairs["last"])

    def models(self, counting: Counting, order: IntArray) -> Nested:
        """The rows of the models of the groups, which stand in this order."""
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return models_of_groups(counting, self.pairs, place[self.groups], len(order))


def greatest_sources(people: Iterable[Who]) -> dict[str, str]:
    """For each source hash the greatest of the texts that stand for the source."""
    greatest: dict[str, str] = {}
    for who in people:
        if who.source_hash:
            greatest[who.source_hash] = max(greatest.get(who.source_hash, ""), who.source)
    return greatest


def account_names(counting: Counting, who: IntArray) -> tuple[list[str], IntArray]:
    """The names of the accounts that occur, and by number of a credential which it is of."""
    facets = counting.view.facets
    present = distinct(who)
    greatest = greatest_sources([facets.who(number) for number in present.tolist()])
    names: dict[str, int] = {}
    of_account: dict[int, int] = {}
    codes = np.zeros(counting.view.size("who"), dtype=np.int64)
    for number in present.tolist():
        account = int(facets.account.codes[number])
        if account not in of_account:
            kind, text = facets.account.names[account]
            name = greatest[text] if kind == "hash" else text
            of_account[account] = names.setdefault(name, len(names))
        codes[number] = of_account[account]
    return list(names), codes


def figures(counting: Counting, sums: Sums) -> Figures:
    """The figures of a row of an account, key or credential."""
    return {
        **calls(sums),
        **five(sums),
        **money(sums),
        "total_tokens": sums["total"],
        "average_latency_ms": means(sums),
        "last_seen_ms": times(counting.view, sums["last"]),
        "first_seen_ms": times(counting.view, sums["first"]),
    }


class AccountStats:
    """A row for each account, the latest seen first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> Table:
        """The section."""
        counting = self._counting
        names, codes = account_names(counting, counting.sums("people").codes[0])
        grouped = Grouped(counting, codes)
        ids = Texts(names, grouped.codes)
        order = latest(counting.view, grouped.sums, ids)
        return Table(
            {"id": ids.taken(order)},
            grouped.people.columns(order, *SNAPSHOTS),
            grouped.people.sets(order),
            figures(counting, grouped.sums.taken(order)),
            {"models": grouped.models(counting, order)},
        )


class CredentialStats:
    """A row for each credential, dearest first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> Table:
        """The section."""
        counting = self._counting
        axis = counting.view.facets.credential
        grouped = Grouped(counting, axis.codes)
        ids = Texts(axis.names, grouped.codes)
        order = dearest(counting.view, grouped.sums, ids)
        return Table(
            {"id": ids.taken(order)},
            grouped.people.columns(order, *CREDENTIAL_FIELDS),
            figures(counting, grouped.sums.taken(order)),
            {"models": grouped.models(counting, order)},
        )


class ChannelShare:
    """A row for each auth index, most calls first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> list[Row]:
        """The section."""
        rows = channel_rows(self._counting)
        return sorted(rows, key=lambda row: (-row["calls"], row["auth_index"]))


def channel_rows(counting: Counting, provider: Provider | None = None) -> list[Row]:
    """A row for each auth index, in no order.

    `provider` says which provider a credential shows; None: one that a credential's file names
    wins over one that records name.
    """
    axis = counting.view.facets.channel
    grouped = Grouped(counting, axis.codes)
    people, sums = grouped.people, grouped.sums
    names = people.names("source", *SNAPSHOTS)
    return Table(
        {"auth_index": [axis.names[code] or "-" for code in grouped.codes.tolist()]},
        names | {"auth_provider_snapshot": _providers(people, provider)},
        {
            "calls": sums["calls"],
            "success": sums["calls"] - sums["failed"],
            "failure": sums["failed"],
            "tokens": sums["total"],
            **money(sums),
            "average_latency_ms": means(sums),
        },
    ).rows


def _providers(people: People, provider: Provider | None) -> Sequence[str]:
    if provider is not None:
        return people.first(provider).values()
    stated, shown = people.first(stated_provider).values(), people.first(provider_shown).values()
    return [first or other for first, other in zip(stated, shown, strict=True)]


class FailureSources:
    """A row for each source with a failure, most failures first.

    Its names are the greatest texts of its credentials, as recorded answers have them.
    """

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> list[Row]:
        """The section."""
        return self.rows_showing(provider_shown)

    def rows_showing(self, provider: Provider) -> list[Row]:
        """The same, with the provider that a credential is said to show."""
        counting = self._counting
        axis = counting.view.facets.source
        grouped = Grouped(counting, axis.codes)
        people, sums = grouped.people, grouped.sums
        names = [axis.names[code] for code in grouped.codes.tolist()]
        rows = Table(
            {
                "source_hash": [name[0] for name in names],
                "auth_index": [name[1] for name in names],
                **people.greatest("source", *SNAPSHOTS),
                "auth_provider_snapshot": people.greatest_of(provider),
                "calls": sums["calls"],
                "failure": sums["failed"],
                "failure_rate": shares(sums["failed"], sums["calls"]),
                "last_seen_ms": times(counting.view, sums["last"]),
                "average_latency_ms": means(sums),
            }
        ).rows
        return sorted((row for row in rows if row["failure"]), key=_most_failures)


def _most_failures(row: Row) -> tuple[int, int, str, str]:
    return -row["failure"], -row["last_seen_ms"], row["source_hash"], row["auth_index"]
