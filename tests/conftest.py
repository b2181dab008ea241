"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.daemon import Lab

# Child processes run the tree that the tests are in, not an installed copy.
HERE = Path(__file__).parent
os.environ["PYTHONPATH"] = str(HERE.parent)
# Hundreds of them start: each would compile the tree anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples in every run, so that a failure is one of the change at hand. Others are found
# with HYPOTHESIS_PROFILE=random. How long an example takes says more of the machine than of us.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: from the first one on its event loop holds this thread."""
    items.sort(key=lambda item: "panel" in item.path.relative_to(HERE).parts)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A folder with processes that end with the test."""
    lab = Lab(tmp_path)
    yield lab
    lab.close()
