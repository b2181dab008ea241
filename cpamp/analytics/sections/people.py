"""The tables by account, credential, channel and failure source (analytics contract, 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray, provider_shown, stated_provider
from cpamp.analytics.grids import Sums
from cpamp.analytics.sections.models import models_of_groups
from cpamp.analytics.sections.rows import (
    SNAPSHOTS,
    People,
    Row,
    calls,
    dearest,
    five,
    latest,
    means,
    money,
    share,
    table,
    times,
)
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
        self.codes, groups = np.unique(codes[pairs.codes[0]], return_inverse=True)
        self.groups: IntArray = groups.reshape(-1)
        self.sums = counting.grouped(pairs, self.groups)
        self.people = people_of(counting, pairs, self.groups)

    def __len__(self) -> int:
        return len(self.codes)


def people_of(counting: Counting, pairs: Sums, groups: IntArray) -> People:
    """Who is behind the groups of pairs whose first code is the credential."""
    return People(counting.view, groups, pairs.codes[0], pairs["last"])


def greatest_sources(people: Sequence[Any]) -> dict[str, str]:
    """For each source hash the greatest of the texts that stand for the source."""
    greatest: dict[str, str] = {}
    for who in people:
        if who.source_hash:
            greatest[who.source_hash] = max(greatest.get(who.source_hash, ""), who.source)
    return greatest


def account_names(counting: Counting, who: IntArray) -> tuple[list[str], IntArray]:
    """The names of the accounts that occur, and by number of a credential which it is of."""
    facets = counting.view.facets
    present = np.unique(who)
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


def figures(counting: Counting, sums: Sums) -> dict[str, list[Any]]:
    """The figures of a row of an account, key or credential."""
    return {
        **calls(sums),
        **five(sums),
        **money(sums),
        "total_tokens": sums["total"].tolist(),
        "average_latency_ms": means(sums),
        "last_seen_ms": times(counting.view, sums["last"]),
        "first_seen_ms": times(counting.view, sums["first"]),
    }


class AccountStats:
    """A row for each account, the latest seen first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> list[Row]:
        """The section."""
        counting = self._counting
        names, codes = account_names(counting, counting.sums("people").codes[0])
        grouped = Grouped(counting, codes)
        models = models_of_groups(counting, grouped.pairs, grouped.groups)
        rows = [
            {
                "id": names[code],
                **grouped.people.names(group, *SNAPSHOTS),
                **grouped.people.sets(group),
                **row,
                "models": models[group],
            }
            for group, (code, row) in enumerate(
                zip(grouped.codes.tolist(), table(figures(counting, grouped.sums)), strict=True)
            )
        ]
        return sorted(rows, key=latest)


class CredentialStats:
    """A row for each credential, dearest first."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("people")

    def rows(self) -> list[Row]:
        """The section."""
        counting = self._counting
        axis = counting.view.facets.credential
        grouped = Grouped(counting, axis.codes)
        models = models_of_groups(counting, grouped.pairs, grouped.groups)
        rows = [
            {
                "id": axis.names[code],
                **grouped.people.names(group, *CREDENTIAL_FIELDS),
                **row,
                "models": models[group],
            }
            for group, (code, row) in enumerate(
                zip(grouped.codes.tolist(), table(figures(counting, grouped.sums)), strict=True)
            )
        ]
        return sorted(rows, key=lambda row: (*dearest(row), row["id"]))


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
    sums = grouped.sums
    columns = table(
        {
            "calls": sums["calls"].tolist(),
            "success": (sums["calls"] - sums["failed"]).tolist(),
            "failure": sums["failed"].tolist(),
            "tokens": sums["total"].tolist(),
            **money(sums),
            "average_latency_ms": means(sums),
        }
    )
    return [
        {
            "auth_index": axis.names[code] or "-",
            **grouped.people.names(group, "source", *SNAPSHOTS),
            "auth_provider_snapshot": _provider(grouped.people, group, provider),
            **row,
        }
        for group, (code, row) in enumerate(zip(grouped.codes.tolist(), columns, strict=True))
    ]


def _provider(people: People, group: int, provider: Provider | None) -> str:
    if provider is not None:
        return people.first(group, provider)
    return people.first(group, stated_provider) or people.first(group, provider_shown)


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
        sums = grouped.sums
        columns = table(
            {
                "calls": sums["calls"].tolist(),
                "failure": sums["failed"].tolist(),
                "failure_rate": [
                    share(failed, of)
                    for failed, of in zip(
                        sums["failed"].tolist(), sums["calls"].tolist(), strict=True
                    )
                ],
                "last_seen_ms": times(counting.view, sums["last"]),
                "average_latency_ms": means(sums),
            }
        )
        rows = [
            {
                "source_hash": axis.names[code][0],
                "auth_index": axis.names[code][1],
                **grouped.people.greatest(group, "source", *SNAPSHOTS),
                "auth_provider_snapshot": max(map(provider, grouped.people.of(group))),
                **row,
            }
            for group, (code, row) in enumerate(zip(grouped.codes.tolist(), columns, strict=True))
            if row["failure"]
        ]
        return sorted(rows, key=_most_failures)


def _most_failures(row: Row) -> tuple[int, int, str, str]:
    return -row["failure"], -row["last_seen_ms"], row["source_hash"], row["auth_index"]
