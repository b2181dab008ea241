"""What `GET /v0/management/usage` and the usage summary hold, in which order (usage, 5 and 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import orjson

from cpamp.columns.layout import FAILED
from cpamp.store.brief import Brief, Numbers
from cpamp.usage.event import ModelNames, Way

# What stands for an empty name.
NAMELESS = "-"


@attrs.frozen
class Group:
    """Details of one model at one endpoint that follow each other."""

    endpoint: str
    model: str
    count: int


@attrs.frozen(eq=False)
class Payload:
    """The events of `GET usage`, group by group, and their sums."""

    requests: int
    failures: int
    tokens: int
    ids: Numbers
    groups: Sequence[Group]

    @classmethod
    def of(
        cls,
        brief: Brief,
        limit: int,
        ways: Sequence[Way | None],
        models: Sequence[ModelNames | None],
    ) -> Payload:
        """The newest `limit` events; endpoints and models ascend in binary order."""
        places = brief.newest(limit)[::-1]
        endpoints, at = _ranked(brief.way[places], [w.endpoint if w else "" for w in ways])
        names, of = _ranked(brief.model[places], [m.analytics_model if m else "" for m in models])
        # The newest come first already, and equal keys keep their order.
        order = np.lexsort((of, at))
        places, at, of = places[order], at[order], of[order]
        starts = np.flatnonzero(np.diff(at, prepend=-1) | np.diff(of, prepend=-1))
        counts = np.diff(starts, append=len(places))
        return cls(
            requests=len(places),
            failures=int((brief.flags[places] & FAILED).sum(dtype=np.int64)),
            tokens=int(brief.total[places].sum(dtype=np.int64)),
            ids=brief.ids[places],
            groups=[
                Group(endpoints[at[start]], names[of[start]], count)
                for start, count in zip(starts.tolist(), counts.tolist(), strict=True)
            ],
        )

    def head(self) -> bytes:
        """What stands before the first detail."""
        return b'{"total_requests":%d,"success_count":%d,"failure_count":%d,"total_tokens":%d,' % (
            self.requests,
            self.requests - self.failures,
            self.failures,
            self.tokens,
        )

    def pages(self, size: int) -> Iterator[Page]:
        """The details in pages of at most `size`, with what stands before and between them."""
        before, start = b'"apis":{', 0
        segments: list[tuple[bytes, int]] = []
        room = size
        last: Group | None = None
        for group in self.groups:
            before += _opening(last, group)
            last, left = group, group.count
            while left:
                count = min(left, room)
                segments.append((before, count))
                before, left, room = b",", left - count, room - count
                if not room:
                    yield Page(self.ids[start : start + size].tolist(), segments)
                    start, room, segments = start + size, size, []
            before = b""
        if segments:
            yield Page(self.ids[start:].tolist(), segments)

    def tail(self) -> bytes:
        """What stands behind the last detail."""
        return b"]}}}}}\n" if self.groups else b'"apis":{}}\n'


@attrs.frozen
class Page:
    """Some details: their ids, and (what stands before, how many follow) for all of them."""

    ids: list[int]
    segments: list[tuple[bytes, int]]

    def filled(self, details: Sequence[bytes]) -> bytes:
        """The text of the page, given its details."""
        parts: list[bytes] = []
        start = 0
        for before, count in self.segments:
            parts += (before, b",".join(details[start : start + count]))
            start += count
        return b"".join(parts)


def _opening(last: Group | None, group: Group) -> bytes:
    """What stands between the details of one group and those of the next."""
    model = orjson.dumps(group.model) + b':{"details":['
    if last is not None and last.endpoint == group.endpoint:
        return b"]}," + model
    end = b"" if last is None else b"]}}},"
    return end + orjson.dumps(group.endpoint) + b':{"models":{' + model


def _ranked(
    codes: npt.NDArray[np.integer], names: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.integer]]:
    """The names of some codes in binary order, and each code's place among them."""
    used, place = np.unique(codes, return_inverse=True)
    own = [names[code] or NAMELESS for code in used.tolist()]
    ordered = sorted(set(own), key=lambda name: name.encode(errors="replace"))
    ranks = {name: rank for rank, name in enumerate(ordered)}
    rank = np.array([ranks[name] for name in own], dtype=np.int64)
    return ordered, rank[place.reshape(-1)] if len(own) else np.zeros(0, dtype=np.int64)


def usage_summary(brief: Brief, limit: int, models: Sequence[ModelNames | None]) -> dict[str, Any]:
    """How often each model was asked for and given, among the newest `limit` events."""
    places = brief.newest(limit)
    calls: dict[str, list[int]] = {}
    for code, count in enumerate(np.bincount(brief.model[places]).tolist()):
        model = models[code] if count else None
        if model is None:
            continue
        if model.analytics_model:
            calls.setdefault(model.analytics_model, [0, 0])[0] += count
        if model.resolved_model and model.resolved_model != model.analytics_model:
            calls.setdefault(model.resolved_model, [0, 0])[1] += count
    rows = [
        {"model": name, "calls": asked + given, "requested_calls": asked, "resolved_calls": given}
        for name, (asked, given) in calls.items()
    ]
    return {
        "sampled_events": len(places),
        "total_events": len(brief.ids),
        "truncated": len(places) < len(brief.ids),
        "models": sorted(rows, key=lambda row: (-int(str(row["calls"])), row["model"])),
    }
