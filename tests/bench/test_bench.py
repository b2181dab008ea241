"""The benchmark at small sizes, from its command line to its table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cpamp.bench.__main__ import GROUPS


def test_every_group_gives_figures(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "cpamp.bench", "--quick", "--folder", str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    head, _, table = done.stdout.partition("\n\n")
    assert "cores" in head
    assert "fsync" in head
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    figures = {row[0]: row[1] for row in rows}
    assert len(figures) == len(rows) > 2 * len(GROUPS)
    assert figures["lost of 1,000 records at 20,000/s, RESP subscribe"] == "0 events"
    for value in figures.values():
        assert float(value.split()[0].replace(",", "")) >= 0
    assert list(tmp_path.iterdir()) == []
