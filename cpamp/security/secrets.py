"""Secrets in the settings table: AES-256-GCM under a key derived from the data key.

Source: server contract, section 4.2.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cpamp.errors import Problem

from .datakey import derive

PREFIX = "enc:v1:"
NONCE_BYTES = 12
_PURPOSE = b"settings-secret"


class SecretError(Problem):
    """A stored secret can't be decrypted; the message holds nothing of it."""

    code = "secret_unreadable"


class SecretBox:
    """Encrypts and decrypts single texts. `random` gives that many random bytes."""

    def __init__(self, data_key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(derive(data_key, b"settings-secrets-v1"))
        self._random = random

    def encrypt(self, text: str) -> str:
        """The stored form; "" stays "", and what is encrypted already stays as it is."""
        text = text.strip()
        if not text or text.startswith(PREFIX):
            return text
        nonce = self._random(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _PURPOSE)
        return f"{PREFIX}{encode(nonce)}:{encode(sealed)}"

    def decrypt(self, stored: str) -> str:
        """The text; one without the prefix is old plain text. Raises `SecretError`."""
        if not stored.startswith(PREFIX):
            return stored
        parts = stored.removeprefix(PREFIX).split(":")
        if len(parts) != 2:
            raise SecretError("invalid encrypted secret format")
        try:
            nonce, sealed = (decode(part) for part in parts)
        except ValueError as e:
            raise SecretError("invalid encrypted secret format") from e
        try:
            return self._cipher.decrypt(nonce, sealed, _PURPOSE).decode()
        except (InvalidTag, ValueError) as e:
            raise SecretError("decrypt secret: invalid data key or corrupted ciphertext") from e


def encode(raw: bytes) -> str:
    """Standard base64 without padding."""
    return base64.b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of standard base64 without padding; raises `ValueError`."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as e:
        raise ValueError("not base64") from e
