"""`account_strips`: how the calls of each account went, block by block (section 17, 12)."""

from __future__ import annotations

import numpy as np

from cpamp.analytics.columnar import Row
from cpamp.analytics.counting import STRIP_BLOCKS, Counting
from cpamp.analytics.sections.people import account_names
from cpamp.analytics.sections.rows import share


class AccountStrips:
    """For each account of `account_stats` the range in equal blocks, by id."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        counting.need("strips")

    def rows(self) -> list[Row]:
        """The section; `success` and `failure` have a number for each block."""
        pairs = self._counting.sums("strips")
        names, codes = account_names(self._counting, pairs.codes[1])
        calls = np.zeros((len(names), STRIP_BLOCKS), dtype=np.int64)
        failed = np.zeros((len(names), STRIP_BLOCKS), dtype=np.int64)
        place = codes[pairs.codes[1]], pairs.codes[0]
        np.add.at(calls, place, pairs["calls"])
        np.add.at(failed, place, pairs["failed"])
        rows = [
            {
                "id": name,
                "success": (calls[i] - failed[i]).tolist(),
                "failure": failed[i].tolist(),
                "success_rate": share(int((calls[i] - failed[i]).sum()), int(calls[i].sum())),
            }
            for i, name in enumerate(names)
        ]
        return sorted(rows, key=lambda row: str(row["id"]))
