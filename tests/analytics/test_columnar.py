"""Tables of columns are written as their rows would be."""

from __future__ import annotations

import json

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from cpamp.analytics.columnar import BLOCK, Nested, Shared, Table, Texts
from cpamp.analytics.encoding import encoded

WORDS = ("", "plain", 'a "quoted" % word', "Ünï\n", "-")
NUMBERS = st.one_of(st.integers(-(2**62), 2**62), st.integers(0, 2**70))


def written(table: Table) -> object:
    """A table as a client reads it."""
    return json.loads(b"".join(table.parts()))


@given(
    rows=st.lists(
        st.tuples(
            NUMBERS,
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, len(WORDS) - 1),
            st.lists(st.integers(0, 9), max_size=3),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_table_is_written_as_its_rows(
    rows: list[tuple[int, float | None, int, list[int]]],
) -> None:
    """Numbers of any size, what is missing, texts, and lists of rows."""
    numbers, floats, words, lists = zip(*rows, strict=True)
    inner = [number for numbers in lists for number in numbers]
    owners = np.repeat(np.arange(len(rows)), list(map(len, lists)))
    codes = np.array(words)
    table = Table(
        {"number": np.array(numbers), "float": np.array(floats, dtype=np.float64)},
        Shared(Table({"word": WORDS, "length": np.array(list(map(len, WORDS)))}), codes),
        {"text": Texts(WORDS, codes)},
        {"rows": Nested.of(Table({"n": np.array(inner, np.int64)}), owners, len(rows))},
    )
    expected = [
        {
            "number": number,
            "float": value,
            "word": WORDS[word],
            "length": len(WORDS[word]),
            "text": WORDS[word],
            "rows": [{"n": n} for n in of_row],
        }
        for number, value, word, of_row in rows
    ]
    assert list(table) == expected
    assert written(table) == expected


def test_a_long_table_is_written_in_parts_and_once() -> None:
    """Rows with long lists in them, and a table that stands in an answer twice."""
    count, inside = 50, BLOCK // 10
    owners = np.repeat(np.arange(count), inside)
    rows = Table({"n": np.arange(len(owners)), "name": ["a longer name"] * len(owners)})
    table = Table({"i": np.arange(count), "rows": Nested.of(rows, owners, count)})
    parts = encoded({"table": table, "again": {"table": table, "empty": {}}, "other": [1]})
    found = orjson.loads(b"".join(parts))
    assert found == {
        "table": list(table),
        "again": {"table": list(table), "empty": {}},
        "other": [1],
    }
    assert max(map(len, parts)) < sum(map(len, parts)) / 4
    assert len(set(map(id, parts))) < len(parts)


def test_a_table_without_rows() -> None:
    """It is an empty list, as are the lists of rows that have none."""
    empty = Table({"n": np.zeros(0, dtype=np.int64)})
    assert written(empty) == []
    table = Table({"rows": Nested.of(empty, np.zeros(0, dtype=np.int64), 2)})
    assert written(table) == [{"rows": []}, {"rows": []}]
