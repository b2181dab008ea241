"""How alike the names of two models are (pricing contract, 3.8 and 3.9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

import attrs

WITH_PREFIX = "same-model-with-provider-prefix"
FAMILY = "same-model-family"
FAMILIES = frozenset(("qwen", "gemini", "minimax", "mimo"))
# Names without a common piece of which no better score can come are not compared letter by letter.
WEAK = 0.5
NOISE = frozenset(("latest", "preview", "free", "models"))
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "low": ("lite",),
    "lite": ("low",),
    "flashlow": ("flashlite", "flash", "lite"),
    "flashlite": ("flashlow", "flash", "low"),
}


@attrs.frozen(slots=False)
class Name:
    """A name, with the spellings that it is compared by, each worked out once."""

    text: str

    @cached_property
    def folded(self) -> str:
        """In lower case."""
        return self.text.lower()

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The lower-case pieces of letters and digits, without ``models``."""
        return _tokens(self.text)

    @cached_property
    def canon(self) -> str:
        """The pieces in one."""
        return "".join(self.tokens)

    @cached_property
    def tail(self) -> str:
        """The pieces of the last part, which the provider does not change, in one."""
        parts = [part for part in self.text.split("/") if part and part.lower() != "models"]
        return "".join(_tokens(parts[-1])) if parts else self.canon

    @cached_property
    def similar(self) -> frozenset[str]:
        """The pieces, their runs of letters and of digits, and their synonyms."""
        found: set[str] = set()
        for token in self.tokens:
            found.update((token, *re.findall(r"\d+|[^\W\d_]+", token)))
        for token in tuple(found):
            found.update(SYNONYMS.get(token, ()))
        return frozenset(found - NOISE)


def _tokens(text: str) -> tuple[str, ...]:
    pieces = re.split(r"[\W_]+", text.strip().lower())
    return tuple(piece for piece in pieces if piece and piece != "models")


@attrs.frozen
class Comparison:
    """Compares one name with many others."""

    name: Name
    # By tail: many providers offer the same models.
    _distances: dict[str, int] = attrs.field(factory=dict, init=False)

    def likeness(self, other: Name) -> tuple[float, str]:
        """A score from 0 to 1, and the rule that gave it."""
        name = self.name
        if name.text == other.text:
            return 1.0, "exact-model-id"
        if name.folded == other.folded:
            return 0.98, "case-insensitive-model-id"
        if name.tail == other.tail:
            return 0.94, WITH_PREFIX
        if _within(name.tail, other.tail):
            return 0.78, "model-name-contains"
        if name.canon == other.canon:
            return 0.9, "normalized-model-name"
        if _within(name.canon, other.canon):
            return 0.74, "normalized-name-contains"
        return self._resemblance(other)

    def _resemblance(self, other: Name) -> tuple[float, str]:
        mine, theirs = self.name.similar, other.similar
        common = mine & theirs
        union = len(mine) + len(theirs) - len(common)
        shared = len(common) / union if union else 0.0
        if shared >= 0.65:
            least, reason = 0.72, "shared-model-tokens"
        elif shared >= 0.4:
            least, reason = 0.58, "shared-model-tokens"
        elif common & FAMILIES:
            least, reason = 0.46, FAMILY
        else:
            least, reason = 0.0, ""
        value = max(0.86 * shared, least)
        # What the spelling could add at most, where one is the other with more at its end.
        lengths = sorted((len(self.name.tail), len(other.tail)))
        most = 0.82 * lengths[0] / lengths[1] if lengths[1] else 0.0
        if most <= value or (not reason and most < WEAK):
            return value, reason or "weak-similarity"
        edit = 1 - self._distance(other.tail) / lengths[1]
        value = max(value, 0.82 * edit)
        return value, reason or ("similar-model-name" if edit >= 0.68 else "weak-similarity")

    def _distance(self, tail: str) -> int:
        found = self._distances.get(tail)
        if found is None:
            found = self._distances[tail] = edit_distance(self.name.tail, tail)
        return found


def edit_distance(a: str, b: str) -> int:
    """Levenshtein's distance: how many characters must be put in, left out or replaced.

    By Myers' algorithm: a column of the usual table is a pair of integers, whose bits say where
    the distance grows and where it shrinks from one row to the next.
    """
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for i, char in enumerate(a):
        places[char] = places.get(char, 0) | 1 << i
    every, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    grows, shrinks, distance = every, 0, len(a)
    for char in b:
        here = places.get(char, 0)
        same = (((here & grows) + grows) ^ grows) | here | shrinks
        right_grows = shrinks | ~(same | grows)
        right_shrinks = grows & same
        distance += bool(right_grows & last) - bool(right_shrinks & last)
        right_grows = right_grows << 1 | 1
        grows = (right_shrinks << 1 | ~(same | right_grows)) & every
        shrinks = right_grows & same & every
    return distance


def _within(a: str, b: str) -> bool:
    return bool(a and b) and (a in b or b in a)
