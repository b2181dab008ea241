"""One piece of work for all who ask the same at the same time, given up when all have gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")


class Stopped(Exception):
    """Nobody waits for the answer any more."""


@attrs.define(eq=False)
class _Flight(Generic[T]):
    """Work that is under way, and who waits for it."""

    stop: threading.Event = attrs.Factory(threading.Event)
    waiting: list[Deferred[T]] = attrs.Factory(list)


@attrs.define(eq=False)
class Flights(Generic[T]):
    """Work that is under way, by what was asked."""

    _under_way: dict[Hashable, _Flight[T]] = attrs.Factory(dict)
    _log: Logger = attrs.Factory(Logger)

    def join(
        self, key: Hashable, start: Callable[[threading.Event], Coroutine[Any, Any, T]]
    ) -> Deferred[T]:
        """The outcome of the work of this key, which `start` begins if nobody has.

        Whoever cancels the Deferred no longer waits. When nobody does, the event that `start` was
        given is set: the work may end by `Stopped`, or as it will.
        """
        flight = self._under_way.get(key)
        is_new = flight is None
        if flight is None:
            flight = self._under_way[key] = _Flight()
        there: _Flight[T] = flight
        turn: Deferred[T] = Deferred(lambda gone: self._left(key, there, gone))
        there.waiting.append(turn)
        if is_new:
            done = Deferred.fromCoroutine(start(there.stop))
            done.addBoth(self._landed, key, there)
        return turn

    def _left(self, key: Hashable, flight: _Flight[T], gone: Deferred[T]) -> None:
        flight.waiting.remove(gone)
        if not flight.waiting:
            flight.stop.set()
            self._forget(key, flight)

    def _landed(self, result: Any, key: Hashable, flight: _Flight[T]) -> None:
        self._forget(key, flight)
        waiting, flight.waiting = flight.waiting, []
        for turn in waiting:
            turn.callback(result)
        if isinstance(result, Failure) and not waiting and result.check(Stopped) is None:
            self._log.failure("an answer that nobody waited for failed", failure=result)

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
