"""Records that have the same member names are read by the same plan; what repeats is made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Record = Mapping[str, Any]
# Parts made from so many different values are remembered.
REMEMBERED = 16_384


class Part(Generic[T]):
    """What some members of a record make, remembered by their values.

    `make` must be a function of the members called `names` alone.
    """

    def __init__(self, names: frozenset[str], make: Callable[[Record], T]) -> None:
        self._names = names
        self._make = make

        # By type as well: 1 and true are equal, and mean different texts.
        @lru_cache(maxsize=REMEMBERED, typed=True)
        def remembered(present: tuple[str, ...], *values: Any) -> T:
            return make(dict(zip(present, values, strict=True)))

        self._remembered = remembered

    def reader(self, names: tuple[str, ...]) -> Callable[[Record], T]:
        """The part of a record whose members have these names."""
        present = tuple(name for name in names if name in self._names)
        values = _getter(present)
        make, remembered = self._make, self._remembered

        def read(record: Record) -> T:
            try:
                return remembered(present, *values(record))
            except TypeError:
                # A list or an object among them is no key to remember anything by.
                return make(record)

        return read


def _getter(names: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda record: tuple(record[name] for name in names)
