"""The price book and the aliases in the store: held as they were committed."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred

from cpamp.pricing.aliases import AliasDuplicate, Aliases, Renaming
from cpamp.pricing.book import BookChanged, Prices
from cpamp.pricing.embedded import load
from cpamp.pricing.price import (
    ContextTier,
    ModelPrice,
    PriceInvalid,
    Rate,
    Rates,
    ServiceTier,
    read_book,
)
from cpamp.store import Store, prices
from cpamp.store.database import open_database, open_existing
from cpamp.store.settings import has_history
from cpamp.store.transaction import transaction
from tests.store.samples import events, writing

NOW = 1_795_500_000_000
H1, H2, H3 = (letter * 64 for letter in "abc")

USD = st.floats(0, 1e9)
RATE = st.builds(Rate, USD, st.booleans())
RATES = st.builds(Rates, RATE, RATE, RATE, RATE, RATE)
# `cache` of a model has no flag.
BASE = st.builds(Rates, RATE, RATE, st.builds(Rate, USD), RATE, RATE)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
PRICE = st.builds(
    ModelPrice,
    BASE,
    st.lists(st.builds(ContextTier, st.integers(1, 2**63 - 1), RATES), max_size=2).map(
        lambda tiers: tuple({t.threshold_tokens: t for t in sorted(tiers, key=tier_order)}.values())
    ),
    st.lists(st.builds(ServiceTier, TEXT, TEXT, RATES), max_size=1).map(tuple),
    TEXT,
    TEXT,
    TEXT,
    st.just(NOW),
    st.none() | st.integers(0, 2**62),
)


TICKS = itertools.count(NOW)


def now_ms() -> int:
    """A clock that never stands still."""
    return next(TICKS)


def tier_order(tier: ContextTier) -> int:
    return tier.threshold_tokens


@asynccontextmanager
async def opened(path: Path, *, seed: bool = False) -> AsyncIterator[tuple[Prices, Aliases]]:
    """Both as the daemon has them."""
    store = Store(reactor, path, now_ms)
    held = Prices(store, now_ms, seed), Aliases(store, now_ms)
    with closing(open_database(path)) as conn:
        for part in held:
            part.load(conn)
    store.startService()
    try:
        yield held
    finally:
        await store.stopService()


def book(**usd: float) -> dict[str, ModelPrice]:
    return read_book({model: {"prompt": price} for model, price in usd.items()})


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "usage.sqlite"
    open_database(path).close()
    return path


@given(st.dictionaries(TEXT, PRICE, max_size=3), st.dictionaries(TEXT, PRICE, max_size=3))
def test_what_was_put_is_read(
    database: Path, first: dict[str, ModelPrice], second: dict[str, ModelPrice]
) -> None:
    with closing(open_existing(database)) as conn, transaction(conn):
        prices.replace(conn, first, NOW)
        found = prices.read(conn, raw=True)
        assert found.prices == first
        assert list(found.prices) == sorted(first, key=str.encode)
        prices.put(conn, second, NOW)
        both = prices.read(conn, raw=True)
        assert (both.prices, both.version) == ({**first, **second}, found.version + 1)
        prices.replace(conn, second, NOW)
        assert prices.read(conn, raw=True).prices == second


def test_a_record_of_the_source_that_is_not_told_stays(database: Path) -> None:
    with closing(open_existing(database)) as conn, transaction(conn):
        prices.replace(conn, {"m": ModelPrice(raw_json="{}")}, NOW)
        for told, expected in ((None, "{}"), ("[]", "[]"), ("", "")):
            prices.put(conn, {"m": ModelPrice(raw_json=told)}, NOW)
            assert prices.read(conn, raw=True).prices["m"].raw_json == expected
        assert prices.read(conn).prices["m"].raw_json is None


@ensureDeferred
async def test_each_change_makes_another_book(tmp_path: Path) -> None:
    async with opened(tmp_path / "usage.sqlite") as (held, _):
        assert (held.book.prices, held.book.version) == ({}, 0)
        first = await held.replace(book(a=1, b=2))
        assert held.book is first
        second = await held.put(book(c=3))
        assert list(second.prices) == ["a", "b", "c"]
        third = await held.delete("a", of=[second.version])
        assert await held.delete("nothing") == third
        assert list(held.book.prices) == ["b", "c"]
        with pytest.raises(BookChanged):
            await held.replace({}, of=[first.version, second.version])
        assert held.book is third
        assert 0 < first.version < second.version < third.version
        assert list(first.prices) == ["a", "b"]
    async with opened(tmp_path / "usage.sqlite") as (held, _):
        assert held.book == third


@ensureDeferred
async def test_a_change_is_seen_though_who_asked_for_it_has_gone(tmp_path: Path) -> None:
    async with opened(tmp_path / "usage.sqlite") as (held, names):
        asked = Deferred.fromCoroutine(held.replace(book(a=1)))
        asked.cancel()
        with pytest.raises(CancelledError):
            await asked
        # Written behind it.
        await names.delete("nobody's")
        assert list(held.book.prices) == ["a"]


@ensureDeferred
async def test_a_new_installation_begins_with_the_prices_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    async with opened(path, seed=True) as (held, _):
        seeded = held.book.prices["gpt-5.5"].updated_at_ms
        assert dict(held.book.prices) == {
            model: attrs.evolve(price, raw_json=None)
            for model, price in load().seed(seeded).items()
        }
        assert len(held.book.prices) > 500
        await held.replace({})
    async with opened(path, seed=True) as (held, _):
        assert held.book.prices == {}


@pytest.mark.parametrize("what", ["events", "aliases", "manual"])
@ensureDeferred
async def test_an_installation_that_was_used_is_not_seeded(tmp_path: Path, what: str) -> None:
    path = tmp_path / "usage.sqlite"
    if what == "events":
        with writing(path) as writer:
            writer.add(events(0, 3), 1)
    else:
        async with opened(path) as (held, aliases):
            if what == "manual":
                await held.put(book(m=1))
            else:
                await aliases.put(renaming({H1: "a"}))
    async with opened(path, seed=True) as (held, _):
        assert list(held.book.prices) == (["m"] if what == "manual" else [])


def test_a_seeded_book_is_no_history(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "usage.sqlite")) as conn:
        store: Any = Store(reactor, tmp_path / "usage.sqlite", lambda: NOW)
        Prices(store, lambda: NOW, True).load(conn)
        assert not has_history(conn)


@ensureDeferred
async def test_another_copy_of_the_file_has_other_prices(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    async with opened(path) as (held, aliases):
        await held.replace(book(a=1))
        await aliases.put(renaming({H1: "first"}))
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    async with opened(path) as (held, aliases):
        await held.replace(book(b=2))
        await aliases.put(renaming({H1: "second"}))
        path.with_name("usage.sqlite-wal").unlink()
        copy.replace(path)
        await held.put(book(c=3))
        assert list(held.book.prices) == ["a", "c"]
        await aliases.delete(H2)
        assert aliases.names == {H1: "first"}


def renaming(
    names: dict[str, str], *, active: Iterable[str] = (), take_over: bool = False
) -> Renaming:
    items = [(key, name, NOW) for key, name in names.items()]
    return Renaming.of(items, tuple(active), take_over=take_over)


@ensureDeferred
async def test_names_change_hands(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    async with opened(path) as (_, aliases):
        await aliases.put(renaming({H1: " One ", H2: "two"}))
        assert aliases.names == {H1: "One", H2: "two"}
        before = aliases.version
        await aliases.put(renaming({H1: "two", H2: "ONE"}))
        assert aliases.names == {H2: "ONE", H1: "two"}
        assert aliases.version > before
        await aliases.put(renaming({H3: "one", H2: "three"}))
        assert aliases.names == {H3: "one", H2: "three", H1: "two"}
        await aliases.delete(H3)
        before = aliases.version
        assert await aliases.put(renaming({})) is not None
        assert aliases.version == before
    async with opened(path) as (_, aliases):
        assert aliases.names == {H2: "three", H1: "two"}


@pytest.mark.parametrize(
    ("active", "take_over", "taken"),
    [
        ((), True, False),
        ((H2,), True, False),
        ((H1,), False, False),
        ((H1,), True, True),
        ((H1, "no hash"), True, True),
    ],
)
@ensureDeferred
async def test_a_name_is_taken_over_from_a_key_that_is_gone(
    tmp_path: Path, active: tuple[str, ...], take_over: bool, taken: bool
) -> None:
    async with opened(tmp_path / "usage.sqlite") as (_, aliases):
        await aliases.put(renaming({H2: "Name", H3: "other"}))
        wanted = renaming({H1: "name"}, active=active, take_over=take_over)
        if taken:
            await aliases.put(wanted)
            assert aliases.names == {H1: "name", H3: "other"}
        else:
            with pytest.raises(AliasDuplicate):
                await aliases.put(wanted)
            assert aliases.names == {H2: "Name", H3: "other"}


def test_the_table_refuses_a_second_key_of_one_name(database: Path) -> None:
    with closing(open_existing(database)) as conn:
        conn.execute("INSERT INTO api_key_aliases VALUES (?, 'A', 'a', 0)", (H1,))
        with pytest.raises(sqlite3.IntegrityError):
            conn.execute("INSERT INTO api_key_aliases VALUES (?, 'a', 'a', 0)", (H2,))


def test_a_bad_price_says_which() -> None:
    with pytest.raises(PriceInvalid, match="model-x"):
        read_book({"model-x": {"prompt": -1}})
