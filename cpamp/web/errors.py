"""Problems as answers, in one place (server contract, 8.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from twisted.logger import Logger
from twisted.python.failure import Failure

from cpamp.errors import NotFound, Problem
from cpamp.web.route import Reply

_log = Logger(namespace="cpamp.web")


class Unauthorized(Problem):
    """There is no valid admin key with the request."""

    code = "invalid_admin_key"
    status = 401


class Forbidden(Problem):
    """The token is a valid one, and not for this."""

    code = "forbidden"
    status = 403


class TooManyTries(Problem):
    """This peer has sent too many wrong keys; a right one is taken at any time."""

    code = "too_many_wrong_keys"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many wrong admin keys; try again in {seconds} s")
        self.seconds = seconds


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("method not allowed")
        self.allowed = frozenset(allowed)
        if "GET" in self.allowed:
            self.allowed |= {"HEAD"}


class AddressTooLong(Problem):
    """The path and its query are longer than a line may be."""

    code = "address_too_long"
    status = 414


class HeadTooLarge(Problem):
    """The headers are more than are taken."""

    code = "headers_too_large"
    status = 431


class HostilePath(Problem):
    """The path has segments that no route has and that other servers take for more."""

    code = "invalid_path"
    status = 400


class NoSuchPath(NotFound):
    """There is no route of that path."""


# The header that comes with an answer of some problems, and what it means.
SENT: Mapping[type[Problem], tuple[str, str]] = {
    MethodNotAllowed: ("Allow", "the methods that the path has"),
    TooManyTries: ("Retry-After", "after how many seconds a wrong key is looked at again"),
    Unauthorized: ("WWW-Authenticate", "how a key is sent"),
}


def problem_reply(problem: Problem) -> Reply:
    """The answer that tells of a problem."""
    headers = {}
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(problem.allowed))
    if isinstance(problem, TooManyTries):
        headers["Retry-After"] = str(problem.seconds)
    if isinstance(problem, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="cpamp"'
    return Reply(problem.status, problem.body(), headers)


def failure_reply(failure: Failure) -> Reply:
    """The answer to any exception; one that nobody expected goes to the log alone."""
    if isinstance(failure.value, Problem):
        return problem_reply(failure.value)
    _log.failure("a request failed", failure=failure)
    return problem_reply(Problem("internal server error"))


def reason(status: int) -> bytes:
    """The words that go with a status; Twisted has not those of every one that is answered here."""
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown Status"


def json_bytes(value: Any) -> bytes:
    """A value as JSON with its newline."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
