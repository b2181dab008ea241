"""Which credential something is about, finer than an account's name (analytics contract, 11.3).

There is one key for events, quota windows and the questions about both.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Self

import attrs

from cpamp.usage.event import Who

PREFIX = "usage-account-history:2"
TARGET_FIELDS = (
    "account_snapshot",
    "auth_label_snapshot",
    "auth_file_snapshot",
    "auth_provider_snapshot",
    "auth_project_id_snapshot",
    "auth_index",
    "source",
)


def provider_name(text: str) -> str:
    """The provider under its own name."""
    name = text.strip().lower().replace("_", "-")
    return "xai" if name in ("x-ai", "grok") else name


@attrs.frozen
class Identity:
    """What tells credentials apart. All parts are trimmed, the provider is folded."""

    file: str
    provider: str
    index: str
    project: str
    account: str
    label: str

    @classmethod
    def of(cls, texts: Mapping[str, str], provider: str) -> Self:
        """The identity that some fields of a credential make."""
        found = {name: texts[name].strip() for name in TARGET_FIELDS}
        names = (found["account_snapshot"], found["auth_label_snapshot"])
        file = found["auth_file_snapshot"]
        if not file and found["source"] not in names:
            file = found["source"]
        return cls(
            file,
            provider_name(provider),
            found["auth_index"],
            found["auth_project_id_snapshot"],
            *names,
        )

    @cached_property
    def key(self) -> str:
        """The account key; "" where too little is known for one."""
        shared = (
            ("index", self.index),
            ("project", self.project),
            ("account", self.account),
            ("label", self.label),
        )
        if self.file:
            if self.index:
                return _key("file-index", self.file, self.index)
            for kind, part in shared[1:]:
                if part:
                    return _key(f"file-{kind}", self.file, self.provider, part)
            return _key("file", self.file, self.provider)
        for kind, part in shared:
            if self.provider and part:
                name = "auth-index" if kind == "index" else kind
                return _key(name, self.provider, part)
        return ""


def account_key_of(who: Who) -> str:
    """The account key of an event's credential."""
    return Identity.of(who._asdict(), who.auth_provider_snapshot.strip() or who.provider).key


def _key(kind: str, *parts: str) -> str:
    return ":".join((PREFIX, kind, *(_hex(part) for part in parts)))


def _hex(part: str) -> str:
    return part.encode(errors="replace").hex().upper()
