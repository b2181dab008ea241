"""Parts of records, remembered by the values that make them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cpamp.usage.members import as_text, text_of
from cpamp.usage.shapes import Part

NAMES = ("source", "api_key", "key", "account")
# Equal to each other and of other meaning, or not to be hashed.
VALUES = st.sampled_from([1, True, 1.0, "1", " 1", 0, False, "", None, [1], {"a": 1}, 1.5])
RECORDS = st.dictionaries(st.sampled_from([*NAMES, "other"]), VALUES)


def both(record: Any) -> tuple[str, str]:
    return text_of(record, "source", "account"), as_text(record.get("key"))


@given(st.lists(RECORDS, min_size=2, max_size=20))
def test_what_is_remembered_is_what_would_be_made(records: list[dict[str, Any]]) -> None:
    part = Part(frozenset(NAMES), both)
    for record in records * 2:
        assert part.reader(tuple(record))(record) == both(record)


def test_equal_values_are_made_once() -> None:
    made = []
    part = Part(frozenset(NAMES), lambda record: made.append(record) or len(made))
    read = part.reader(("other", "key"))
    assert [read({"other": i, "key": key}) for i, key in enumerate("aabab")] == [1, 1, 2, 1, 2]
    assert made == [{"key": "a"}, {"key": "b"}]
