"""Answers questions in the store's threads: one view of the data for each (storage design, 4)."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, TypeVar

import attrs

from cpamp.analytics.answer import Answerer
from cpamp.analytics.costs import BilledRows, CostColumn
from cpamp.analytics.encoding import encoded, packed
from cpamp.analytics.facets import Facets
from cpamp.analytics.flights import Flights, Stopped
from cpamp.analytics.kept import Kept
from cpamp.analytics.search import Searcher
from cpamp.analytics.sections.events import Reading
from cpamp.analytics.selection import clients
from cpamp.analytics.view import LEAST, View
from cpamp.columns.columns import Snapshot
from cpamp.pricing.aliases import AliasBook
from cpamp.pricing.cost import PriceBook
from cpamp.store import Store
from cpamp.store.reading import Dictionaries
from cpamp.store.store import DETAILS

T = TypeVar("T")
CACHE_BYTES = 32 * 1024 * 1024
BILLED = "SELECT event, prompt, cache_read, cache_creation, output FROM billed WHERE event > ?"

# What is said of columns that are behind where the number of all events is not to be told.
_UNTOLD = {"ready": False, "rows": 0, "of": 0}


@attrs.frozen
class State:
    """What an answer depends on, besides the request."""

    rows: int
    generation: int
    level: bool
    details: int
    prices: int
    aliases: int


@attrs.frozen
class Answer:
    """An answer's body in parts, which may be gzip, and when it was made."""

    parts: Sequence[bytes]
    gzip: bool
    made_ms: int

    @classmethod
    def of(cls, parts: Sequence[bytes], gzip: bool, made_ms: int) -> Answer:
        """The answer with this text."""
        return cls([packed(parts)] if gzip else parts, gzip, made_ms)

    @property
    def kept_bytes(self) -> int:
        """What it takes to keep it; parts may occur twice."""
        return sum(map(len, {id(part): part for part in self.parts}.values()))


@attrs.define(eq=False)
class Memory:
    """What is kept between questions; used by the threads of the questions."""

    _folder: Callable[[], Any]
    # Of how many rows at least it is kept what was worked out.
    _least: int = LEAST
    _facets: Facets = attrs.Factory(Facets)
    _searcher: Searcher = attrs.Factory(lambda self: Searcher(self._folder), takes_self=True)
    _known: Any = None
    _costs: CostColumn | None = None
    _kept: Kept = attrs.Factory(Kept)
    _billed: dict[int, tuple[int, int, int, int]] = attrs.Factory(dict)
    _billed_up_to: int = 0
    _lock: threading.Lock = attrs.Factory(threading.Lock)

    def answerer(
        self,
        conn: sqlite3.Connection,
        dictionaries: Dictionaries,
        snapshot: Snapshot,
        book: PriceBook,
        aliases: Mapping[str, str],
        stop: threading.Event | None = None,
        only_key: str = "",
    ) -> Answerer:
        """What answers from this snapshot by these prices and names of keys.

        With `only_key`, the hash of a client key, it knows of no other key's events and name.
        """
        with self._lock:
            if self._known is not dictionaries.who:
                # Other rows than before: the file was replaced.
                self._facets, self._searcher = Facets(), Searcher(self._folder)
                self._costs, self._billed, self._billed_up_to = None, {}, 0
                self._known = dictionaries.who
            self._facets.refresh(dictionaries.refresh(conn))
            facets, searcher = self._facets.frozen(), self._searcher
            billed = self._billed_rows(conn, snapshot)
            costs, kept = self._costs_of(snapshot, book)
        cost = costs.read(snapshot, facets, billed)
        only = None
        if only_key:
            aliases = {key: name for key, name in aliases.items() if key == only_key}
            only = clients(facets, [only_key])
        unpriced = costs.unpriced(facets)
        view = View(snapshot, facets, cost, unpriced, aliases, only, stop, kept, self._least)
        return Answerer(view, Reading(conn, dictionaries, book, aliases), searcher)

    def _billed_rows(self, conn: sqlite3.Connection, snapshot: Snapshot) -> BilledRows:
        last = snapshot.id_of(snapshot.n - 1) if snapshot.n else 0
        if last > self._billed_up_to:
            for number, *billed in conn.execute(BILLED, (self._billed_up_to,)):
                self._billed[number] = tuple(billed)
            self._billed_up_to = last
        return self._billed

    def _costs_of(self, snapshot: Snapshot, book: PriceBook) -> tuple[CostColumn, Kept]:
        """The costs, and what is kept of the blocks that have these."""
        costs = self._costs
        if costs is None or costs.book is not book or costs.generation != snapshot.generation:
            costs = self._costs = CostColumn.new(self._folder(), book, snapshot.generation)
            self._kept = Kept()
        return costs, self._kept


