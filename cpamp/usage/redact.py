"""Taking secrets out of texts and payloads before anything is stored (usage contract, 3.8, 3.9)."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"
SUMMARY_BYTES = 4096
NAME_BYTES = 256
# What is looked at of a text at all; failure bodies have no limit at their source.
READ_CHARS = 72 * 1024

# Only a text in which this finds something can hold what the patterns below look for.
# It is put to the text in lower case, since a search without case is several times slower.
_FIRST_LOOK = re.compile(
    r"authorization|bearer|basic\s|token|api[-_ ]?key|cookie|@"
    r"|sk-|sess-|ghp_|hf_|pk_|rk_|github_pat_|aiza"
)
_A = re.ASCII | re.IGNORECASE
# Fields whose value is a credential, at the beginning of a word or of a part of a name.
_COOKIE = r"(?:set[-_])?cookie"
_KEY = r"(?:x[-_])?api[-_ ]?key"
_TOKEN = r"(?:access|refresh|id)[-_]?token"
_FIELD = r"(?<![A-Za-z0-9])"
# A quotation mark as it is in a JSON text, or in one that is a string inside another.
_QUOTE = r"\\*[\"']"
_FIELDS = ("authorization", "cookie", "api", "token")
# What each finds, what takes its place, and the words of which one is in whatever it finds.
_PATTERNS: tuple[tuple[re.Pattern[str], str, tuple[str, ...]], ...] = (
    # Strings and lists of strings: from the first quotation mark to the last one, wherever
    # commas and blanks are between them.
    (
        re.compile(
            rf"{_FIELD}((?:authorization|{_COOKIE}|{_KEY}|{_TOKEN})(?:{_QUOTE})?\s*[:=]\s*)\[\s*"
            rf"({_QUOTE}).*?(?:(?<!\\)\2\s*\]|\Z)",
            _A | re.DOTALL,
        ),
        rf"\1[\2{REDACTED}\2]",
        _FIELDS,
    ),
    (
        re.compile(
            rf"{_FIELD}((?:authorization|{_COOKIE}|{_KEY}|{_TOKEN})(?:{_QUOTE})?\s*[:=]\s*)"
            rf"({_QUOTE}).*?(?:(?<!\\)\2|\Z)",
            _A | re.DOTALL,
        ),
        rf"\1\2{REDACTED}\2",
        _FIELDS,
    ),
    # The lines of a header; some schemes have several parts, with blanks and commas.
    (
        re.compile(
            rf"{_FIELD}(authorization(?:{_QUOTE})?[ \t]*[:=][ \t]*)"
            r"(?:(?:digest|aws4-hmac-sha256)[ \t][^\r\n{}]*"
            r"|(?!\[+\\*[\"'])(?:(?:bearer|basic|token)[ \t]+)?[^\s,\"'{}\\]+)",
            _A,
        ),
        rf"\1{REDACTED}",
        ("authorization",),
    ),
    (re.compile(r"\bbearer\s+[A-Za-z0-9._~+/=-]{8,}", _A), f"Bearer {REDACTED}", ("bearer",)),
    (
        re.compile(
            rf"{_FIELD}((?:{_TOKEN}|{_KEY})(?:\s*{_QUOTE})?\s*[:=]\s*)"
            r"(?!\[+\\*[\"'])[^\"',&}\s\\]+",
            _A,
        ),
        rf"\1{REDACTED}",
        ("token", "api"),
    ),
    (
        re.compile(
            r"(?:sk-|sess-)[A-Za-z0-9_-]{6,}|(?:ghp_|hf_|pk_|rk_)[A-Za-z0-9]{6,}"
            r"|github_pat_[A-Za-z0-9_]{20,}|AIza[0-9A-Za-z_-]{8,}"
        ),
        REDACTED,
        ("sk-", "sess-", "ghp_", "hf_", "pk_", "rk_", "github_pat_", "aiza"),
    ),
    # A comma ends a cookie, unless another one or the rest of a date follows.
    (
        re.compile(
            rf"{_FIELD}({_COOKIE})\s*:(?!\s*(?:\[\s*)?{_QUOTE})[^,\r\n\"}}]*"
            r"(?:,\s*\d\d?[ -][a-z]{3}[ -][^,\r\n\"}]*|,[^,=\r\n\"}]*=[^,\r\n\"}]*)*",
            _A,
        ),
        rf"\1: {REDACTED}",
        ("cookie",),
    ),
    (
        re.compile(
            r"(?<![A-Za-z0-9._%+-])([A-Za-z0-9._%+-])[A-Za-z0-9._%+-]*+@"
            r"([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})"
        ),
        r"\1***@\2",
        ("@",),
    ),
)
_BASIC = re.compile(r"\b(basic)\s+([A-Za-z0-9+/]{4,}={0,2})", _A)


def cut(text: str, limit: int) -> str:
    """`text` if it has at most `limit` bytes, else its beginning and ``...``.

    A text that was cut is not cut again.
    """
    if len(text) <= limit and (text.isascii() or len(text.encode(errors="replace")) <= limit):
        return text
    whole = text.encode(errors="replace")
    if len(whole) <= limit + (3 if text.endswith("...") else 0):
        return text
    kept = whole[:limit].decode(errors="ignore")
    return kept.strip() + "..."


def redact(text: str, limit: int = SUMMARY_BYTES) -> str:
    """`text` without credentials and with shortened e-mail addresses, of at most `limit` bytes.

    What is cut off is marked by ``...``, so the result may be three bytes longer.
    """
    text = text[:READ_CHARS]
    lower = text.lower()
    if _FIRST_LOOK.search(lower):
        for pattern, replacement, words in _PATTERNS:
            if any(word in lower for word in words):
                text = pattern.sub(replacement, text)
        text = _BASIC.sub(_basic, text)
    return cut(text.strip(), limit)


def _basic(match: re.Match[str]) -> str:
    # "Basic" is also an English word: only what decodes to `user:password` is a credential.
    try:
        decoded = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4))
    except (binascii.Error, ValueError):
        return match[0]
    return f"{match[1]} {REDACTED}" if b":" in decoded else match[0]


redact_value = lru_cache(maxsize=8192)(redact)


# What of all that can't be a part of a model's or a route's name: "task-runner" is one.
_NO_NAME = re.compile(
    r"(?<![a-z0-9])(?:sk-|sess-|ghp_|hf_|pk_|rk_|github_pat_|aiza)[a-z0-9_-]{12,}"
    r"|authorization|bearer\s|basic\s|(?:token|api[-_ ]?key|cookie)\W{0,3}[:=]|@.*\."
)


def redact_id(text: str) -> str:
    """The name of one thing alone as it may be stored and shown, with no secret in it."""
    return redact(text) if _NO_NAME.search(text.lower()) else text


# For the names of things that come again and again.
redact_name = lru_cache(maxsize=16384)(redact_id)


def secret_looking(text: str) -> bool:
    """Whether a text looks like a key rather than a name."""
    if any(c in " /\\" for c in text):
        return False
    return text.startswith(("sk-", "AIza")) or len(text.encode(errors="replace")) >= 32


# What `mask_source` makes of a key; such a text may have as many bytes as a key.
_MASKED = re.compile(r"m:(?:\*{4}|.{4}\.{3}.{4})", re.DOTALL)


@lru_cache(maxsize=16384)
def mask_source(text: str) -> str:
    """An upstream identity as it may be stored and shown; masking twice changes nothing."""
    text = text.strip()
    if _MASKED.fullmatch(text):
        return text
    name, at, rest = text.partition("@")
    if at:
        shown = name.removesuffix("***").encode(errors="replace")
        if name.endswith("***") and len(shown) <= 3:
            return text
        begun = name.encode(errors="replace")[:3].decode(errors="ignore")
        return f"{begun}***@{redact_name(rest)}"
    if not secret_looking(text):
        return redact_name(text)
    return "m:****" if len(text) <= 8 else f"m:{text[:4]}...{text[-4:]}"


@lru_cache(maxsize=8192)
def clean_request_text(text: str, limit: int) -> str:
    """Request metadata in one printable line of at most `limit` bytes, without secrets."""
    text = redact_name(text)
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    text = " ".join(text.split())
    return text if len(text) * 4 <= limit else cut_within(text, limit)


def cut_within(text: str, limit: int) -> str:
    """`text` if it has at most `limit` bytes, else cut to that with its ``...``."""
    whole = text.encode(errors="replace")
    if len(whole) <= limit:
        return text
    return whole[: limit - 3].decode(errors="ignore").strip() + "..."


# Member names, in lower case and with underscores, whose values are never kept. `source` and
# its like are masked, since they also tell accounts.
_SECRET_NAME = re.compile(
    r"^(?:key|api)$|(?:^|_)(?:api_?key|authorization|cookie|token)$"
    r"|(?:api|access)key$|(?:access|refresh|id|auth|session)token$|secret|password"
)
_REQUEST_TEXTS = {
    "client_ip": 64,
    "clientip": 64,
    "x_forwarded_for": 2048,
    "xforwardedfor": 2048,
    "user_agent": 1024,
    "useragent": 1024,
}
_DEEPEST = 64


def redact_json(value: Any, name: str = "", depth: int = 0) -> Any:
    """A copy of a JSON value without secrets; `name` is the member that holds it."""
    if isinstance(value, dict):
        if depth > _DEEPEST:
            return REDACTED
        return {
            _member_name(member): redact_member(member, inner, depth)
            for member, inner in value.items()
        }
    if isinstance(value, list):
        return [redact_json(inner, name, depth + 1) for inner in value] if depth <= _DEEPEST else []
    if not isinstance(value, str):
        return value
    if name in ("source", "account", "email"):
        return mask_source(value)
    if name in _REQUEST_TEXTS:
        return clean_request_text(value, _REQUEST_TEXTS[name])
    return redact(value)


def redact_member(member: str, value: Any, depth: int = 0) -> Any:
    """The value of one member of an object, without secrets."""
    name = member.lower().replace("-", "_").replace(" ", "_")
    if _SECRET_NAME.search(name):
        return REDACTED
    return redact_json(value, name, depth + 1)


def _member_name(member: str) -> str:
    # Figures by key or by account have secrets for names.
    return redact_value(member, NAME_BYTES)
