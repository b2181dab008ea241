"""Calls of the console script, in this process."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import attrs

from cpamp.cli import run
from cpamp.commands.command import Surroundings


class Said(NamedTuple):
    """What a call of the console script left."""

    status: int
    out: str
    err: str


@attrs.frozen
class Console:
    """Runs ``cpamp ARGV…`` in a folder whose data is in ``data``, unless told otherwise."""

    folder: Path

    def __call__(self, *argv: str, **environ: str) -> Said:
        """One call."""
        out, err = io.StringIO(), io.StringIO()
        at = Surroundings({"USAGE_DATA_DIR": "data", **environ}, self.folder, out, err)
        return Said(run(argv, at), out.getvalue(), err.getvalue())
