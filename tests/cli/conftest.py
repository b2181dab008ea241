"""The console script in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import Console


@pytest.fixture
def call(tmp_path: Path) -> Console:
    return Console(tmp_path)
