"""A thread for work that would hold the reactor up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool


class Working(Protocol):
    """Does one thing after the other."""

    async def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of ``work(…)``."""


@attrs.define(eq=False)
class Worker:
    """One thread of its own, from `start` to `stop`."""

    _reactor: Any
    name: str
    _pool: ThreadPool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = ThreadPool(1, 1, self.name)

    def start(self) -> None:
        """Begin the thread."""
        self._pool.start()

    async def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of ``work(…)``, made in the thread."""
        return await deferToThreadPool(self._reactor, self._pool, work, *args, **kwargs)

    def stop(self) -> None:
        """End the thread when it has done what it has."""
        self._pool.stop()
