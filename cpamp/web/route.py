"""What a route declares. Routing, methods, access and limits all come from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, TypedDict, TypeVar, Unpack

import attrs

from cpamp.errors import Problems

JSON = "application/json"
JSON_BYTES = 1024 * 1024


class Access(Enum):
    """Who may call a route."""

    PUBLIC = "anyone"
    ADMIN = "the admin"
    # The admin, or who has the token for metrics.
    METRICS = "the admin or a metrics token"
    # Who may see all figures.
    READ = "the admin or a token that may read"
    # Also who may see those of one client key; the handler narrows to `request.only_key`.
    READ_OWN = "the admin or a token that may read, be it one key's events"
    # Anyone; the handler asks `request.is_admin`.
    OPTIONAL = "anyone, the admin gets more"


@attrs.frozen
class Body:
    """How the body of a request is taken: not at all, whole, or as it arrives.

    `limit` is in bytes; None: no limit. `form` is the shape of the JSON, or the attrs class that
    it is read into; `kinds` are the content types. Both only describe.
    """

    limit: int | None
    streamed: bool = False
    form: Any = None
    kinds: tuple[str, ...] = ()
    required: bool = True

    @classmethod
    def json(cls, form: Any, limit: int = JSON_BYTES, *, required: bool = True) -> Body:
        """JSON of some form."""
        return cls(limit, form=form, kinds=(JSON,), required=required)

    @classmethod
    def stream(cls, limit: int | None = None, kinds: tuple[str, ...] = ("*/*",)) -> Body:
        """A body that the handler reads as it arrives."""
        return cls(limit, streamed=True, kinds=kinds)


# Whatever comes is read, up to a little, and not looked at.
NO_BODY = Body(64 * 1024)


@attrs.frozen
class Parameter:
    """A parameter of a query: what it means, and the JSON schema of its value."""

    meaning: str
    schema: Mapping[str, Any] = attrs.Factory(lambda: {"type": "string"})
    required: bool = False


def whole(meaning: str, *, required: bool = False) -> Parameter:
    """A parameter that is a whole number."""
    return Parameter(meaning, {"type": "integer"}, required)


@attrs.frozen
class Route:
    """One path with the methods that it takes.

    `path` has parameters in Klein's notation (``<id>``, ``<path:rest>``). `query` and `headers`
    name what is read of them, `sends` the headers of a good answer, each with what it means. A
    `fallback` takes only paths that no other route has, with whatever method. Where a client that
    leaves is not to end the handler, `ends_with_client` is false. `answer` is the shape of the
    JSON, `produces` the content types, and `problems` are what may go wrong beside what may with
    every route of this access and body.
    """

    path: str
    methods: frozenset[str]
    access: Access
    body: Body
    summary: str
    query: Mapping[str, str | Parameter]
    cors: bool = True
    fallback: bool = False
    ends_with_client: bool = True
    answer: Any = None
    headers: Mapping[str, str] = attrs.Factory(dict)
    sends: Mapping[str, str] = attrs.Factory(dict)
    produces: tuple[str, ...] = (JSON,)
    problems: Problems = ()


Handler = TypeVar("Handler", bound=Callable[..., Any])
ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
_DECLARED = "__cpamp_routes__"


class _More(TypedDict, total=False):
    cors: bool
    fallback: bool
    answer: Any
    headers: Mapping[str, str]
    sends: Mapping[str, str]
    produces: tuple[str, ...]
    problems: Problems


def route(
    methods: str | Sequence[str],
    path: str,
    *,
    summary: str,
    access: Access = Access.ADMIN,
    body: Body = NO_BODY,
    query: Mapping[str, str | Parameter] | None = None,
    ends_with_client: bool | None = None,
    **more: Unpack[_More],
) -> Callable[[Handler], Handler]:
    """Declare that a method of a resource handles `path`; may be used several times.

    Unless told otherwise, a change goes on when its client leaves, and a question does not. `more`
    are further fields of `Route`.
    """
    names = frozenset([methods] if isinstance(methods, str) else methods)
    if "GET" in names:
        names |= {"HEAD"}
    if ends_with_client is None:
        ends_with_client = names <= {"GET", "HEAD"}
    ends = ends_with_client

    def declare(handler: Handler) -> Handler:
        declared = list(getattr(handler, _DECLARED, []))
        made = Route(path, names, access, body, summary, query or {}, ends_with_client=ends, **more)
        declared.append(made)
        setattr(handler, _DECLARED, declared)
        return handler

    return declare


def routes_of(resource: object) -> Iterator[tuple[Route, Callable[..., Any]]]:
    """The routes that an object's methods declare, each with its bound handler."""
    for name in dir(type(resource)):
        # A class may list names that it has not, as services do.
        declared = getattr(getattr(type(resource), name, None), _DECLARED, ())
        for one in declared:
            yield one, getattr(resource, name)


@attrs.frozen
class Reply:
    """An answer that is more than JSON of status 200.

    `body` may be bytes, or a value that is sent as JSON; None for no body at all.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = attrs.Factory(dict)
