"""A credential as CPA's listing has it, and who it is (inspection contract, 5.1 and 6.2).

There is one rule for who a credential is, for inspection, cooldowns, candidates and the proxy
(point 7 of section 16).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import orjson

from cpamp.usage.identity import provider_name
from cpamp.usage.values import as_time

Entry = Mapping[str, Any]
UNKNOWN_FILE = "unknown-auth-file"
_INDEX = ("auth_index", "authIndex", "auth-index")
_SNAPSHOT = ("account", "email", "display_account", "displayAccount")
_CHATGPT_ID = ("chatgpt_account_id", "chatgptAccountId", "account_id", "accountId")
_OTHER_ID = ("project_id", "projectId", "gemini_virtual_project", "geminiVirtualProject", "sub")
_PLAN = ("plan_type", "planType")
_ID_TOKEN = ("id_token", "idToken")
# File times that are nearer than this are those of one writing.
MARK_TOLERANCE_MS = 2_000


@attrs.frozen
class Identity:
    """Who a credential is; "" where it is not known. `account_id` outweighs the snapshot."""

    file_name: str
    provider: str
    auth_index: str = ""
    account_id: str = ""
    account_snapshot: str = ""

    @property
    def stable(self) -> bool:
        """Whether this is enough to change the credential (6.2)."""
        return bool(self.file_name and self.provider) and bool(
            self.auth_index or self.account_id or self.account_snapshot
        )


@attrs.frozen
class Account:
    """One entry of the listing."""

    file_name: str
    runtime_id: str
    auth_index: str
    provider: str
    account_snapshot: str
    label: str
    # The first is the account's id; a caller may know it by another one of them.
    account_ids: tuple[str, ...]
    plan_type: str
    disabled: bool
    status: str
    state: str
    # When the file was written last, in ms; 0 where CPA does not tell.
    mark_ms: int
    entry: Entry = attrs.field(eq=False, repr=False)

    @classmethod
    def of(cls, entry: Entry) -> Account:
        """The account of an entry."""
        index = first(entry, _INDEX)
        runtime_id = first(entry, ("id",))
        return cls(
            file_name=first(entry, ("name", "id")) or index or UNKNOWN_FILE,
            runtime_id=runtime_id,
            auth_index=index,
            provider=provider_name(first(entry, ("provider", "type"))),
            account_snapshot=first(entry, _SNAPSHOT),
            label=first(entry, ("label",)),
            account_ids=tuple(dict.fromkeys(_account_ids(entry))),
            plan_type=plan_name(_everywhere(entry, _PLAN)),
            disabled=_disabled(entry),
            status=first(entry, ("status",)),
            state=first(entry, ("state",)),
            mark_ms=as_time(first(entry, ("modtime", "updated_at"))) or 0,
            entry=entry,
        )

    @property
    def account_id(self) -> str:
        """The account's id, "" where there is none."""
        return self.account_ids[0] if self.account_ids else ""

    @property
    def display_account(self) -> str:
        """What people call it."""
        return self.account_snapshot or self.label or self.file_name

    @property
    def identity(self) -> Identity:
        """Who it is. A snapshot that is the name of the file says nothing."""
        snapshot = self.account_snapshot if self.account_snapshot != self.file_name else ""
        return Identity(self.file_name, self.provider, self.auth_index, self.account_id, snapshot)

    def is_(self, expected: Identity) -> bool:
        """Whether this is the credential that was meant: every known part must agree."""
        if self.file_name != expected.file_name:
            return False
        if expected.provider and self.provider != expected.provider:
            return False
        if expected.auth_index and self.auth_index != expected.auth_index:
            return False
        if expected.account_id:
            return expected.account_id in self.account_ids
        if expected.account_snapshot and expected.account_snapshot != expected.file_name:
            return self.account_snapshot == expected.account_snapshot
        return bool(expected.auth_index)


def accounts_of(entries: Sequence[Entry]) -> list[Account]:
    """The accounts of a listing."""
    return [Account.of(entry) for entry in entries if entry]


def key_of(account: Account, taken: set[str]) -> str:
    """A key of the account that is not among `taken`, stable from run to run; adds it there."""
    if account.auth_index:
        key = f"{account.file_name}::{account.auth_index}"
    else:
        parts = (account.provider, account.account_id or account.account_snapshot)
        key = "::".join((account.file_name, *(part for part in parts if part)))
        if key in taken and account.runtime_id:
            key = f"{key}::{account.runtime_id}"
    plain, number = key, 1
    while key in taken:
        number += 1
        key = f"{plain}#{number}"
    taken.add(key)
    return key


def same_mark(first_ms: int, second_ms: int) -> bool:
    """Whether two times of a file are of one writing, as far as they are known."""
    return not first_ms or not second_ms or abs(first_ms - second_ms) <= MARK_TOLERANCE_MS


def plan_name(text: str) -> str:
    """A plan's one name."""
    return text.strip().lower().replace("_", "-")


def text_of(value: Any) -> str:
    """A scalar as text without blanks around it; whole numbers without decimals."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(int(value)) if float(value).is_integer() else str(value)


def first(entry: Entry, names: Sequence[str]) -> str:
    """The first member of these names that is not blank."""
    return next((text for name in names if (text := text_of(entry.get(name)))), "")


def places(entry: Entry) -> Iterator[Entry]:
    """The objects in which a member may lie: the entry, its metadata, its attributes."""
    yield entry
    for name in ("metadata", "attributes"):
        inner = entry.get(name)
        if isinstance(inner, dict):
            yield inner


def _claims(entry: Entry) -> Iterator[Entry]:
    for place in places(entry):
        for name in _ID_TOKEN:
            claims = _decoded(place.get(name))
            if claims is not None:
                yield claims


def _everywhere(entry: Entry, names: Sequence[str]) -> str:
    found = (first(place, names) for place in (*places(entry), *_claims(entry)))
    return next((text for text in found if text), "")


def _account_ids(entry: Entry) -> Iterator[str]:
    objects = (*places(entry), *_claims(entry))
    for names in (_CHATGPT_ID, _OTHER_ID):
        for place in objects:
            yield from (text for name in names if (text := text_of(place.get(name))))


def _decoded(token: Any) -> Entry | None:
    """The claims of an id token: an object, its JSON, or a JWT, whose signature nobody checks."""
    if isinstance(token, dict):
        return token
    if not isinstance(token, str) or not token.strip():
        return None
    text: str | bytes = token.strip()
    parts = token.strip().split(".")
    if len(parts) == 3:
        try:
            text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        except (binascii.Error, ValueError):
            return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _disabled(entry: Entry) -> bool:
    if first(entry, ("status", "state")).lower() in ("disabled", "inactive"):
        return True
    value = entry.get("disabled")
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1")
    return isinstance(value, bool | int | float) and bool(value)
