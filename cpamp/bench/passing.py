"""The proxy: what it adds to a call of CPA."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cpamp.bench.ground import Ground
from cpamp.bench.measure import median
from cpamp.bench.table import Figure
from cpamp.lab import CPA_KEY, Http, LabError

CONFIG = "/v0/management/config"
CALLS = 50


def figures(ground: Ground) -> Iterator[Figure]:
    """The same call to CPA itself and through the daemon, in turns."""
    direct, through = [], []
    with (
        ground.cpa("--bcrypt-ms", "0") as cpa,
        ground.collecting(cpa, ground.empty()) as manager,
    ):
        itself = Http(cpa.port, CPA_KEY)
        for _ in range(CALLS * ground.plan.times):
            direct.append(_call(itself))
            through.append(_call(manager.http))
        itself.close()
    yield Figure("a call of CPA itself, p50", median(direct), "ms")
    added = median(through) - median(direct)
    yield Figure("added by the proxy, p50", added, "ms", target=1.5)


def _call(http: Http) -> float:
    """The ms of one call."""
    begin = time.perf_counter()
    status, _ = http.request("GET", CONFIG)
    if status != 200:
        raise LabError(f"{CONFIG} answered {status}")
    return (time.perf_counter() - begin) * 1000
