"""What is ours is never passed on to CPA, by whatever method."""

from __future__ import annotations

from tests.daemon import Lab, connection
from tests.web.asking import ask

MANAGEMENT = "/v0/management"
# Paths with a method that they don't have, and the methods that they have.
OTHERS = (
    ("POST", f"{MANAGEMENT}/usage", "GET, HEAD"),
    ("GET", f"{MANAGEMENT}/usage/import", "POST"),
    ("PATCH", f"{MANAGEMENT}/usage/import-sessions/1", "DELETE, GET, HEAD"),
    ("GET", f"{MANAGEMENT}/usage/import-sessions/1/chunk", "PUT"),
    ("PUT", f"{MANAGEMENT}/model-prices/usage-summary", "GET, HEAD"),
    ("DELETE", f"{MANAGEMENT}/model-prices", "GET, HEAD, PUT"),
    ("DELETE", f"{MANAGEMENT}/api-key-aliases", "GET, HEAD, PUT"),
    ("PUT", f"{MANAGEMENT}/monitoring/analytics", "GET, HEAD, POST"),
    ("DELETE", "/usage-service/config", "GET, HEAD, PUT"),
)


def test_other_methods_of_our_paths(lab: Lab) -> None:
    cpa, manager = lab.cpa(), lab.manager()
    manager.start()
    assert ask(manager, "POST", "/setup", connection(cpa)).status == 200
    for method, path, allowed in OTHERS:
        found = ask(manager, method, path)
        assert (found.code, found.headers["allow"]) == ((405, "method_not_allowed"), allowed)
    for path in (
        "usage/nothing",
        "model-prices-foo",
        "model-prices-foo/bar",
        "api-key-aliases/x/y",
    ):
        assert ask(manager, "GET", f"{MANAGEMENT}/{path}").code == (404, "not_found")
    assert ask(manager, "GET", f"{MANAGEMENT}/debug").status == 200
