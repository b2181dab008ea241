"""What a sync would write: matches, candidates, and the rows that it leaves alone.

Pure; pricing contract, 2.5, 3.7 to 3.11, 9 and 10.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs

from cpamp.pricing.matching import Candidate, Matcher
from cpamp.pricing.price import ModelPrice
from cpamp.pricing.sources import SOURCES

MANUAL = "manual"
# A person chooses among candidates: so many names without a sure match are compared with all
# records, which takes some ms each; what more there are has none.
MOST_COMPARED = 200


@attrs.frozen
class Selection:
    """The outcome for each requested model, in request order.

    `matched` is to be written under the requested names; `preserved` are stored rows that a
    match would have replaced, but may not.
    """

    matched: Mapping[str, ModelPrice]
    candidates: Mapping[str, Sequence[Candidate]]
    unmatched: Sequence[str]
    preserved: Sequence[str]

    def candidates_body(self) -> list[dict[str, Any]]:
        """The member `candidates` of the reply."""
        return [
            {
                "model": model,
                "candidates": [
                    {
                        "sourceModelId": candidate.record.key,
                        "score": candidate.score,
                        "reason": candidate.reason,
                        "price": candidate.record.price.body(raw=True),
                    }
                    for candidate in found
                ],
            }
            for model, found in self.candidates.items()
        ]


def requested_models(models: Any) -> list[str] | None:
    """The names of a request's `models`, trimmed, each once; None: all models.

    A list of blanks alone asks for no model at all.
    """
    if not models:
        return None
    return list(dict.fromkeys(name for raw in models if (name := raw.strip())))


def complete(requested: Sequence[str] | None, matcher: Matcher) -> bool:
    """Whether every requested name has its match already, so that no source more is asked.

    Where no name is requested, or all are, every source is asked.
    """
    if not requested:
        return False
    return all(matcher.match(name) is not None for name in requested)


def select(
    requested: Sequence[str] | None,
    matcher: Matcher,
    *,
    failed: Collection[str],
    stored: Mapping[str, ModelPrice],
    overwrite_manual: bool = False,
    go_on: Callable[[], None] = lambda: None,
) -> Selection:
    """Match the requested names (None: all) against what the sources offer.

    `failed` names the sources that were asked in vain: a row that came from one of them is not
    replaced by a price of a source that is less preferred. `go_on` is called for each name, and
    may raise.
    """
    matched: dict[str, ModelPrice] = {}
    candidates: dict[str, Sequence[Candidate]] = {}
    unmatched: list[str] = []
    compared = 0
    for name in matcher.names() if requested is None else requested:
        go_on()
        record = matcher.match(name)
        if record is not None:
            matched[name] = record.price
        elif requested is not None:
            compared += 1
            found = matcher.candidates(name) if compared <= MOST_COMPARED else []
            if found:
                candidates[name] = found
            else:
                unmatched.append(name)
    scope = stored if requested is None else [name for name in requested if name in stored]
    preserved = sorted(
        name for name in scope if _stays(stored[name], matched.get(name), failed, overwrite_manual)
    )
    for name in preserved:
        matched.pop(name, None)
    return Selection(matched, candidates, unmatched, preserved)


def _stays(
    row: ModelPrice, new: ModelPrice | None, failed: Collection[str], overwrite_manual: bool
) -> bool:
    if row.source == MANUAL:
        return new is not None and not overwrite_manual
    if row.source not in failed:
        return False
    return new is None or SOURCES.index(new.source) > SOURCES.index(row.source)
