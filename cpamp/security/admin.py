"""The admin key: made once, kept as a salted hash, checked in constant time from memory.

Source: server contract, section 5.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import string
from collections.abc import Callable
from typing import Any, Self

import attrs

from .secrets import decode, encode

PREFIX = "cmp_admin_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
GENERATED_CHARACTERS = 32
SALT_BYTES = 16
# The setting that holds the record.
SETTING = "admin_credential_v1"


def generate(random: Callable[[int], bytes] = os.urandom) -> str:
    """A new key: the prefix and 32 characters, each of the 62 equally likely.

    Bytes from 248 (the greatest multiple of 62) up are thrown away, since they would make the
    first characters of the alphabet likelier.
    """
    picked = ""
    while len(picked) < GENERATED_CHARACTERS:
        picked += "".join(ALPHABET[b % 62] for b in random(64) if b < 248)
    return PREFIX + picked[:GENERATED_CHARACTERS]


@attrs.frozen
class Credential:
    """What is stored of the admin key. Times are ms since the epoch; 0 is "never rotated"."""

    salt: bytes
    key_hash: bytes = attrs.field(repr=False)
    iterations: int
    created_at_ms: int
    rotated_at_ms: int
    source: str  # env, generated, cli or cli-generated

    @classmethod
    def of(cls, key: str, source: str, now_ms: int, *, replacing: Self | None = None) -> Self:
        """The credential of a key; `replacing` is the one that it rotates away."""
        salt = os.urandom(SALT_BYTES)
        created = replacing.created_at_ms if replacing else now_ms
        rotated = now_ms if source.startswith("cli") else 0
        return cls(salt, _hash(key.strip(), salt, 1), 1, created, rotated, source)

    @classmethod
    def read(cls, record: Any) -> Self | None:
        """The credential of a stored record; None where it is incomplete."""
        if not isinstance(record, dict):
            return None
        try:
            salt, key_hash = decode(record["salt"]), decode(record["keyHash"])
            iterations = max(1, int(record.get("iterations") or 1))
            created, rotated = (
                int(record.get(name) or 0) for name in ("createdAtMs", "rotatedAtMs")
            )
        except (KeyError, TypeError, ValueError):
            return None
        if not salt or not key_hash:
            return None
        return cls(salt, key_hash, iterations, created, rotated, str(record.get("source") or ""))

    def record(self) -> dict[str, Any]:
        """The JSON record of section 5.2."""
        record = {
            "version": 1,
            "salt": encode(self.salt),
            "keyHash": encode(self.key_hash),
            "iterations": self.iterations,
            "createdAtMs": self.created_at_ms,
            "source": self.source,
        }
        return record | ({"rotatedAtMs": self.rotated_at_ms} if self.rotated_at_ms else {})

    def verify(self, candidate: str) -> bool:
        """Whether the candidate is the key."""
        candidate = candidate.strip()
        if not candidate:
            return False
        return hmac.compare_digest(_hash(candidate, self.salt, self.iterations), self.key_hash)


def _hash(key: str, salt: bytes, iterations: int) -> bytes:
    raw = key.encode(errors="surrogateescape")
    if iterations <= 1:
        return hmac.digest(salt, raw, "sha256")
    return hashlib.pbkdf2_hmac("sha256", raw, salt, iterations, 32)


@attrs.define
class AdminGate:
    """The credential in memory, for every request's check; nobody passes before `credential`.

    A key once verified is remembered by a digest under a key of this process, so that a record
    with many iterations costs its PBKDF2 once and not with every request.
    """

    credential: Credential | None = None
    _pepper: bytes = attrs.field(factory=lambda: os.urandom(32), init=False, repr=False)
    _verified: bytes = attrs.field(default=b"", init=False, repr=False)

    def verify(self, candidate: str) -> bool:
        """Whether the candidate is the admin key."""
        if self.credential is None:
            return False
        digest = hmac.digest(self._pepper, candidate.encode(errors="surrogateescape"), "sha256")
        if self._verified and hmac.compare_digest(digest, self._verified):
            return True
        if not self.credential.verify(candidate):
            return False
        self._verified = digest
        return True
