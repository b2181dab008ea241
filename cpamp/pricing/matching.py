"""Which record of which source prices a model: sure matches, and candidates for a person.

Pricing contract, 3.8 and 3.9. Only a sure match is ever taken by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache

import attrs

from cpamp.pricing.sources import EMBEDDED, MODELS_DEV, SOURCES, Catalogue, Record

CANDIDATES_PER_SOURCE = 8
LEAST_SCORE = 0.55
LEAST_FAMILY_SCORE = 0.34
WITH_PREFIX = "same-model-with-provider-prefix"
FAMILY = "same-model-family"
FAMILIES = frozenset(("qwen", "gemini", "minimax", "mimo"))
NOISE = frozenset(("latest", "preview", "free", "models"))
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "low": ("lite",),
    "lite": ("low",),
    "flashlow": ("flashlite", "flash", "lite"),
    "flashlite": ("flashlow", "flash", "low"),
}


@attrs.frozen
class Candidate:
    """A record that may price a model, how alike the names are (0 to 1), and by which rule."""

    record: Record
    score: float
    reason: str


@lru_cache(maxsize=16384)
def tokens(name: str) -> tuple[str, ...]:
    """The lower-case pieces of letters and digits, without ``models``."""
    pieces = re.split(r"[\W_]+", name.strip().lower())
    return tuple(piece for piece in pieces if piece and piece != "models")


def canon(name: str) -> str:
    """The pieces of a name in one."""
    return "".join(tokens(name))


@lru_cache(maxsize=16384)
def tail(name: str) -> str:
    """The pieces of the last part of a name, which its provider does not change."""
    parts = [part for part in name.split("/") if part and part.lower() != "models"]
    return canon(parts[-1] if parts else name)


@attrs.frozen(slots=False)
class _Index:
    """One source's records by each step of the ladder of section 3.8."""

    catalogue: Catalogue

    @cached_property
    def steps(self) -> tuple[Mapping[str, list[Record]], ...]:
        steps: tuple[dict[str, list[Record]], ...] = ({}, {}, {}, {}, {}, {})
        for record in self.catalogue.records:
            names = [record.key, *filter(None, [record.alias])]
            entries = [
                {record.key},
                {record.key.lower()},
                {record.alias} - {""},
                {record.alias.lower()} - {""},
                {tail(name) for name in names} - {""},
                {canon(name) for name in names} - {""},
            ]
            for step, entry in zip(steps, entries, strict=True):
                for name in entry:
                    step.setdefault(name, []).append(record)
        return steps

    @cached_property
    def official(self) -> Mapping[str, list[Record]]:
        """Canonical key in lower case -> the records that have it."""
        canonical = {key.lower() for key in self.catalogue.canonical or ()}
        return {key: found for key, found in self.steps[1].items() if key in canonical}

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

    def ladder(self, name: str) -> list[Record]:
        """The records of the first step that has any."""
        asked = (name, name.lower(), name, name.lower(), tail(name), canon(name))
        found = (step.get(key) for step, key in zip(self.steps, asked, strict=True) if key)
        return next(filter(None, found), [])

    def match(self, name: str) -> Record | None:
        """The one record that surely is the model, or None."""
        if self.catalogue.canonical is None:
            found = self.ladder(name)
        else:
            found = self.official.get(self.canonical.get(name.lower(), ""), [])
            if len(found) != 1 and "/" in name:
                found = self.steps[0].get(name) or self.steps[1].get(name.lower()) or []
        return found[0] if len(found) == 1 else None

    def candidates(self, name: str) -> list[Candidate]:
        """The best few records for a person to choose from."""
        scored = (score(name, record) for record in self.ladder(name) or self._related(name))
        kept = [
            candidate
            for candidate in scored
            if candidate.score >= LEAST_SCORE
            or (candidate.reason == FAMILY and candidate.score >= LEAST_FAMILY_SCORE)
        ]
        official = {record.key for found in self.official.values() for record in found}
        kept.sort(key=lambda c: (c.record.key not in official, -c.score, c.record.key))
        return kept[:CANDIDATES_PER_SOURCE]

    def _related(self, name: str) -> Iterable[Record]:
        # Two names without a common token, and without one tail inside the other, can only be
        # alike by chance; not comparing them keeps the edit distance out of most pairs.
        asked, asked_tail = similarity_tokens(name), tail(name)
        for record in self.catalogue.records:
            key_tail = tail(record.key)
            if (
                asked & similarity_tokens(record.key)
                or asked_tail in key_tail
                or key_tail in asked_tail
            ):
                yield record


