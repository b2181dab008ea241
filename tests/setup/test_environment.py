"""A connection that the environment gives, and a data key that is gone (server, 11, 12)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred

from cpamp.setup.service import in_container
from tests.setup.bench import ENV, REQUEST, bench


def test_a_container_is_known_by_its_marks(tmp_path: Path) -> None:
    mark = tmp_path / ".dockerenv"
    assert not in_container([str(mark)])
    mark.touch()
    assert in_container([str(tmp_path / "other"), str(mark)])


@ensureDeferred
async def test_an_address_without_a_key_is_no_connection(tmp_path: Path) -> None:
    async with bench(tmp_path, CPA_UPSTREAM_URL="cpa:8317/") as b:
        answer = await b.service.get_config()
        assert b.service.info()["setupRequired"] is True
        assert answer["source"] == ""
        assert answer["config"]["cpaConnection"]["cpaBaseUrl"] == ""
        assert answer["startedWith"] == {"cpaBaseUrl": "http://cpa:8317"}


@ensureDeferred
async def test_env_mode(tmp_path: Path) -> None:
    async with bench(tmp_path, **ENV) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
        answer = await b.service.get_config()
        assert answer["source"] == "env"
        assert b.service.info()["setupRequired"] is False
        assert await b.service.setup(REQUEST) == {"ok": True, "upstream": "http://cpa:8317"}
        assert b.collector.configured == []
        assert await b.saved() is None
        assert (await b.saved("bootstrap_state_v1"))["projectInitialized"] is True
        free = {"collector": {"queryLimit": 5}, "codexInspection": {"workers": 9}}
        changed = await b.service.put_config({"config": free})
        assert (changed["source"], b.service.query_limit) == ("env", 5)
        assert "k1" not in str(await b.saved())
        assert "enc:v1:" not in str(await b.saved())


@ensureDeferred
async def test_env_mode_collects_although_it_was_switched_off(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup({**REQUEST, "requestMonitoringEnabled": False})
    async with bench(tmp_path, **ENV) as b:
        b.service.start_collecting()
        (config,) = b.collector.configured
        assert config is not None
        assert config.enabled
    async with bench(tmp_path) as b:
        b.service.start_collecting()
        (config,) = b.collector.configured
        assert config is not None
        assert not config.enabled


def lose_key(folder: Path) -> None:
    (folder / "data.key").unlink()


def exchange_key(folder: Path) -> None:
    (folder / "data.key").write_text("A" * 43)


@pytest.mark.parametrize("spoil", [lose_key, exchange_key])
@ensureDeferred
async def test_without_the_right_data_key(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    async with bench(tmp_path) as b:
        await b.service.setup({**REQUEST, "queryLimit": 44})
        sealed = (await b.saved())["cpaConnection"]["managementKey"]
    spoil(tmp_path)
    async with bench(tmp_path) as b:
        info = b.service.info()
        assert (info["dataKeyReady"], info["setupRequired"]) == (False, True)
        assert b.service.connection() is None
        assert b.service.query_limit == 44
        b.service.start_collecting()
        assert b.collector.configured == [None]
    async with bench(tmp_path, **ENV) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
        assert b.service.info()["dataKeyReady"] is False
        await b.service.put_config({"config": {"collector": {"queryLimit": 45}}})
        assert (await b.saved())["cpaConnection"]["managementKey"] == sealed
    async with bench(tmp_path) as b:
        await b.service.setup(REQUEST)
        assert b.service.info()["dataKeyReady"] is True
        assert (await b.saved())["cpaConnection"]["managementKey"] != sealed
    async with bench(tmp_path) as b:
        assert b.service.connection() == ("http://cpa:8317", "k1")
