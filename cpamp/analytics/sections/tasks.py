"""Approximate tasks: events with one timestamp text, source and auth index (section 4.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cpamp.analytics.columnar import Row
from cpamp.analytics.counting import Counting
from cpamp.analytics.facets import IntArray
from cpamp.analytics.own_texts import OwnTexts
from cpamp.analytics.sections.rows import share
from cpamp.analytics.view import Chunk

NEWEST = 500


class TaskCount:
    """How many tasks there were, how many of them failed, and which are the newest."""

    def __init__(self, counting: Counting, texts: OwnTexts) -> None:
        self._texts = texts
        self._facets = counting.view.facets
        self._width = len(self._facets.source)
        self._keys: list[IntArray] = []
        self._forms: list[npt.NDArray[Any]] = []
        self._failed: list[npt.NDArray[np.bool_]] = []

    def add(self, chunk: Chunk) -> None:
        """Look at some rows."""
        source = self._facets.source.codes.take(chunk.codes("who"))
        times, forms = self._texts.told(chunk)
        self._keys.append(times * self._width + source)
        self._forms.append(forms)
        self._failed.append(chunk.failed)

    def rows(self) -> Row:
        """The three members of the summary."""
        if not self._keys:
            return _members(0, 0)
        keys, failed = np.concatenate(self._keys), np.concatenate(self._failed)
        # All that was kept of the rows is much: it is not to be there twice.
        self._keys.clear()
        every, failures = len(keys), int(failed.sum())
        if bool((keys[1:] > keys[:-1]).all()):
            # In order of time, and no two events at one time.
            return _members(every, failures)
        order = np.argsort(keys, kind="stable")
        keys = keys.take(order)
        equal = keys[1:] == keys[:-1]
        twins = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
        if not len(twins):
            return _members(every, failures)
        # Times that are equal to the ms may still have another text.
        keys, rows = keys.take(twins), order.take(twins)
        forms, failed = np.concatenate(self._forms).take(rows), failed.take(rows)
        again = np.lexsort((forms, keys))
        keys, forms, failed = keys.take(again), forms.take(again), failed.take(again)
        begins = np.concatenate(([True], (keys[1:] != keys[:-1]) | (forms[1:] != forms[:-1])))
        starts = np.flatnonzero(begins)
        failed_tasks = int(np.logical_or.reduceat(failed, starts).sum())
        return _members(
            every - len(twins) + len(starts), failures - int(failed.sum()) + failed_tasks
        )


def _members(tasks: int, failures: int) -> Row:
    return {
        "approx_tasks": tasks,
        "approx_task_failures": failures,
        "approx_task_success_rate": share(tasks - failures, tasks),
    }
