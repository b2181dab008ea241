"""Who is behind the groups of a table: the texts of their credentials (contract, 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import attrgetter

import numpy as np

from cpamp.analytics.columnar import Shared, Table, Texts
from cpamp.analytics.facets import IntArray, provider_shown
from cpamp.analytics.grids import numbered, oldest_first, standing_for
from cpamp.analytics.view import View
from cpamp.usage.event import Who

Text = Callable[[Who], str]
SNAPSHOTS = ("account_snapshot", "auth_label_snapshot", "auth_provider_snapshot")
_SETS = {"auth_indices": "auth_index", "sources": "source", "source_hashes": "source_hash"}


class People:
    """The rows of the dictionary of credentials behind each group of a table.

    `groups`, `who` and `last` are of one length: a group, a credential that it has, and the row
    of the event in which it was seen last.
    """

    def __init__(self, view: View, groups: IntArray, who: IntArray, last: IntArray) -> None:
        # Oldest first: of several values for one place the last one stays.
        order = oldest_first(last, view.snapshot.column("time"))
        self._groups = groups.take(order)
        self._count = int(groups.max(initial=-1)) + 1
        present, self._places = numbered(who.take(order))
        self._people = [view.facets.who(number) for number in present.tolist()]

    def first(self, text: Text) -> Texts:
        """Of each group the first filled text, from the newest credential on."""
        texts, codes = self._texts(text)
        filled = np.flatnonzero(codes)
        first = np.zeros(self._count, dtype=np.int64)
        first[self._groups.take(filled)] = codes.take(filled)
        return Texts(texts, first)

    def names(self, *fields: str) -> dict[str, Texts]:
        """Of each group the first filled value of some fields."""
        return {field: self.first(_FIELDS[field]) for field in fields}

    def columns(self, groups: IntArray, *fields: str) -> Shared:
        """The same for some groups, of which mostly many have the same names."""
        if np.bincount(self._groups).max(initial=0) <= 1:
            # Each has at most one credential, whose names they are.
            every = {field: list(map(_FIELDS[field], self._people)) for field in fields}
            of_group = np.zeros(self._count, dtype=np.int64)
            of_group[self._groups] = self._places
            return Shared(Table(every), of_group.take(groups))
        names = self.names(*fields)
        codes = np.zeros(self._count, dtype=np.int64)
        for of_field in names.values():
            codes = numbered(codes * len(of_field.names) + of_field.codes)[1]
        some = standing_for(codes)
        return Shared(Table({f: n.taken(some) for f, n in names.items()}), codes.take(groups))

    def greatest(self, *fields: str) -> dict[str, Texts]:
        """Of each group the greatest texts."""
        return {field: self.greatest_of(_FIELDS[field]) for field in fields}

    def greatest_of(self, text: Text) -> Texts:
        """Of each group the greatest of a text."""
        texts, codes = self._texts(text)
        greatest = np.zeros(self._count, dtype=np.int64)
        np.maximum.at(greatest, self._groups, codes)
        return Texts(texts, greatest)

    def sets(self, groups: IntArray) -> dict[str, list[list[str]]]:
        """Of some groups all indices, sources and hashes, ascending."""
        found = {name: self._sets(_FIELDS[field]) for name, field in _SETS.items()}
        return {name: [sets[group] for group in groups.tolist()] for name, sets in found.items()}

    def _sets(self, text: Text) -> list[list[str]]:
        texts, codes = self._texts(text)
        width = len(texts)
        met, _ = numbered(self._groups * width + codes)
        groups, codes = met // width, met % width
        filled = np.array([bool(text.strip()) for text in texts]).take(codes)
        groups, codes = groups[filled], codes[filled]
        bounds = np.searchsorted(groups, np.arange(self._count + 1)).tolist()
        every = np.array(texts, dtype=object).take(codes).tolist()
        return [every[begin:end] for begin, end in pairwise(bounds)]

    def newest(self) -> dict[int, Who]:
        """Of each group the newest credential."""
        pairs = zip(self._groups.tolist(), self._places.tolist(), strict=True)
        return {group: self._people[place] for group, place in dict(pairs).items()}

    def _texts(self, text: Text) -> tuple[Sequence[str], IntArray]:
        """The different texts, ascending from that of no letters, and which each pair has."""
        of_people = [text(who) for who in self._people]
        texts = sorted({"", *of_people})
        codes = {text: code for code, text in enumerate(texts)}
        numbers = np.array([codes[text] for text in of_people], dtype=np.int64)
        return texts, numbers.take(self._places)


_FIELDS: dict[str, Text] = {
    **{field: attrgetter(field) for field in Who._fields},
    "auth_provider_snapshot": provider_shown,
}
