"""Every route that the daemon declares, asked as nobody should ask."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from cpamp.lab import ADMIN_KEY, Manager
from cpamp.web.route import Access, Route
from tests.daemon import Lab
from tests.described import check_refusal, declared

PLUGINS = {"CPAMP_PUBLIC_PLUGIN_PATHS": "codex-invite"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")
MIB = 1024 * 1024


def sample(path: str) -> str:
    """A path that a pattern takes."""

    def value(match: re.Match[str]) -> str:
        kind, _, _ = match[1].partition(":")
        words = re.findall(r"[a-z][a-z-]+", match[1])
        if match[1].startswith("regex('"):
            # Not the very name, which may be a route of its own.
            return f"{words[1]}-x"
        if match[1].startswith("any("):
            return str(words[1])
        return "some/where" if kind == "path" else "x"

    return re.sub(r"<((?:regex\('[^']*'\)|any\([^)]*\)|[a-z]+)?:?\w*)>", value, path)


ROUTES = sorted(declared(**PLUGINS).values(), key=lambda route: (route.path, sorted(route.methods)))
PATHS = {route.path: sample(route.path) for route in ROUTES}


def names(route: Route) -> str:
    return f"{min(route.methods)} {route.path}"


every_route = pytest.mark.parametrize("route", ROUTES, ids=names)
every_path = pytest.mark.parametrize("path", PATHS)


@attrs.define
class Answer:
    """What came back; `body` is parsed where it is JSON."""

    status: int
    headers: http.client.HTTPMessage
    body: Any
    reason: str

    @property
    def code(self) -> Any:
        return self.body.get("code") if isinstance(self.body, dict) else None


@attrs.define
class Asker:
    """Sends bytes to a daemon and reads one answer, whatever the daemon then does."""

    manager: Manager

    def ask(self, method: str, target: str, *headers: str, body: bytes = b"", key: Any = ADMIN_KEY):
        lines = [f"{method} {target} HTTP/1.1", "Host: manager.example", *headers]
        lines += [f"Authorization: Bearer {key}"] if key else []
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        address = ("127.0.0.1", self.manager.http.port)
        with socket.create_connection(address, timeout=60) as client:
            client.sendall(head + body)
            response = http.client.HTTPResponse(client, method=method)
            response.begin()
            # A stream of events has no end.
            endless = response.headers.get_content_type() == "text/event-stream"
            whole = b"" if endless else response.read()
        try:
            parsed = json.loads(whole)
        except ValueError:
            parsed = whole
        check_refusal(method, target, response.status, parsed)
        return Answer(response.status, response.headers, parsed, response.reason)

    def send(self, method: str, target: str, body: bytes, *headers: str) -> Answer:
        """With a whole body of a stated length."""
        return self.ask(method, target, f"Content-Length: {len(body)}", *headers, body=body)


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    lab = Lab(tmp_path_factory.mktemp("routes"))
    manager = lab.manager(**PLUGINS)
    manager.start()
    yield Asker(manager)
    # Whatever was sent: no exception that nobody had foreseen, and nothing stored.
    status = manager.status()
    output = manager.process.output(100_000_000)
    lab.close()
    assert "Traceback" not in output
    assert "Unhandled" not in output
    assert (status["events"], status["deadLetters"]) == (0, 0)


def understood(answer: Answer) -> bool:
    """An answer that says what was wrong, in the one form, or that all was well."""
    return answer.status != 500 and (
        answer.status < 400
        or answer.code is not None
        or answer.body in (b"", b"404 page not found\n")
    )


def test_the_samples_are_of_their_routes() -> None:
    assert all("<" not in path for path in PATHS.values())
    assert len(ROUTES) > 40


@every_route
def test_a_stranger_is_refused_before_the_body_is_read(asker: Asker, route: Route) -> None:
    for method in sorted(route.methods):
        path = PATHS[route.path]
        answer = asker.ask(method, path, f"Content-Length: {1000 * MIB}", key="")
        if route.access in (Access.PUBLIC, Access.OPTIONAL):
            assert answer.status != 401
            continue
        assert answer.status == 401, method
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="cpamp"'
        assert answer.headers["Connection"] == "close"
        assert answer.code == "invalid_admin_key" or method == "HEAD"


@every_path
def test_another_method_is_refused_with_those_that_there_are(asker: Asker, path: str) -> None:
    taken = set[str]().union(*(route.methods for route in ROUTES if route.path == path))
    access = {route.access for route in ROUTES if route.path == path}
    for method in sorted(set(METHODS) - taken):
        answer = asker.ask(method, PATHS[path])
        assert answer.status == 405, method
        assert answer.code == "method_not_allowed" or method == "HEAD"
        allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
        assert taken <= allowed
        assert method not in allowed
        stranger = asker.ask(method, PATHS[path], key="")
        assert stranger.status == (401 if access == {Access.ADMIN} else stranger.status)


@every_path
def test_options_need_no_key(asker: Asker, path: str) -> None:
    answer = asker.ask("OPTIONS", PATHS[path], "Origin: http://panel.example", key="")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Length"] is None


@pytest.mark.parametrize("route", [r for r in ROUTES if r.body.limit], ids=names)
def test_a_body_that_is_too_large(asker: Asker, route: Route) -> None:
    limit = route.body.limit
    assert limit is not None
    method, path = max(route.methods - {"HEAD"}), PATHS[route.path]
    told = asker.ask(method, path, f"Content-Length: {limit + 1}")
    assert (told.status, told.code) == (413, "request_failed")
    if limit <= MIB:
        body = b"%x\r\n%s\r\n" % (limit + 1, b"x" * (limit + 1))
        found = asker.ask(method, path, "Transfer-Encoding: chunked", body=body)
        assert (found.status, found.code) == (413, "request_failed")


MALFORMED = [
    b"",
    b"{",
    b"[]",
    b"12",
    b'"text"',
    b"\xff\xfe{}",
    b"\x00",
    b'{"a":1e999}',
    b'{"a":"\\ud800"}',
    b'{"a":NaN}',
    b"{'a':1}",
    b"[" * 5000,
    b'{"a":' * 5000,
    "{}".encode("utf-16"),
]
READS_JSON = [
    route
    for route in ROUTES
    if route.methods & {"POST", "PUT", "PATCH"}
    and not route.body.streamed
    and (route.body.limit or 0) >= MIB
]


@pytest.mark.parametrize("route", READS_JSON, ids=names)
def test_a_body_that_is_no_json_object(asker: Asker, route: Route) -> None:
    # A sync takes no body for one that asks for nothing special.
    optional = route.path.endswith("/sync")
    for body in MALFORMED[optional:]:
        answer = asker.send(max(route.methods), PATHS[route.path], body)
        # Whether there is anything of that name may be looked at first.
        unknown = answer.status == 404 and "<" in route.path
        assert answer.status == 400 or unknown, body[:40]
        assert isinstance(answer.code, str)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/setup", 400),
        ("PUT", "/usage-service/config", 400),
        ("PATCH", "/usage-service/account-processing-policy", 200),
        ("POST", "/v0/management/monitoring/analytics", 400),
    ],
)
def test_what_follows_the_first_value_is_ignored(
    asker: Asker, method: str, path: str, status: int
) -> None:
    body = b'{"config":null}'
    alone = asker.send(method, path, body)
    assert (alone.status, alone.code == "invalid_json") == (status, False)
    for more in (b" x", b"{}", b'\n{"config":5}'):
        followed = asker.send(method, path, body + more)
        assert (followed.status, followed.code) == (alone.status, alone.code), more


STRANGE_VALUES: list[Any] = [
    None,
    {},
    {"": None},
    {"config": None},
    {"config": []},
    {"config": {"cpaConnection": 5, "collector": [], "codexInspection": "x"}},
    {"config": {"collector": {"batchSize": "x", "pollIntervalMs": 1e300, "enabled": 7}}},
    {"cpaBaseUrl": 5, "cpaManagementKey": ["x"]},
    {"cpaBaseUrl": "http://[::1", "cpaManagementKey": "x"},
    {"cpaBaseUrl": "http://a b\u0000c", "cpaManagementKey": "\u0000"},
    {"cpaBaseUrl": "javascript:x", "cpaManagementKey": "é\n"},
    {"prices": 5, "items": "x", "aliases": {"": []}},
    {"prices": {"": None, "a": {"prompt": -1, "completion": "x"}}, "items": [None, 5, {}]},
    {"from_ms": "x", "to_ms": 1e300, "time_zone": "\u0000", "include": 5, "filters": []},
    {"from_ms": -(2**70), "to_ms": 2**70, "timeZone": "Europe/../x", "page": {"limit": -1}},
]


@pytest.mark.parametrize("route", READS_JSON, ids=names)
def test_members_of_the_wrong_type(asker: Asker, route: Route) -> None:
    for value in STRANGE_VALUES:
        body = json.dumps(value).encode()
        answer = asker.send(max(route.methods), PATHS[route.path], body)
        assert understood(answer), (value, answer.body)


@every_path
def test_strange_spellings_of_a_path(asker: Asker, path: str) -> None:
    plain = PATHS[path]
    hostile = [
        f"/{plain}",
        f"{plain}//x",
        f"{plain}/../x",
        f"{plain}/.",
        f"{plain}/%2e%2E/x",
        f"{plain}%2F..%2Fx",
        f"{plain}%2F%2Fx",
        f"{plain}%00",
        f"{plain}%0d%0aX:1",
        f"{plain}%5c..",
        f"{plain}\\x",
        f"{plain}#x",
        f"http://manager.example{plain}",
        plain.lstrip("/") or "*",
    ]
    for target in hostile:
        answer = asker.ask("GET", target)
        assert (answer.status, answer.code) == (400, "invalid_path"), target
    for target in (f"{plain}/", f"{plain}%2F", f"{plain}%ff", f"{plain};x=1", f"{plain}%20"):
        answer = asker.ask("GET", target, key="")
        assert understood(answer), target
        assert understood(asker.ask("GET", target)), target


QUERIES = [
    "limit=-1",
    "limit=99999999999999999999999999",
    "limit=abc&format=x",
    "limit=%00&format=%ff%fe&scope=%00",
    "limit=&limit=5",
    "offset=-1",
    "days=1e99&from_ms=nan&to_ms=inf&time_zone=%00",
    "from_ms=-99999999999999999999&to_ms=99999999999999999999&timezone=../../x",
    "&&&==&=x&%",
    "a=" + "b" * 6000,
]
HEADERS = [
    ("Content-Type: application/json; charset=klingon",),
    ("Content-Type: \xff/\xfe; boundary=",),
    ("Content-Encoding: klingon",),
    ("Accept-Encoding: \xff, gzip;q=x",),
    ("Accept: \x01",),
    ('If-None-Match: \xff"', "If-Modified-Since: yesterday"),
    ("Range: bytes=9999999999999999999999-1",),
    ("Origin: null", "Origin: http://[::1"),
    ("Cookie: " + "a=b; " * 500,),
    ("X-Forwarded-For: ' OR 1=1", 'Forwarded: for="_x'),
    ("Expect: 100-continue, or not",),
    ("Authorization: Basic \xff",),
    ("Host: \xff:x",),
]


@pytest.mark.parametrize("route", [r for r in ROUTES if "GET" in r.methods], ids=names)
def test_strange_queries_and_headers(asker: Asker, route: Route) -> None:
    path = PATHS[route.path]
    for query in QUERIES:
        answer = asker.ask("GET", f"{path}?{query}")
        assert understood(answer) or answer.status == 200, query
    for headers in HEADERS:
        assert understood(asker.ask("GET", path, *headers)), headers


@pytest.mark.parametrize("route", READS_JSON, ids=names)
def test_strange_headers_of_a_body(asker: Asker, route: Route) -> None:
    for headers in HEADERS:
        answer = asker.send(max(route.methods), PATHS[route.path], b"\xff\x00", *headers)
        assert 400 <= answer.status < 500, headers


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: -1",
        "Content-Length: x",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: klingon",
        " folded: x",
        "no colon",
        "X: \x00",
        "X" * 20_000 + ": x",
    ],
)
def test_requests_that_are_no_http(asker: Asker, framing: str) -> None:
    try:
        answer = asker.ask("POST", "/setup", framing, body=b"x")
    except (http.client.HTTPException, ConnectionError):
        return
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([f"X-One: {'x' * 1_000_000}"], 200, None),
        ([f"X-{i}: {'x' * 10_000}" for i in range(100)], 200, None),
        ([f"X-One: {'x' * MIB}"], 431, "headers_too_large"),
        ([f"X-{i}: {'x' * 11_000}" for i in range(100)], 431, "headers_too_large"),
    ],
    ids=["one", "many", "one too large", "many too large"],
)
def test_large_headers(asker: Asker, headers: list[str], status: int, code: str | None) -> None:
    answer = asker.ask("GET", "/health", *headers)
    assert (answer.status, answer.code) == (status, code)


def test_a_head_that_comes_byte_by_byte_and_the_next_one_with_it(asker: Asker) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n" % (b"y" * 100)
    with socket.create_connection(("127.0.0.1", asker.manager.http.port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head:
            client.send(bytes([byte]))
        client.sendall(b"\r\n" + head + b"Connection: close\r\n\r\n")
        answers = b"".join(iter(lambda: client.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_wrong_keys_are_told_to_wait_and_the_right_one_is_not(asker: Asker) -> None:
    answers = [asker.ask("GET", "/status", key=f"wrong-{i}") for i in range(15)]
    assert answers[0].status == 401
    assert (answers[-1].status, answers[-1].code) == (429, "too_many_wrong_keys")
    assert answers[-1].reason == "Too Many Requests"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert asker.ask("GET", "/status").status == 200
