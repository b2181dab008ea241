"""A measured figure, and the table that the figures make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs


@attrs.frozen
class Figure:
    """One row: what was measured, the value, what it must reach, and a baseline.

    `better` says which side of the target is good; `baseline` is the same figure of the server
    that cpamp replaces, where one was measured on such a machine.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["more", "less"] = "less"
    baseline: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "more" else self.value <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline; None where there is none."""
        if not self.baseline or not self.value:
            return None
        return self.value / self.baseline if self.better == "more" else self.baseline / self.value


def number(value: float) -> str:
    """A figure as people write it: no more digits than mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def render(figures: Iterable[Figure]) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| figure | measured | must reach | baseline | times better |",
        "|---|---|---|---|---|",
    ]
    for f in figures:
        sign = "≥" if f.better == "more" else "≤"
        target = "–" if f.target is None else f"{sign} {number(f.target)} {f.unit}"
        missed = " **missed**" if f.met is False else ""
        baseline = "–" if f.baseline is None else f"{number(f.baseline)} {f.unit}"
        ratio = "–" if f.ratio is None else f"{number(f.ratio)} ×"
        lines.append(
            f"| {f.name} | {number(f.value)} {f.unit}{missed} | {target} | {baseline} | {ratio} |"
        )
    return "\n".join(lines)
