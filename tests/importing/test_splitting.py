"""Cutting a stream into JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.importing.splitting import LINE_BYTES, ElementSplitter, LineSplitter, Scanner

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        yield data[begin:end]


@given(st.lists(values, max_size=6), st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
def test_elements_are_those_of_the_array(
    elements: list[object], cuts: list[int], indented: bool
) -> None:
    text = json.dumps(elements, indent=2 if indented else None, ensure_ascii=False)
    splitter = ElementSplitter()
    found: list[bytes] = []
    for piece in pieces(text.encode(errors="replace"), cuts):
        found += splitter.feed(piece)
    assert [json.loads(element) for element in found] == json.loads(text.encode(errors="replace"))
    assert (splitter.closed_by, splitter.rest) == ("]", b"")


@given(values, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_value_ends_where_it_ends(value: object, cuts: list[int]) -> None:
    text = json.dumps({"a": value}, ensure_ascii=False).encode(errors="replace")
    scanner = Scanner(3)
    ends = [
        mark.end
        for piece in pieces(text, cuts)
        for mark in scanner.feed(piece)
        if mark.depth == 0 and mark.sign == "}"
    ]
    assert ends == [len(text)]


def test_only_shallow_marks_are_given() -> None:
    marks = list(Scanner(1).feed(rb'{"a\"{":[1,"deep,",{"b":2}],"c":"\\"}'))
    signs = "".join(mark.sign for mark in marks)
    assert signs == '{":[{}],":"}'
    assert [mark.text for mark in marks if mark.text] == [rb'"a\"{"', b'"c"', rb'"\\"']
    assert [mark.at for mark in marks][:2] == [0, 1]


def test_blank_lines_and_carriage_returns() -> None:
    splitter = LineSplitter()
    assert list(splitter.feed(b'{"a":1}\r\n\n \t\r\n{"b"')) == [b'{"a":1}']
    assert list(splitter.feed(b":2}")) == []
    assert list(splitter.end()) == [b'{"b":2}']


@pytest.mark.parametrize("piece", [LINE_BYTES * 3, 1_000_003])
def test_a_line_that_is_too_long_costs_itself_alone(piece: int) -> None:
    longest = b"y" * LINE_BYTES
    data = b"a\n" + b"x" * (LINE_BYTES + 1) + b"\n" + longest + b"\nb"
    splitter = LineSplitter()
    found: list[bytes] = []
    for start in range(0, len(data), piece):
        found += splitter.feed(data[start : start + piece])
    assert [*found, *splitter.end()] == [b"a", b"", longest, b"b"]


@pytest.mark.parametrize("piece", [LINE_BYTES * 3, 1_000_003])
def test_an_element_that_is_too_long_costs_itself_alone(piece: int) -> None:
    data = b'[1,"' + b"x" * LINE_BYTES + b'",2,"' + b"y" * LINE_BYTES + b'"]'
    splitter = ElementSplitter()
    found: list[bytes] = []
    for start in range(0, len(data), piece):
        found += splitter.feed(data[start : start + piece])
    assert found == [b"1", b"", b"2", b""]
