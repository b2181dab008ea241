"""Validators of what is changed as a whole: `ETag`, `If-Match` and `If-None-Match`."""

from __future__ import annotations

import re

_TAG = re.compile(r'\s*(?:W/)?"([0-9]{1,18})"\s*')

# What a route declares that answers 304.
IF_NONE_MATCH = {"If-None-Match": "the ETag of the answer that the client has"}
# What a route declares whose answers have a validator.
ETAG = {"ETag": "the validator of this answer"}
VERSION = {"ETag": "the version of what is stored now, for `If-Match` and `If-None-Match`"}
_ANY_TAG = re.compile(r'"[^"]*"')


def etag(version: int) -> str:
    """The validator of a version."""
    return f'"{version}"'


def versions(header: str | None) -> frozenset[int] | None:
    """The versions that `If-Match` names; None where any will do.

    A weak validator counts as well: packing proxies weaken the ones that they pass on.
    """
    if header is None or header.strip() == "*":
        return None
    tags = map(_TAG.fullmatch, header.split(","))
    return frozenset(int(tag[1]) for tag in tags if tag)


def matches(header: str | None, tag: str) -> bool:
    """Whether `If-None-Match` names this validator, as a weak one too, or any with ``*``."""
    if header is None:
        return False
    return header.strip() == "*" or tag in _ANY_TAG.findall(header)


def beginning(header: str | None, text: str) -> str | None:
    """The first validator of `If-None-Match` that begins with a text, as a strong one."""
    return next((tag for tag in _ANY_TAG.findall(header or "") if tag.startswith(f'"{text}')), None)


def unchanged(header: str | None, version: int) -> bool:
    """Whether `If-None-Match` says that the client has this version."""
    return matches(header, etag(version))
