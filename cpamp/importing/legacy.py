"""Snapshots of old servers: the second pass, over their requests (usage contract, 7.3, 13)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import orjson

from cpamp.importing.shape import Model, Tree
from cpamp.importing.splitting import ElementSplitter
from cpamp.usage.event import Event
from cpamp.usage.members import first, text_of
from cpamp.usage.parts import without_key
from cpamp.usage.payload import Malformed, strict_json
from cpamp.usage.record import event_hash, normalise
from cpamp.usage.redact import redact_json
from cpamp.usage.timestamps import read_instant
from cpamp.usage.tokens import tokens_of

WARNINGS = (
    "legacy_usage_metadata_is_partial",
    "legacy_usage_source_matching_may_be_approximate",
)
_TIMES = ("timestamp", "time", "created_at", "createdAt")
# What the place of a request in the snapshot says instead.
_REPLACED = frozenset(
    (
        *("endpoint", "api", "request", "operation", "method", "http_method", "httpMethod"),
        *("path", "url_path", "urlPath", "route", "alias", "requested_model", "requestedModel"),
        *("resolved_model", "resolvedModel", "model", "model_name", "modelName"),
    )
)
# The bytes from one offset to another, in pieces.
Read = Callable[[int, int], Iterator[bytes]]


@attrs.define
class Walk:
    """Goes through the requests of a snapshot, in the order of their keys; counts what is bad."""

    _tree: Tree
    _read: Read
    _now_ms: int
    failed: int = 0
    unsupported: int = 0

    def events(self) -> Iterator[Event]:
        """The events of all requests that can be used."""
        for name in sorted(self._tree.endpoints):
            endpoint = self._tree.endpoints[name]
            if not endpoint.has_models:
                self.failed += 1
                continue
            for model in sorted(endpoint.models):
                yield from self._of_model(name, model, endpoint.models[model])

    def _of_model(self, endpoint: str, name: str, model: Model) -> Iterator[Event]:
        if not model.is_object:
            self.failed += 1
            return
        maker = _Maker.of(endpoint, name, self._now_ms)
        elements = 0
        for text in self._elements(model):
            elements += 1
            event = maker.event(text)
            if event is None:
                self.failed += 1
            else:
                yield event
        if not elements:
            self.unsupported += 1

    def _elements(self, model: Model) -> Iterator[bytes]:
        splitter = ElementSplitter()
        for piece in self._read(*model.details) if model.details else ():
            yield from splitter.feed(piece)


@attrs.define
class _Maker:
    """Makes events of the requests that a snapshot has for one model at one endpoint."""

    endpoint: str
    model: str
    key_hash: str
    now_ms: int
    # How often each content came; the same request twice is two requests.
    _seen: Counter[bytes] = attrs.Factory(Counter)

    @classmethod
    def of(cls, endpoint: str, model: str, now_ms: int) -> _Maker:
        name, key_hash = without_key(endpoint)
        return cls(name, model, key_hash, now_ms)

    def event(self, text: bytes) -> Event | None:
        """The event of one request; None where it can't be used."""
        try:
            detail = strict_json(text)
        except Malformed:
            return None
        if not isinstance(detail, dict) or read_instant(first(detail, _TIMES)) is None:
            return None
        requested = text_of(detail, "requested_model", "requestedModel", "alias")
        record = {name: value for name, value in detail.items() if name not in _REPLACED}
        record["endpoint"] = self.endpoint
        record["alias"] = requested or self.model
        record["resolved_model"] = text_of(detail, "resolved_model", "resolvedModel")
        event = normalise(record, now_ms=self.now_ms)
        if not requested:
            event.model = event.model._replace(requested_model="")
        event.api_key_hash = event.api_key_hash or self.key_hash
        event.request_id = text_of(detail, "request_id", "requestId", "id") or self._made_id(
            event.timestamp, detail
        )
        event.event_hash = event_hash(
            event.request_id,
            event.timestamp,
            event.way.endpoint,
            self.model,
            event.who,
            tokens_of(record),
            event.end.failed,
            event.latency_ms,
        )
        return event

    def _made_id(self, at: str, detail: Mapping[str, Any]) -> str:
        """An id made of the content, and of which one of several alike this is.

        It does not depend on where in the snapshot the request is, so that a later and larger
        snapshot of the same requests adds what is new and nothing else.
        """
        body = orjson.dumps(redact_json(detail), option=orjson.OPT_SORT_KEYS)
        head = f"legacy|{self.key_hash or self.endpoint}|{self.model}|{at}|"
        content = hashlib.sha256(head.encode(errors="replace") + body).digest()[:16]
        self._seen[content] += 1
        return "legacy:" + hashlib.sha256(content + b"%d" % self._seen[content]).hexdigest()[:16]
