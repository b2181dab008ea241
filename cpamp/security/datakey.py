"""The data key: 32 bytes from which the key of stored secrets is derived.

Source: server contract, section 4.1 and point B-4 of section 22.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cpamp.errors import Problem

from .files import make_folder, write_new

SALT = b"cpa-manager-plus"
KEY_BYTES = 32


class DataKeyError(Problem):
    """The data key can't be read or is not one."""

    code = "data_key_invalid"


def derive(key_material: bytes, info: bytes) -> bytes:
    """32 bytes by HKDF-SHA256 under the product's salt."""
    return HKDF(hashes.SHA256(), KEY_BYTES, SALT, info).derive(key_material)


def parse_given(text: str) -> bytes:
    """The key that a value from the environment or a secret file means; any text means one."""
    return _decoded(text) or derive(_raw(text), b"data-key-v1")


def parse_file(text: str) -> bytes:
    """The key in a key file; raises `DataKeyError`."""
    if not text:
        raise DataKeyError("data key is empty")
    key = _decoded(text)
    if key is None:
        raise DataKeyError("data key must be 32 bytes or base64-encoded 32 bytes")
    return key


def _decoded(text: str) -> bytes | None:
    """The 32 bytes that the text spells, by the first of four forms that fits."""
    raw = _raw(text)
    for form, altchars in ((raw + b"=", None), (raw, None), (raw + b"=", b"-_")):
        if len(form) == 44 and form.count(b"=") == 1 and not (altchars and set(raw) & set(b"+/")):
            try:
                return base64.b64decode(form, altchars, validate=True)
            except binascii.Error:
                continue
    return raw if len(raw) == KEY_BYTES else None


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def load(given: str, path: Path) -> bytes | None:
    """The given key, else the file's, else None when there is no such file.

    Raises `DataKeyError` where the file can't be read or holds no key.
    """
    if given:
        return parse_given(given)
    try:
        return parse_file(path.read_text(errors="surrogateescape", encoding="utf-8").strip())
    except FileNotFoundError:
        return None
    except OSError as e:
        raise DataKeyError(f"read data key {path}: {e.strerror}") from e


def create(path: Path) -> bytes:
    """A new key, written to `path`, which must not exist; raises `DataKeyError`."""
    key = os.urandom(KEY_BYTES)
    text = base64.b64encode(key).rstrip(b"=") + b"\n"
    try:
        make_folder(path.parent)
        write_new(path, text)
    except OSError as e:
        raise DataKeyError(f"create data key {path}: {e.strerror}") from e
    return key