@attrs.define(eq=False)
class Engine:
    """Answers requests; equal ones that come while one is answered share its answer.

    `book` gives the prices in force, `aliases` the names of keys: values, which others replace.
    """

    _store: Store
    _book: Callable[[], PriceBook]
    _aliases: Callable[[], AliasBook]
    _now_ms: Callable[[], int]
    _memory: Memory = attrs.field(init=False)
    _cache: OrderedDict[Hashable, Answer] = attrs.field(factory=OrderedDict, init=False)
    _cached_bytes: int = attrs.field(default=0, init=False)
    _flights: Flights[Answer] = attrs.field(factory=Flights, init=False)
    # States of another process are other states.
    _life: bytes = attrs.field(factory=lambda: token_bytes(16), init=False)

    def __attrs_post_init__(self) -> None:
        self._memory = Memory(lambda: self._store.columns_folder)

    def state(self) -> State:
        """What answers depend on now."""
        snapshot = self._store.snapshot()
        return State(
            snapshot.n,
            snapshot.generation,
            self._store.level,
            self._store.alterations[DETAILS],
            self._book().version,
            self._aliases().version,
        )

    def told(self, subject: str) -> int:
        """Another number after each alteration of what is stored of a subject."""
        return self._store.alterations[subject]

    def tag(self, request: Hashable, *, gzip: bool = False) -> str:
        """The same text for one request and one state of the data, "" while columns are behind.

        All answers that have it say the same; of when they were made each tells itself.
        """
        if not self._store.level:
            return ""
        asked = repr((request, self.state(), gzip)).encode(errors="surrogatepass")
        return blake2b(asked, digest_size=12, key=self._life).hexdigest()

    async def answer(
        self,
        request: Hashable,
        work: Callable[[Answerer], dict[str, Any]],
        *,
        gzip: bool = False,
        only_key: str = "",
    ) -> Answer:
        """The answer to a request as a JSON object, packed if `gzip`.

        `work` makes its members, in a thread; the same request must mean the same work.
        `generated_at_ms` is added, and `derived` while the columns lack events. Work that everybody
        who asked has cancelled comes to an end soon. With `only_key`, of no other key's events.
        """
        key = (request, self.state(), gzip, only_key)
        found = self._cache.get(key)
        if found is None:
            return await self._flights.join(key, lambda stop: self._made(key, work, stop))
        self._cache.move_to_end(key)
        return found

    async def ask(
        self,
        work: Callable[[Answerer], T],
        stop: threading.Event | None = None,
        only_key: str = "",
    ) -> T:
        """What `work` makes of the data of this moment, in a thread; nothing is kept.

        With `only_key`, the hash of a client key, of no other key's events.
        Raises `Stopped` some time after `stop` is set.
        """
        store = self._store
        # Taken before the thread has its turn, so that it is what the caller saw.
        snapshot, book, aliases = store.snapshot(), self._book(), self._aliases().names

        def make(conn: sqlite3.Connection) -> T:
            if stop is not None and stop.is_set():
                raise Stopped
            answerer = self._memory.answerer(
                conn, store.dictionaries, snapshot, book, aliases, stop, only_key
            )
            return work(answerer)

        return await store.ask(make)

    async def read(
        self, work: Callable[[sqlite3.Connection, Dictionaries, int], T], place: int
    ) -> T:
        """Read events in a reader's thread."""
        return await self._store.read(work, self._store.dictionaries, place)

    async def _made(
        self, key: Any, work: Callable[[Answerer], dict[str, Any]], stop: threading.Event
    ) -> Answer:
        store, gzip, only_key = self._store, key[2], key[3]
        made_ms = self._now_ms()
        head: dict[str, Any] = {"generated_at_ms": made_ms}
        if not store.level:
            head["derived"] = _UNTOLD if only_key else store.status()["derived"]
        found = await self.ask(
            lambda answerer: Answer.of(encoded(head | work(answerer)), gzip, made_ms),
            stop,
            only_key,
        )
        # How long an answer was good for would tell when other keys had events.
        if not only_key:
            self._keep(key, found)
        return found

    def _keep(self, key: Hashable, found: Answer) -> None:
        self._cache[key] = found
        self._cached_bytes += found.kept_bytes
        while self._cached_bytes > CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= dropped.kept_bytes
