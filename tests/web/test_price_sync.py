"""Syncing prices, by the daemon, from sources of this process (pricing contract, 2.5 and 3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from cpamp.lab import Manager, wait_until
from tests.daemon import NO_SOURCES, Lab, connection
from tests.described import Described
from tests.fetching.servers import (
    Documents,
    Page,
    certificate,
    documents,
    http_proxy,
    socks_proxy,
)
from tests.web.asking import Asked, ask

PRICES = "/v0/management/model-prices"
SYNC = f"{PRICES}/sync"
MODELS_DEV = {
    "models": {"acme/m-1": {}, "acme/m-tiers": {}},
    "providers": {
        "acme": {
            "models": {
                "m-1": {"cost": {"input": 1, "output": 2, "cache_read": 0.1}},
                "m-tiers": {
                    "cost": {
                        "input": 2,
                        "output": 8,
                        "tiers": [{"input": 4, "tier": {"type": "context", "size": 200000}}],
                    },
                    "experimental": {"modes": {"fast": {"cost": {"input": 9}}}},
                },
                "m-none": {"limit": {"context": 1}},
            }
        },
        "reseller": {"models": {"m-1": {"cost": {"input": 7}}}},
    },
}
LITELLM = {
    "sample_spec": {"input_cost_per_token": 0.0},
    "l-1": {"input_cost_per_token": 2.1e-6},
    "acme/l-pro": {"input_cost_per_token": 3e-6},
    "negative": {"input_cost_per_token": -1},
}
OPENROUTER = {"data": [{"id": "acme/o-1", "pricing": {"prompt": "0.000004"}}, {"id": "x"}]}


def serve(server: Documents) -> None:
    """All three sources, in good order."""
    server.pages.update(
        {
            "/catalog.json": Page(MODELS_DEV, etag='"first"', gzip=True),
            "/litellm.json": Page(LITELLM),
            "/openrouter.json": Page(OPENROUTER),
        }
    )


def sources(server: Documents, host: str = "127.0.0.1") -> Mapping[str, str]:
    return {
        "MODEL_PRICE_MODELS_DEV_URL": server.url("/catalog.json", host),
        "MODEL_PRICE_LITELLM_URL": server.url("/litellm.json", host),
        "MODEL_PRICE_OPENROUTER_URL": server.url("/openrouter.json", host),
        "MODEL_PRICE_EMBEDDED": "off",
    }


@attrs.frozen
class Both:
    """A daemon and the sources that it knows."""

    manager: Manager
    server: Documents

    def sync(self, *models: str, **members: Any) -> Asked:
        body = {"models": models, **members} if models or members else None
        return ask(self.manager, "POST", SYNC, body)

    def put(self, **prices: Any) -> None:
        assert ask(self.manager, "PUT", PRICES, {"prices": prices}).status == 200

    def book(self) -> dict[str, Any]:
        found: dict[str, Any] = ask(self.manager, "GET", f"{PRICES}?include=raw").json["prices"]
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    lab = Lab(tmp_path_factory.mktemp("sync"))
    with documents() as server:
        limits = {"MODEL_PRICE_SOURCE_TIMEOUT_MS": "500", "MODEL_PRICE_MAX_BYTES": "100000"}
        manager = lab.manager(**sources(server), **limits)
        manager.start()
        yield Both(manager, server)
        server.released.set()
        lab.close()


@pytest.fixture
def both(running: Both) -> Both:
    """The sources in good order, and no price stored."""
    running.server.pages.clear()
    running.server.asked.clear()
    serve(running.server)
    running.put()
    return running


def test_all_models(both: Both) -> None:
    answer = both.sync()
    found = answer.json
    names = ["acme/l-pro", "acme/o-1", "l-1", "m-1", "m-tiers"]
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert {k: v for k, v in found.items() if k not in ("matched", "prices")} == {
        "source": "multi",
        "sources": ["models.dev", "litellm", "openrouter"],
        "imported": 5,
        "skipped": 4,
        "sourceResults": [
            {"source": "models.dev", "models": 3, "skipped": 1},
            {"source": "litellm", "models": 2, "skipped": 2},
            {"source": "openrouter", "models": 1, "skipped": 1},
        ],
    }
    assert sorted(found["matched"]) == list(found["prices"]) == names
    described = Described.by(both.manager.http)
    assert described.wrong("POST", SYNC, found) == []
    assert described.wrong("GET", PRICES, {"prices": both.book()}) == []
    assert found["matched"] == found["prices"]
    book = both.book()
    told = {"source": "models.dev", "sourceModelId": "acme/m-tiers"}
    assert book["m-tiers"].items() >= told.items()
    assert book["m-tiers"]["rawJson"].startswith('{"cost":')
    assert book["m-tiers"]["updatedAtMs"] == book["m-tiers"]["syncedAtMs"] > 1_700_000_000_000
    assert book["m-tiers"]["contextTiers"][0]["thresholdTokens"] == 200000
    assert book["m-tiers"]["serviceTiers"][0]["serviceTier"] == "priority"
    assert book["l-1"]["prompt"] == 2.1
    assert book["m-1"]["cacheRead"] == book["m-1"]["cache"] == 0.1
    assert answer.headers["etag"] == ask(both.manager, "GET", PRICES).headers["etag"]


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"{}", b"null", b'{"models": []}', b'{"Models": null}{']
)
def test_what_means_all_models(both: Both, body: bytes) -> None:
    assert ask(both.manager, "POST", SYNC, body).json["imported"] == 5


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"models": "m-1"}', b'{"models": [1]}', b'{"dryRun": 1}']
)
def test_what_means_nothing(both: Both, body: bytes) -> None:
    assert ask(both.manager, "POST", SYNC, body).code == (400, "invalid_json")
    assert both.server.asked == []


def test_requested_models(both: Both) -> None:
    found = both.sync(" m-1 ", "zzz", "l-pro-latest", "m-1", "").json
    assert Described.by(both.manager.http).wrong("POST", SYNC, found) == []
    assert (found["imported"], list(found["matched"])) == (1, ["m-1"])
    (candidates,) = found["candidates"]
    assert candidates["model"] == "l-pro-latest"
    (candidate,) = candidates["candidates"]
    assert candidate["sourceModelId"] == "acme/l-pro"
    assert set(candidate) == {"sourceModelId", "score", "reason", "price"}
    assert candidate["price"]["rawJson"] == '{"input_cost_per_token":3e-6}'
    assert found["unmatched"] == ["zzz"]
    assert list(both.book()) == ["m-1"]


def test_no_source_more_than_needed(both: Both) -> None:
    found = both.sync("m-1", "acme/m-tiers").json
    assert (found["source"], found["sources"]) == ("models.dev", ["models.dev"])
    assert both.server.paths == ["/catalog.json"]
    both.server.asked.clear()
    assert both.sync("m-1", "acme/l-pro").json["sources"] == ["models.dev", "litellm"]
    both.server.asked.clear()
    found = both.sync("  ").json
    assert (found["imported"], len(both.server.asked)) == (0, 3)
    assert "unmatched" not in found


def test_a_dry_run_writes_nothing(both: Both) -> None:
    before = ask(both.manager, "GET", PRICES)
    found = both.sync(dryRun=True).json
    assert (found["imported"], len(found["matched"]), found["prices"]) == (0, 5, {})
    assert ask(both.manager, "GET", PRICES).headers["etag"] == before.headers["etag"]


def test_prices_of_people_stay_unless_told_otherwise(both: Both) -> None:
    both.put(**{"m-1": {"prompt": 5, "source": "manual"}, "l-1": {"source": "embedded"}})
    found = both.sync("m-1", "l-1").json
    assert (found["preserved"], list(found["matched"])) == (["m-1"], ["l-1"])
    assert both.book()["m-1"]["prompt"] == 5
    assert both.sync(overwriteManual=True, models=["m-1"]).json["imported"] == 1
    assert both.book()["m-1"]["prompt"] == 1


def test_what_is_stored_of_a_failed_source_stays(both: Both) -> None:
    both.put(**{"l-1": {"prompt": 5, "source": "models.dev"}, "other": {"prompt": 1}})
    both.server.pages["/catalog.json"].status = 503
    found = both.sync().json
    assert found["preserved"] == ["l-1"]
    assert found["sourceResults"][0] == {
        "source": "models.dev",
        "models": 0,
        "skipped": 0,
        "error": "model price sync failed: 503 Service Unavailable",
    }
    assert (both.book()["l-1"]["prompt"], both.book()["other"]["prompt"]) == (5, 1)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(status=404), "404 Not Found"),
        (Page(b"<html>"), "not valid JSON"),
        (Page(b'{"providers": {}, "models": {}}'), "no canonical models"),
        (Page(b"{}"), "no usable prices"),
        (Page(b"[1]"), "not an object"),
        (Page(b" " * 100_001 + b"{}", gzip=True), "larger than 100000 bytes"),
        (Page(MODELS_DEV, hold=30), "within 0.5 s"),
        (Page(MODELS_DEV, cut=True), ""),
        (Page(b"", 302, location="/loop.json"), "redirects"),
    ],
)
def test_a_source_that_fails_is_named(both: Both, page: Page, reason: str) -> None:
    both.server.pages["/catalog.json"] = page
    both.server.pages["/loop.json"] = Page(b"", 302, location="/loop.json")
    found = both.sync().json
    assert found["sources"] == ["litellm", "openrouter"]
    assert reason in found["sourceResults"][0]["error"]
    assert len(both.book()) == 3


def test_no_source_at_all_changes_nothing(both: Both) -> None:
    both.put(kept={"prompt": 1})
    for page in both.server.pages.values():
        page.status = 500
    answer = both.sync()
    assert answer.code == (502, "model_price_sync_failed")
    text = answer.json["error"]
    assert text.startswith("model price sync failed; existing prices were not changed: models.dev")
    assert text.count(": model price sync failed: 500 Internal Server Error") == 3
    assert text.count("; ") == 3
    assert list(both.book()) == ["kept"]


def test_models_dev_is_asked_only_for_what_changed(both: Both) -> None:
    def last() -> str | None:
        asked = [headers for path, headers in both.server.asked if path == "/catalog.json"]
        return asked[-1].get("if-none-match")

    page = both.server.pages["/catalog.json"]
    page.etag = '"new"'
    first = both.sync("m-1").json
    both.put()
    again = both.sync("m-1").json
    assert last() == '"new"'
    assert (again["imported"], again["sourceResults"]) == (1, first["sourceResults"])
    # What fails is a failure, and what was good before is remembered all the same.
    both.server.pages["/catalog.json"] = Page(b"{", etag='"bad"')
    assert "error" in both.sync("m-1").json["sourceResults"][0]
    both.server.pages["/catalog.json"] = page
    assert "error" not in both.sync("m-1").json["sourceResults"][0]
    assert last() == '"new"'
    assert all("if-none-match" not in h for path, h in both.server.asked if "catalog" not in path)


def test_a_price_entered_during_a_sync_is_kept(both: Both) -> None:
    """And others are answered while a source takes its time."""
    page = both.server.pages["/openrouter.json"]
    page.hold = 30
    both.server.released.clear()
    answers: list[Asked] = []
    syncing = threading.Thread(target=lambda: answers.append(both.sync()))
    syncing.start()
    wait_until(lambda: len(both.server.asked) == 3, what="the last source")
    both.put(**{"m-1": {"prompt": 77, "source": "manual"}})
    assert answers == []
    both.server.released.set()
    syncing.join(20)
    (answer,) = answers
    assert answer.json["preserved"] == ["m-1"]
    assert answer.json["prices"]["m-1"]["prompt"] == both.book()["m-1"]["prompt"] == 77


def test_the_table_of_the_package_fills_the_gaps(lab: Lab) -> None:
    with documents() as server:
        serve(server)
        manager = lab.manager(
            **{**sources(server), "MODEL_PRICE_EMBEDDED": "on", "CPAMP_SEED_PRICES": "no"}
        )
        manager.start()
        both = Both(manager, server)
        assert both.book() == {}
        found = both.sync("m-1", "gpt-5.5").json
        assert found["sources"] == ["models.dev", "litellm", "openrouter", "embedded"]
        assert both.book()["gpt-5.5"]["source"] == "embedded"
        both.put()
        assert both.sync("m-1").json["source"] == "models.dev"
        server.pages.clear()
        assert both.sync("gpt-5.5").code == (502, "model_price_sync_failed")


@pytest.mark.parametrize(("embedded", "status"), [("on", 200), ("OFF", 502)])
def test_without_any_source_on_the_internet(lab: Lab, embedded: str, status: int) -> None:
    manager = lab.manager(**NO_SOURCES, MODEL_PRICE_EMBEDDED=embedded, CPAMP_SEED_PRICES="true")
    manager.start()
    seeded = ask(manager, "GET", PRICES).json["prices"]
    assert len(seeded) == (565 if status == 200 else 0)
    ask(manager, "PUT", PRICES, {"prices": {}})
    answer = ask(manager, "POST", SYNC)
    assert answer.status == status
    if status == 200:
        found = answer.json
        assert (found["source"], found["imported"]) == ("embedded", len(seeded))
        assert list(found["prices"]) == list(seeded)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_cpas_proxy_is_used_for_all_sources(lab: Lab, tmp_path: Path, scheme: str) -> None:
    own = certificate(tmp_path)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(own.pem)
    running = socks_proxy("joe:pw") if scheme == "socks5" else http_proxy("joe:pw")
    with documents(own.context) as server, running as proxy:
        serve(server)
        proxy.names["prices.test"] = "127.0.0.1"
        cpa = lab.cpa()
        manager = lab.manager(**sources(server, "prices.test"), SSL_CERT_FILE=str(trusted))
        manager.start()
        assert ask(manager, "POST", "/setup", connection(cpa)).status == 200
        both = Both(manager, server)

        def through(url: str) -> Asked:
            put = ask(manager, "PUT", "/v0/management/proxy-url", {"value": url})
            assert put.status == 200
            return both.sync()

        found = through(f"{scheme}://joe:pw@127.0.0.1:{proxy.port}").json
        assert (found["proxyUsed"], found["imported"]) == (True, 5)
        place = f"prices.test:{server.port}"
        line = place if scheme == "socks5" else f"CONNECT {place}"
        assert proxy.asked == [(line, "joe:pw")] * 3
        refused = through(f"{scheme}://joe:hunter2@127.0.0.1:{proxy.port}")
        assert refused.status == 502
        unusable = through("joe:hunter2@nowhere")
        assert unusable.code == (502, "model_price_sync_failed")
        assert b"hunter2" not in refused.body + unusable.body
        assert len(server.asked) == 3
        # No proxy: the name leads nowhere then, but nobody is asked for it.
        before = len(proxy.asked)
        for words in ("direct", "none"):
            assert through(words).status == 502
        assert len(proxy.asked) == before
        assert b"hunter2" not in manager.process.log.read_bytes()


def test_a_cpa_that_is_gone_has_no_proxy(lab: Lab) -> None:
    with documents() as server:
        serve(server)
        cpa = lab.cpa()
        manager = lab.manager(**sources(server))
        manager.start()
        assert ask(manager, "POST", "/setup", connection(cpa)).status == 200
        cpa.process.stop()
        found = ask(manager, "POST", SYNC).json
        assert (found["imported"], "proxyUsed" in found) == (5, False)


def test_the_environments_proxy_where_cpa_has_none(lab: Lab) -> None:
    with documents() as server, http_proxy() as proxy:
        serve(server)
        proxy.names["prices.test"] = "127.0.0.1"
        manager = lab.manager(
            **sources(server, "prices.test"), http_proxy=f"http://127.0.0.1:{proxy.port}"
        )
        manager.start()
        found = ask(manager, "POST", SYNC).json
        assert found["imported"] == 5
        assert "proxyUsed" not in found
        assert [line for line, _ in proxy.asked] == [
            f"GET {server.url(path, 'prices.test')}"
            for path in ("/catalog.json", "/litellm.json", "/openrouter.json")
        ]


def test_a_stop_does_not_wait_for_a_source(lab: Lab) -> None:
    with documents() as server:
        serve(server)
        server.pages["/catalog.json"].hold = 60
        environ = {**sources(server), "MODEL_PRICE_SOURCE_TIMEOUT_MS": "60000"}
        manager = lab.manager(**environ)
        manager.start()
        answers: list[Asked] = []
        syncing = threading.Thread(target=lambda: answers.append(ask(manager, "POST", SYNC)))
        syncing.start()
        wait_until(lambda: bool(server.asked), what="the first source")
        assert manager.stop() in (0, 143, -15)
        syncing.join(10)
        assert [answer.code for answer in answers] == [(503, "model_price_sync_stopped")]
        assert "Traceback" not in manager.process.output(100_000)
