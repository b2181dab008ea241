"""The one family of errors that a user may see, each with a stable ``code``."""

from __future__ import annotations

from typing import Any, ClassVar


class Problem(Exception):
    """Something went wrong that its receiver can be told about.

    Subclasses fix ``code`` (stable, for programs) and ``status`` (the HTTP status of the
    answer); the message is for people and says what was wrong and what to do. ``extra`` holds
    further members of the error body. Source: server contract, section 8.2.
    """

    code: ClassVar[str] = "request_failed"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The JSON error body: ``{"code", "error", …extra}``."""
        return {"code": self.code, "error": self.message, **self.extra}


class BadRequest(Problem):
    """The request's content is not what the route takes."""

    status = 400


class InvalidJson(BadRequest):
    """The body is not JSON, or not of the shape that the route takes."""

    code = "invalid_json"


class NotFound(Problem):
    """There is nothing at that path or of that id."""

    code = "not_found"
    status = 404


class TooLarge(Problem):
    """The body is larger than the route takes."""

    status = 413


class TooMuchWork(Problem):
    """The daemon is busy with as many requests of this kind as it takes at once."""

    code = "busy"
    status = 503


class StoreUnavailable(Problem):
    """The database can't be written or read just now; nothing was lost by asking."""

    code = "store_unavailable"
    status = 503


class CpaUnreachable(Problem):
    """CPA did not answer: connection refused, reset, or timed out."""

    code = "cpa_unreachable"
    status = 502


# Kinds of problems, as a route declares them.
Problems = tuple[type[Problem], ...]
