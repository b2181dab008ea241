"""One thing that was looked at, and the page that they make."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import attrs


class Level(Enum):
    """How much a finding matters; the value is how the page marks it."""

    OK = "ok"
    NOTE = "note"
    BAD = "BAD"


@attrs.frozen
class Finding:
    """What was seen, and where something is wrong, what to do."""

    subject: str
    level: Level
    seen: str
    advice: str = ""


def ok(subject: str, seen: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Level.OK, seen)


def note(subject: str, seen: str, advice: str = "") -> Finding:
    """Works, but could be better."""
    return Finding(subject, Level.NOTE, seen, advice)


def bad(subject: str, seen: str, advice: str) -> Finding:
    """Does not work until somebody does what the advice says."""
    return Finding(subject, Level.BAD, seen, advice)


def page(findings: Iterable[Finding]) -> str:
    """The findings, one line each with its advice below, and the verdict."""
    listed = list(findings)
    width = max((len(f.subject) for f in listed), default=0)
    lines = []
    for f in listed:
        lines.append(f"{f.level.value:>4}  {f.subject:<{width}}  {f.seen}")
        if f.advice:
            lines.append(f"      {'':<{width}}  → {f.advice}")
    troubles = sum(f.level is Level.BAD for f in listed)
    verdict = f"{troubles} to be repaired" if troubles else "Nothing to be repaired"
    return "\n".join([*lines, "", f"{verdict}."])
