"""``python -m cpamp.bench``: measures the real daemon, and prints the figures as one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs

from cpamp.bench import accounts, answers, files, intake, life, passing
from cpamp.bench.ground import QUICK, Ground, Plan
from cpamp.bench.measure import fsync_ms, machine, pace
from cpamp.bench.table import Figure, number, render


def _panel(ground: Ground) -> Iterator[Figure]:
    # What the panel is measured with is not installed where the daemon merely runs.
    from cpamp.bench import browsing

    return browsing.figures(ground)


GROUPS: Mapping[str, Callable[[Ground], Iterator[Figure]]] = {
    "intake": intake.figures,
    "files": files.figures,
    "life": life.figures,
    "answers": answers.figures,
    "proxy": passing.figures,
    "accounts": accounts.figures,
    "panel": _panel,
}


def main(arguments: list[str]) -> int:
    """Measure the groups asked for; returns the exit status."""
    options = _parsed(arguments)
    plan = QUICK if options.quick else Plan()
    if options.events:
        plan = attrs.evolve(plan, events=options.events)
    with tempfile.TemporaryDirectory(prefix="cpamp-bench-", dir=options.folder) as name:
        folder = Path(name)
        added, counted = (number(ms) for ms in pace())
        head = f"{machine()}; an fsync takes {number(fsync_ms(folder))} ms, a million additions "
        head += f"in Python {added} ms, counting a million by 10,000 groups {counted} ms"
        found = list(_measured(Ground(folder, plan), options.only or list(GROUPS)))
    print(f"{head}; {time.strftime('%Y-%m-%d')}\n\n{render(found)}")
    return 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cpamp.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works at all")
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), help="these groups of figures")
    parser.add_argument("--events", type=int, help="the size of the large store")
    parser.add_argument("--folder", type=Path, help="where the data go; the system's for temporary")
    return parser.parse_args(arguments)


def _measured(ground: Ground, groups: list[str]) -> Iterator[Figure]:
    for group in groups:
        for figure in GROUPS[group](ground):
            # Told as they come, since all of them take a while.
            print(f"{figure.name}: {number(figure.value)} {figure.unit}", file=sys.stderr)
            yield figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
