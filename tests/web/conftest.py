"""Fixtures of tests through the daemon's port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon import Lab
from tests.web.proxied import CPA_KEY, Pair
from tests.web.upstream import upstream


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    lab = Lab(tmp_path_factory.mktemp("proxy"))
    with upstream() as cpa:
        manager = lab.manager(
            CPA_UPSTREAM_URL=cpa.url,
            CPA_MANAGEMENT_KEY=CPA_KEY,
            USAGE_COLLECTOR_MODE="http",
            CPAMP_PUBLIC_PLUGIN_PATHS="codex-invite",
        )
        manager.start()
        manager.wait_for_collector()
        yield Pair(cpa, manager)
        assert "Traceback" not in manager.process.output(10_000_000)
        lab.close()
