"""Whether a client takes packed answers."""

from __future__ import annotations


def accepts_gzip(header: str | None) -> bool:
    """Whether an `Accept-Encoding` allows gzip."""
    for part in (header or "").lower().split(","):
        name, _, quality = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
