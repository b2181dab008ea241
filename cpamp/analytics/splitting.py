"""Whose use a quota window's percentage is: nothing but arrays.

A provider tells the percentage at some moments. What it grew by between two of them is of the calls
that ended between them, each by its weight; where there were none, nobody of ours has used it.
"""

from __future__ import annotations

import attrs
import numpy as np

from cpamp.analytics.costs import FloatArray
from cpamp.analytics.facets import IntArray
from cpamp.analytics.view import BoolArray


@attrs.frozen(eq=False)
class Split:
    """The percent of each call, and what no call explains; together they are what is used.

    `told` says which calls ended before the percentage was told last.
    """

    percents: FloatArray
    unexplained: float
    told: BoolArray


def split(times: IntArray, used: FloatArray, ends: IntArray, weights: FloatArray) -> Split:
    """Split what is used among calls, which are in no order; the moments ascend.

    The window begins with nothing used. A percentage that falls again was never reached.
    """
    reached = np.minimum.accumulate(used[::-1])[::-1]
    grown = np.append(np.diff(reached, prepend=0.0), 0.0)
    # What ends in a moment is told by the next one.
    stretch = np.searchsorted(times, ends, side="right")
    whole = np.bincount(stretch, weights=weights, minlength=len(grown))
    rate = np.divide(grown, whole, out=np.zeros(len(grown)), where=whole > 0)
    return Split(
        rate.take(stretch) * weights,
        float(grown[whole <= 0].sum()),
        stretch < len(times),
    )