@attrs.frozen
class Matcher:
    """Answers for the catalogues of the sources that could be read."""

    catalogues: Sequence[Catalogue]
    _indexes: tuple[_Index, ...] = attrs.field(init=False)

    @_indexes.default
    def _make_indexes(self) -> tuple[_Index, ...]:
        ordered = sorted(self.catalogues, key=lambda c: SOURCES.index(c.source))
        return tuple(map(_Index, ordered))

    def match(self, name: str) -> Record | None:
        """The record of the best source that surely is the model, or None."""
        return next(filter(None, (index.match(name) for index in self._indexes)), None)

    def candidates(self, name: str) -> list[Candidate]:
        """The candidates of every source, best source first."""
        return [c for index in self._indexes for c in index.candidates(name)]

    def names(self) -> Iterator[str]:
        """Every name that a sync of all models tries, sorted."""
        found = set()
        for catalogue in self.catalogues:
            for record in catalogue.records:
                by_alias = catalogue.source in (MODELS_DEV, EMBEDDED)
                found.add(record.alias if by_alias else record.key)
        yield from sorted(found - {""})


def score(name: str, record: Record) -> Candidate:
    """How alike a name and a record are."""
    value, reason = similarity(name, record.key)
    if record.alias:
        by_alias = min(similarity(name, record.alias)[0], 0.94)
        if by_alias > value:
            value, reason = by_alias, WITH_PREFIX
    rounded = Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Candidate(record, float(rounded), reason)


def similarity(a: str, b: str) -> tuple[float, str]:
    """A score from 0 to 1 and the rule that gave it (section 3.9)."""
    if a == b:
        return 1.0, "exact-model-id"
    if a.lower() == b.lower():
        return 0.98, "case-insensitive-model-id"
    tail_a, tail_b = tail(a), tail(b)
    canon_a, canon_b = canon(a), canon(b)
    rules = (
        (tail_a == tail_b, 0.94, WITH_PREFIX),
        (_within(tail_a, tail_b), 0.78, "model-name-contains"),
        (canon_a == canon_b, 0.9, "normalized-model-name"),
        (_within(canon_a, canon_b), 0.74, "normalized-name-contains"),
    )
    for holds, value, reason in rules:
        if holds:
            return value, reason
    return _resemblance(a, b)


def _resemblance(a: str, b: str) -> tuple[float, str]:
    tokens_a, tokens_b = similarity_tokens(a), similarity_tokens(b)
    union = tokens_a | tokens_b
    shared = len(tokens_a & tokens_b) / len(union) if union else 0.0
    tail_a, tail_b = tail(a), tail(b)
    longest = max(len(tail_a), len(tail_b))
    edit = 1 - edit_distance(tail_a, tail_b) / longest if longest else 0.0
    value = max(0.86 * shared, 0.82 * edit)
    if shared >= 0.65:
        return max(value, 0.72), "shared-model-tokens"
    if shared >= 0.4:
        return max(value, 0.58), "shared-model-tokens"
    if tokens_a & tokens_b & FAMILIES:
        return max(value, 0.46), FAMILY
    return value, "similar-model-name" if edit >= 0.68 else "weak-similarity"


@lru_cache(maxsize=16384)
def similarity_tokens(name: str) -> frozenset[str]:
    """The tokens of a name, their runs of letters and of digits, and their synonyms."""
    found: set[str] = set()
    for token in tokens(name):
        found.update((token, *re.findall(r"\d+|[^\W\d_]+", token)))
    for token in tuple(found):
        found.update(SYNONYMS.get(token, ()))
    return frozenset(found - NOISE)


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance: how many characters must be put in, left out or replaced."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def _within(a: str, b: str) -> bool:
    return bool(a and b) and (a in b or b in a)
