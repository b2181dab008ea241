"""The page as it is served: small, of one piece, and with a policy that allows nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from cpamp.web.panel import embedded, policy
from tests.daemon import Lab
from tests.web.asking import ask

MOST_BYTES = 230_000


@pytest.mark.parametrize(
    ("page", "scripts"),
    [
        (b"<p>nothing", []),
        (b"<script>a()</script>", [b"a()"]),
        (b'<SCRIPT type="module">\nb()\n</script >', [b"\nb()\n"]),
        (b"<script src=x></script><script>a()</script><script>a()</script>", [b"a()"]),
        (b'<script>a("<script>")</script>', [b'a("<script>")']),
    ],
)
def test_only_a_pages_own_scripts_may_run(page: bytes, scripts: list[bytes]) -> None:
    allowed = re.findall(r"'sha256-([^']+)'", policy(page))
    assert allowed == [base64.b64encode(hashlib.sha256(s).digest()).decode() for s in scripts]
    assert ("script-src 'none'" in policy(page)) == (not scripts)


def test_the_page_is_small_and_of_one_piece() -> None:
    page = embedded()
    assert len(gzip.compress(page, 9)) <= MOST_BYTES
    assert not re.search(rb"""<(?:script|img|iframe)[^>]+\bsrc=|<link[^>]+href="(?!data:)""", page)
    assert not re.search(rb"""@import|url\((?!["']?data:)""", page)


def test_it_is_served_with_its_policy(lab: Lab) -> None:
    manager = lab.manager()
    manager.start()
    asked = ask(manager, "GET", "/management.html", key="")
    assert asked.status == 200
    assert asked.headers["content-security-policy"] == policy(asked.body)
    assert asked.headers["x-frame-options"] == "DENY"
    again = ask(manager, "GET", "/management.html", key="", If_None_Match=asked.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert "content-length" not in again.headers


def test_an_operators_own_page_has_a_policy_of_its_own(lab: Lab, tmp_path: Path) -> None:
    own = tmp_path / "own.html"
    own.write_bytes(b"<script>mine()</script>")
    manager = lab.manager(PANEL_PATH=str(own))
    manager.start()
    asked = ask(manager, "GET", "/management.html", key="")
    assert asked.body == own.read_bytes()
    assert asked.headers["content-security-policy"] == policy(own.read_bytes())
