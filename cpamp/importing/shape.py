"""The shape of the object that begins a file: whether it is a snapshot, and where its parts lie.

First pass over a snapshot (usage contract, 7.3 and 8): the memory that it takes grows with the
number of endpoints and models, never with the number of requests.
"""

from __future__ import annotations

import attrs

from cpamp.importing.splitting import Mark, Scanner
from cpamp.usage.payload import Malformed, strict_json

WRAPPED = "legacy_usage_export"
DIRECT = "legacy_usage_payload"
# A snapshot without requests.
TOTALS = "totals"
# With one of these at its top an object is a record, whatever else it has (13 B8).
RAW_MARKS = frozenset(("timestamp", "time", "created_at", "request_id", "model", "alias"))
_TOTALS = frozenset(("total_requests", "success_count", "failure_count"))
_HASHES = ("event_hash", "eventHash")
# Where requests are, at the top or inside `usage`; "" stands for any name.
_WAY = ("apis", "", "models", "", "details")
# The deepest container on that way: {usage: {apis: {…: {models: {…: {details: [
_DEPTH = 7


@attrs.define
class Model:
    """What a snapshot has for one model; `details` is where their array lies in the file."""

    is_object: bool = False
    details: tuple[int, int] | None = None


@attrs.define
class Endpoint:
    """What a snapshot has for one endpoint; `has_models` if those are an object."""

    has_models: bool = False
    models: dict[str, Model] = attrs.Factory(dict)


@attrs.define
class Tree:
    """The member `apis`, at the top or inside `usage`; `has_apis` if it is an object."""

    has_apis: bool = False
    endpoints: dict[str, Endpoint] = attrs.Factory(dict)


@attrs.define
class Shape:
    """Finds the shape of an object that comes in pieces."""

    names: set[str] = attrs.Factory(set)
    has_hash: bool = False
    usage_is_object: bool = False
    wrapped: Tree = attrs.Factory(Tree)
    direct: Tree = attrs.Factory(Tree)
    # The first structural member that came twice.
    repeated: str | None = None
    # Where the first object `apis` begins.
    apis_at: int | None = None
    _scanner: Scanner = attrs.Factory(lambda: Scanner(_DEPTH))
    # The names that lead to the present container, None for an element of an array; and which
    # of the containers are objects.
    _path: list[str | None] = attrs.Factory(list)
    _objects: list[bool] = attrs.Factory(list)
    _name: str | None = None
    _wants_name: bool = False
    _seen: set[tuple[str | None, ...]] = attrs.Factory(set)
    _begin: int = 0  # of the present array of details

    @property
    def tree(self) -> Tree:
        """The one that counts: that of `usage`, where there is such a member."""
        return self.wrapped if "usage" in self.names else self.direct

    @property
    def kind(self) -> str:
        """`WRAPPED`, `DIRECT`, `TOTALS`, or "" for what is no snapshot."""
        if self.has_hash:
            return ""
        is_raw = not RAW_MARKS.isdisjoint(self.names)
        if self.usage_is_object:
            if self.wrapped.endpoints:
                return WRAPPED
            return "" if is_raw else TOTALS
        if "usage" not in self.names:
            if self.direct.has_apis:
                return DIRECT
            if "apis" not in self.names and not _TOTALS.isdisjoint(self.names) and not is_raw:
                return TOTALS
        return ""

    def feed(self, data: bytes) -> int | None:
        """Look at more; the offset behind the object in the whole stream, once it ends."""
        for mark in self._scanner.feed(data):
            self._see(mark)
            if mark.depth == 0:
                return mark.end
        return None

    def _see(self, mark: Mark) -> None:
        match mark.sign:
            case '"' if self._wants_name:
                self._name = _text(mark.text)
                self._named()
            case '"':
                if not self._path and self._name in _HASHES and mark.text.strip(b'" '):
                    self.has_hash = True
            case ":":
                self._wants_name = False
            case ",":
                self._wants_name, self._name = self._objects[-1:] == [True], None
            case "{" | "[":
                self._open(mark, is_object=mark.sign == "{")
            case _:
                self._close(mark)

    def _open(self, mark: Mark, *, is_object: bool) -> None:
        if mark.depth > _DEPTH:
            return
        if mark.depth > 1:
            self._path.append(self._name if self._objects[-1] else None)
            self._begins(mark, is_object=is_object)
        self._objects.append(is_object)
        self._wants_name, self._name = is_object, None

    def _close(self, mark: Mark) -> None:
        if mark.depth >= _DEPTH or not self._objects:
            return
        self._objects.pop()
        self._wants_name, self._name = False, None
        if self._path:
            self._ends(mark)
            self._path.pop()

    # -- what the marks mean --------------------------------------------------------------------

    def _place(self, path: list[str | None]) -> tuple[Tree, list[str | None]]:
        return (self.wrapped, path[1:]) if path[:1] == ["usage"] else (self.direct, path)

    def _named(self) -> None:
        """A member begins: `_name`, below `_path`."""
        assert self._name is not None
        full = [*self._path, self._name]
        if not self._path:
            self.names.add(self._name)
        tree, way = self._place(full)
        if not _on_the_way(way):
            return
        known = tuple(full)
        if known in self._seen and self.repeated is None:
            self.repeated = self._name
        self._seen.add(known)
        match way:
            case ["apis", str(endpoint)]:
                tree.endpoints.setdefault(endpoint, Endpoint())
            case ["apis", str(endpoint), "models", str(model)]:
                tree.endpoints[endpoint].models.setdefault(model, Model())

    def _begins(self, mark: Mark, *, is_object: bool) -> None:
        """The container at `_path` begins."""
        tree, way = self._place(self._path)
        if not _on_the_way(way):
            return
        match way:
            case []:
                self.usage_is_object = is_object
            case ["apis"]:
                tree.has_apis = is_object
                if is_object and self.apis_at is None:
                    self.apis_at = mark.at
            case ["apis", str(endpoint), "models"]:
                tree.endpoints[endpoint].has_models = is_object
            case ["apis", str(endpoint), "models", str(model)]:
                tree.endpoints[endpoint].models[model].is_object = is_object
            case ["apis", str(), "models", str(), "details"] if not is_object:
                self._begin = mark.at
                # All that is wanted of it is its end.
                self._scanner.shallow = mark.depth - 1

    def _ends(self, mark: Mark) -> None:
        """The container at `_path` ends."""
        tree, way = self._place(self._path)
        match way:
            case ["apis", str(endpoint), "models", str(model), "details"] if mark.sign == "]":
                self._scanner.shallow = _DEPTH
                tree.endpoints[endpoint].models[model].details = (self._begin, mark.end)


def _on_the_way(path: list[str | None]) -> bool:
    """Whether a path is part of the way to the requests; so is that of `usage` itself."""
    return len(path) <= len(_WAY) and all(
        name is not None and wanted in ("", name) for name, wanted in zip(path, _WAY, strict=False)
    )


def _text(text: bytes) -> str:
    try:
        return str(strict_json(text))
    except Malformed:
        return text.decode(errors="replace")
