"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.daemon import Lab

# Child processes run the tree that the tests are in, not an installed copy.
os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)

# The same examples in every run, so that a failure is one of the change at hand. Others are found
# with HYPOTHESIS_PROFILE=random.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A folder with processes that end with the test."""
    lab = Lab(tmp_path)
    yield lab
    lab.close()
