"""What is typed outlives the network, the daemon and the session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpamp.lab import Cpa, Manager
from tests.panel.driving import Panel
from tests.panel.forms import TASKS, Form

OURS = [name for name, task in TASKS.items() if not task.of_cpa]


@pytest.mark.parametrize("name", OURS)
def test_nothing_typed_is_lost(
    restarted: tuple[Manager, Cpa], opened: Callable[..., Panel], name: str
) -> None:
    form = Form.begin(TASKS[name], opened, *restarted)
    form.outlives_the_network()
    form.outlives_the_daemon()
    form.succeeds()
