"""What is typed for CPA outlives CPA, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpamp.lab import Cpa, Manager
from tests.panel.driving import Panel
from tests.panel.forms import TASKS, Form

OF_CPA = [name for name, task in TASKS.items() if task.of_cpa]


@pytest.mark.parametrize("name", OF_CPA)
def test_nothing_typed_is_lost(
    restarted: tuple[Manager, Cpa], opened: Callable[..., Panel], name: str
) -> None:
    form = Form.begin(TASKS[name], opened, *restarted)
    form.outlives_the_network()
    form.outlives_cpa()
    form.outlives_the_daemon()
    form.succeeds()
