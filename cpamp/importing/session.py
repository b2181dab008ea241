"""One resumable upload, and what may be wrong with a request for one (usage contract, 8)."""

from __future__ import annotations

import re
from typing import Any, Protocol

import attrs
from twisted.internet.defer import DeferredLock

from cpamp.errors import Problem
from cpamp.importing.job import ImportJob

ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
NAME_CHARS = 240
NAMELESS = "usage-import.jsonl"


class SessionInvalid(Problem):
    """The request makes no sense for an upload."""

    code = "usage_import_session_invalid_request"
    status = 400


class SessionNotFound(Problem):
    """There is no such upload, or no longer."""

    code = "usage_import_session_not_found"
    status = 404


class SessionConflict(Problem):
    """The upload is not in a state for that."""

    code = "usage_import_session_conflict"
    status = 409


class SessionTooLarge(Problem):
    """More bytes than may come."""

    code = "usage_import_session_too_large"
    status = 413


class QuotaExceeded(Problem):
    """There is no room for another upload."""

    code = "usage_import_session_quota_exceeded"
    status = 507


class LimitExceeded(Problem):
    """Too many uploads are under way."""

    code = "usage_import_session_limit_exceeded"
    status = 429


class SessionUnavailable(Problem):
    """The upload's files can't be used."""

    code = "usage_import_session_unavailable"
    status = 500


@attrs.frozen
class Limits:
    """What uploads may take; the time to live in ms."""

    chunk_bytes: int
    disk_bytes: int
    sessions: int
    ttl_ms: int


class Incoming(Protocol):
    """The body of a chunk while it arrives."""

    def __aiter__(self) -> Incoming:
        """The body itself."""
        ...

    async def __anext__(self) -> bytes:
        """The next piece."""
        ...

    def fail(self, error: Exception) -> None:
        """Let whoever reads it have this error instead of more."""
        ...


@attrs.define
class Session:
    """One upload, as it is on disk and in replies."""

    id: str
    filename: str
    size_bytes: int
    chunk_size_bytes: int
    created_at_ms: int
    updated_at_ms: int
    status: str = "uploading"
    received_bytes: int = 0
    resume_key: str = ""
    retryable: bool = False
    error: str = ""
    result: dict[str, Any] | None = None
    cancelling: bool = False
    # Not kept: what is under way.
    busy: DeferredLock = attrs.field(factory=DeferredLock, eq=False)
    incoming: Incoming | None = attrs.field(default=None, eq=False)
    job: ImportJob | None = attrs.field(default=None, eq=False)

    @property
    def active(self) -> bool:
        """Whether it takes a place and room."""
        return self.status in ("uploading", "ready", "processing") or (
            self.status == "failed" and self.retryable
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self.job is None and not self.busy.locked

    def body(self, ttl_ms: int) -> dict[str, Any]:
        """The reply; the resume key is never in it."""
        body = {
            "id": self.id,
            "filename": self.filename,
            "status": self.status,
            "size_bytes": self.size_bytes,
            "received_bytes": self.received_bytes,
            "chunk_size_bytes": self.chunk_size_bytes,
            "created_at_ms": self.created_at_ms,
            "updated_at_ms": self.updated_at_ms,
            "expires_at_ms": self.updated_at_ms + ttl_ms,
            "retryable": self.retryable,
        }
        if self.error:
            body["error"] = self.error
        if self.result is not None:
            body["result"] = self.result
        return body

    def kept(self) -> dict[str, Any]:
        """What is on disk."""
        return {name: getattr(self, name) for name in _KEPT}

    @classmethod
    def read(cls, value: Any) -> Session:
        """The session of what was kept; raises `ValueError`."""
        if not isinstance(value, dict) or set(value) != _KEPT:
            raise ValueError("not the members of an upload")
        for name, kind in _KINDS.items():
            if type(value[name]) is not kind:
                raise ValueError(f"{name} is not of its type")
        if not ID.fullmatch(value["id"]) or not isinstance(value["result"], dict | None):
            raise ValueError("no upload has such an id or result")
        return cls(**value)


_KINDS: dict[str, type] = {
    **dict.fromkeys(("id", "filename", "status", "resume_key", "error"), str),
    **dict.fromkeys(("size_bytes", "chunk_size_bytes", "received_bytes"), int),
    **dict.fromkeys(("created_at_ms", "updated_at_ms"), int),
    **dict.fromkeys(("retryable", "cancelling"), bool),
}
_KEPT = frozenset((*_KINDS, "result"))


@attrs.frozen
class Creation:
    """A request for an upload."""

    filename: str
    size_bytes: int
    resume_key: str

    @classmethod
    def read(cls, value: Any) -> Creation:
        """The request of a JSON value; raises `SessionInvalid`."""
        if not isinstance(value, dict):
            raise SessionInvalid("the body must be an object")
        unknown = sorted(set(value) - {"filename", "size_bytes", "resume_key"})
        if unknown:
            raise SessionInvalid(f'there is no member "{unknown[0]}"')
        name, size, key = value.get("filename"), value.get("size_bytes"), value.get("resume_key")
        if not isinstance(name, str | None):
            raise SessionInvalid("filename must be a text")
        if type(size) is not int or size <= 0:
            raise SessionInvalid("size_bytes must be a positive integer")
        if not isinstance(key, str | None) or (key and not ID.fullmatch(key)):
            raise SessionInvalid("resume_key must be 32 lower-case hexadecimal digits")
        return cls(base_name(name or ""), size, key or "")


def base_name(name: str) -> str:
    """A file's name without its folders."""
    base = re.split(r"[/\\]", name)[-1].replace("\0", "").strip()[:NAME_CHARS]
    return base if base not in ("", ".", "..") else NAMELESS
