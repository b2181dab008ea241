"""One change at a time per file (inspection contract, 1.4)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from twisted.internet.defer import Deferred

from cpamp.inspection.locks import FileLocks


class Wanted:
    """Somebody who wants files, and when he has got them keeps them until he is told."""

    def __init__(self, lock: AbstractAsyncContextManager[None]) -> None:
        self.has = False
        self._enough: Deferred[None] = Deferred()
        self._work = Deferred.fromCoroutine(self._hold(lock))

    async def _hold(self, lock: AbstractAsyncContextManager[None]) -> None:
        async with lock:
            self.has = True
            await self._enough
        self.has = False

    def enough(self) -> None:
        self._enough.callback(None)

    def give_up(self) -> None:
        self._work.cancel()
        self._work.addErrback(lambda _: None)


def test_different_files_do_not_wait_for_each_other() -> None:
    locks = FileLocks()
    first, second = Wanted(locks.of(["a.json"])), Wanted(locks.of(["b.json"]))
    assert (first.has, second.has) == (True, True)
    for one in (first, second):
        one.enough()


def test_the_same_file_has_one_holder_in_whatever_case_it_is_written() -> None:
    locks = FileLocks()
    first, second = Wanted(locks.of(["a.json"])), Wanted(locks.of([" A.JSON ", "b.json"]))
    third = Wanted(locks.of(["b.json"]))
    assert (first.has, second.has, third.has) == (True, False, False)
    first.enough()
    assert (second.has, third.has) == (True, False)
    second.enough()
    assert third.has
    third.enough()


def test_all_files_wait_for_every_holder_and_block_newcomers() -> None:
    locks = FileLocks()
    first, every = Wanted(locks.of(["a.json"])), Wanted(locks.all())
    later = Wanted(locks.of(["b.json"]))
    assert (every.has, later.has) == (False, False)
    first.enough()
    assert (every.has, later.has) == (True, False)
    every.enough()
    assert later.has
    later.enough()


def test_who_gives_up_waiting_lets_others_pass() -> None:
    locks = FileLocks()
    first, every = Wanted(locks.of(["a.json"])), Wanted(locks.all())
    later = Wanted(locks.of(["b.json"]))
    every.give_up()
    assert (first.has, later.has) == (True, True)
    for one in (first, later):
        one.enough()
