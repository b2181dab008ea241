"""Which record of which source prices a model: sure matches, and candidates for a person.

Pricing contract, 3.8 and 3.9. Only a sure match is ever taken by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

import attrs

from cpamp.pricing.likeness import FAMILY, WITH_PREFIX, Comparison, Name
from cpamp.pricing.sources import EMBEDDED, MODELS_DEV, SOURCES, Catalogue, Record

CANDIDATES_PER_SOURCE = 8
LEAST_SCORE = 0.55
LEAST_FAMILY_SCORE = 0.34


@attrs.frozen
class Candidate:
    """A record that may price a model, how alike the names are (0 to 1), and by which rule."""

    record: Record
    score: float
    reason: str


@attrs.frozen(eq=False)
class _Entry:
    """A record with the names that it goes by."""

    record: Record
    key: Name
    alias: Name | None

    @classmethod
    def of(cls, record: Record) -> _Entry:
        return cls(record, Name(record.key), Name(record.alias) if record.alias else None)

    def steps(self) -> Iterator[set[str]]:
        """Under what it stands in each step of the ladder of section 3.8."""
        names = [self.key, *filter(None, [self.alias])]
        yield {self.key.text}
        yield {self.key.folded}
        yield {self.alias.text} if self.alias else set()
        yield {self.alias.folded} if self.alias else set()
        yield {name.tail for name in names} - {""}
        yield {name.canon for name in names} - {""}

    def candidate(self, asked: Comparison) -> Candidate | None:
        """How alike a name and the record are; None for little."""
        value, reason = asked.likeness(self.key)
        if self.alias is not None:
            by_alias = min(asked.likeness(self.alias)[0], 0.94)
            if by_alias > value:
                value, reason = by_alias, WITH_PREFIX
        if value < LEAST_FAMILY_SCORE - 0.01:
            return None
        rounded = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return Candidate(self.record, float(rounded), reason)


@attrs.frozen(slots=False)
class _Index:
    """One source's records by each step of the ladder."""

    catalogue: Catalogue

    @cached_property
    def entries(self) -> list[_Entry]:
        return [_Entry.of(record) for record in self.catalogue.records]

    @cached_property
    def steps(self) -> tuple[Mapping[str, list[_Entry]], ...]:
        steps: tuple[dict[str, list[_Entry]], ...] = ({}, {}, {}, {}, {}, {})
        for entry in self.entries:
            for step, names in zip(steps, entry.steps(), strict=True):
                for name in names:
                    step.setdefault(name, []).append(entry)
        return steps

    @cached_property
    def official(self) -> Mapping[str, list[_Entry]]:
        """Canonical key in lower case -> the records that have it."""
        canonical = {key.lower() for key in self.catalogue.canonical or ()}
        return {key: found for key, found in self.steps[1].items() if key in canonical}

    @cached_property
    def official_keys(self) -> frozenset[str]:
        return frozenset(entry.record.key for found in self.official.values() for entry in found)

    @cached_property
    def canonical(self) -> Mapping[str, str]:
        """Name in lower case -> canonical key; the part after the provider where it is unique."""
        table: dict[str, str] = {}
        short: dict[str, list[str]] = {}
        for key in self.catalogue.canonical or ():
            table[key.lower()] = key.lower()
            short.setdefault(key.partition("/")[2].lower(), []).append(key.lower())
        for name, keys in short.items():
            if name and len(keys) == 1:
                table.setdefault(name, keys[0])
        return table

    def ladder(self, name: Name) -> list[_Entry]:
        """The records of the first step that has any."""
        asked = (name.text, name.folded, name.text, name.folded, name.tail, name.canon)
        found = (step.get(key) for step, key in zip(self.steps, asked, strict=True) if key)
        return next(filter(None, found), [])

    def match(self, name: Name) -> Record | None:
        """The one record that surely is the model, or None."""
        if self.catalogue.canonical is None:
            found = self.ladder(name)
        else:
            found = self.official.get(self.canonical.get(name.folded, ""), [])
            if len(found) != 1 and "/" in name.text:
                found = self.steps[0].get(name.text) or self.steps[1].get(name.folded) or []
        return found[0].record if len(found) == 1 else None

    @cached_property
    def places(self) -> Mapping[str, Sequence[int]]:
        """The entries that have a piece of a name."""
        found: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            for piece in entry.key.similar:
                found.setdefault(piece, []).append(place)
        return found

    def related(self, name: Name) -> list[_Entry]:
        """The entries that share a piece with the name, or the tail of one is inside the other's.

        Names that do neither are alike only by chance: they need not be compared.
        """
        tail, entries = name.tail, self.entries
        found = {i for i, other in enumerate(self.tails) if tail in other or other in tail}
        found.update(*(self.places.get(piece, ()) for piece in name.similar))
        return [entries[place] for place in sorted(found)]

    @cached_property
    def tails(self) -> Sequence[str]:
        """The tails of the entries."""
        return [entry.key.tail for entry in self.entries]

    def candidates(self, asked: Comparison) -> list[Candidate]:
        """The best few records for a person to choose from."""
        entries = self.ladder(asked.name) or self.related(asked.name)
        scored = (entry.candidate(asked) for entry in entries)
        kept = [
            candidate
            for candidate in scored
            if candidate is not None
            and (
                candidate.score >= LEAST_SCORE
                or (candidate.reason == FAMILY and candidate.score >= LEAST_FAMILY_SCORE)
            )
        ]
        kept.sort(key=lambda c: (c.record.key not in self.official_keys, -c.score, c.record.key))
        return kept[:CANDIDATES_PER_SOURCE]


class Matcher:
    """Answers for the catalogues of the sources that could be read, as they are added."""

    def __init__(self, catalogues: Iterable[Catalogue] = ()) -> None:
        self._indexes: list[_Index] = []
        for catalogue in catalogues:
            self.add(catalogue)

    def add(self, catalogue: Catalogue) -> None:
        """Take one more catalogue into account."""
        self._indexes.append(_Index(catalogue))
        self._indexes.sort(key=lambda index: SOURCES.index(index.catalogue.source))

    def match(self, name: str) -> Record | None:
        """The record of the best source that surely is the model, or None."""
        asked = Name(name)
        return next(filter(None, (index.match(asked) for index in self._indexes)), None)

    def candidates(self, name: str) -> list[Candidate]:
        """The candidates of every source, best source first."""
        asked = Comparison(Name(name))
        return [c for index in self._indexes for c in index.candidates(asked)]

    def names(self) -> Iterator[str]:
        """Every name that a sync of all models tries, sorted."""
        found: set[str] = set()
        for catalogue in (index.catalogue for index in self._indexes):
            by_alias = catalogue.source in (MODELS_DEV, EMBEDDED)
            found.update(record.alias if by_alias else record.key for record in catalogue.records)
        yield from sorted(found - {""})
