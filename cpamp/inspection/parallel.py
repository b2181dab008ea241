"""Several workers on one list of things, which may be told to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred, gatherResults

T = TypeVar("T")


@attrs.define(eq=False)
class Stop:
    """A wish that work ends; `reason` is "" while there is none."""

    reason: str = ""
    _under_way: set[Deferred[Any]] = attrs.field(factory=set)

    def __bool__(self) -> bool:
        return bool(self.reason)

    def set(self, reason: str) -> None:
        """End: nothing new begins, and what `guard` watches is cancelled."""
        self.reason = self.reason or reason
        for work in list(self._under_way):
            work.cancel()

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work that is cancelled at the end."""
        done: Deferred[T] = Deferred.fromCoroutine(work)
        self._under_way.add(done)
        try:
            return await done
        finally:
            self._under_way.discard(done)


async def in_parallel(
    workers: int, things: Iterable[T], work: Callable[[T], Awaitable[None]], stop: Stop
) -> None:
    """Do `work` on each thing, so many at a time, until all are done or the end is wished for."""
    left = iter(things)

    async def worker() -> None:
        for thing in left:
            if stop:
                return
            await work(thing)

    await gatherResults(
        [Deferred.fromCoroutine(worker()) for _ in range(workers)], consumeErrors=True
    )
