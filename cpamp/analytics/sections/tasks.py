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
        if bool((keys[1:] > keys[:-1]).all()):
            # In order of time, and no two events at one time.
            return _members(len(keys), int(failed.sum()))
        order = np.argsort(keys, kind="stable")
        keys = keys.take(order)
        repeated = np.flatnonzero(keys[1:] == keys[:-1])
        if not len(repeated):
            return _members(len(keys), int(failed.sum()))
        # Times that are equal to the ms may still have another text.
        forms = np.concatenate(self._forms).take(order)
        again = np.lexsort((forms, keys))
        keys, forms = keys.take(again), forms.take(again)
        failed = failed.take(order).take(again)
        begins = np.concatenate(([True], (keys[1:] != keys[:-1]) | (forms[1:] != forms[:-1])))
        starts = np.flatnonzero(begins)
        return _members(len(starts), int(np.logical_or.reduceat(failed, starts).sum()))


def _members(tasks: int, failures: int) -> Row:
    return {
        "approx_tasks": tasks,
        "approx_task_failures": failures,
        "approx_task_success_rate": share(tasks - failures, tasks),
    }
