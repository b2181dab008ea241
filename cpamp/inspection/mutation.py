"""Changes of credential files that pass through the proxy (server contract, section 16)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import attrs
import orjson

from cpamp.errors import BadRequest, NotFound, Problem
from cpamp.inspection.account import Account, first, text_of
from cpamp.inspection.targets import members_of
from cpamp.usage.identity import provider_name

IDENTITIES_BYTES = 1024 * 1024
SOURCE_FLAG = "cpamp_source_file"
_EXTRA = (
    "cpamp_physical_name",
    "cpamp_runtime_id",
    "cpamp_provider",
    "cpamp_account_id",
    "cpamp_account_snapshot",
)
_SOURCES = "cpamp_source_identities"
_FILE_NAME = re.compile(rb'filename="([^"\r\n]*)"|filename=([^;"\r\n]+)', re.IGNORECASE)


class NoSuchCredential(NotFound):
    """CPA has no credential of that name."""


class CredentialChanged(Problem):
    """What the caller saw is not what CPA has."""

    code = "auth_file_changed"
    status = 409


@attrs.frozen
class Expected:
    """A credential as the caller saw it; "" where he does not say."""

    name: str
    runtime_id: str = ""
    auth_index: str = ""
    provider: str = ""
    account_id: str = ""
    account_snapshot: str = ""

    @classmethod
    def read(cls, value: Any) -> Expected:
        """The identity of an object, in camel or snake case; raises `BadRequest`."""
        if not isinstance(value, dict) or not first(value, ("name",)):
            raise BadRequest("an identity needs a name")
        return cls(
            first(value, ("name",)),
            first(value, ("runtimeId", "runtime_id")),
            first(value, ("authIndex", "auth_index")),
            provider_name(first(value, ("provider",))),
            first(value, ("accountId", "account_id")),
            first(value, ("accountSnapshot", "account_snapshot")),
        )

    def fits(self, account: Account) -> bool:
        """Whether every part that is stated is so."""
        pairs = (
            (self.name, account.file_name),
            (self.runtime_id, account.runtime_id),
            (self.auth_index, account.auth_index),
            (self.provider, account.provider),
        )
        if any(expected and expected != is_ for expected, is_ in pairs):
            return False
        if self.account_id:
            return self.account_id in account.account_ids
        return not self.account_snapshot or self.account_snapshot == account.account_snapshot

    @property
    def says_who(self) -> bool:
        """Whether there is more than a place to verify."""
        return bool(self.provider or self.account_id or self.account_snapshot)


def expected_of_header(text: str | None) -> list[Expected]:
    """The identities of a header, [] where there is none; raises `BadRequest`."""
    if text is None:
        return []
    decoded = unquote(text)
    if len(decoded.encode(errors="replace")) > IDENTITIES_BYTES:
        raise BadRequest("the header of identities is too large")
    try:
        return expected_list(orjson.loads(decoded))
    except orjson.JSONDecodeError as error:
        raise BadRequest("the header of identities is no JSON") from error


def expected_list(value: Any) -> list[Expected]:
    """A list of identities that is not empty; raises `BadRequest`."""
    if not isinstance(value, list) or not value:
        raise BadRequest("identities must be a list that is not empty")
    return [Expected.read(item) for item in value]


# -- what is named ------------------------------------------------------------------------------


def names_of(body: Any) -> list[str]:
    """The names in a body: a list of them, or the members `name` and `names` of an object."""
    listed = body if isinstance(body, list) else []
    if isinstance(body, dict):
        names = body.get("names")
        listed = [*(names if isinstance(names, list) else []), body.get("name")]
    return [text for item in listed if isinstance(item, str) and (text := item.strip())]


def uploaded_names(content_type: str, body: bytes, query_name: str) -> list[str]:
    """The files that an upload replaces: those of its parts, or the one that the query names."""
    match = re.search(r'boundary="?([^";,]+)', content_type)
    if "multipart/form-data" not in content_type.lower() or match is None:
        return [query_name] if query_name else []
    return list(dict.fromkeys(_part_names(body, b"--" + match[1].strip().encode())))


def _part_names(body: bytes, boundary: bytes) -> Iterator[str]:
    for part in body.split(boundary)[1:]:
        head = part.partition(b"\r\n\r\n")[0]
        found = _FILE_NAME.search(head)
        if found:
            name = (found[1] or found[2] or b"").decode(errors="replace").strip()
            # CPA takes the last part of a path.
            yield name.replace("\\", "/").rpartition("/")[2]


def named(accounts: Sequence[Account], names: Sequence[str], index: str = "") -> list[Account]:
    """The credentials that CPA could mean by these names: runtime ids or files."""
    return [
        account
        for account in accounts
        if {account.runtime_id, account.file_name} & set(names)
        and (not index or account.auth_index == index)
    ]


# -- what is there ------------------------------------------------------------------------------


@attrs.frozen
class Resolved:
    """The live credential that a change is for, and whether its whole file is."""

    account: Account
    members: tuple[Account, ...]
    whole_file: bool

    @property
    def concerned(self) -> tuple[Account, ...]:
        """Whose state changes."""
        return self.members if self.whole_file else (self.account,)


def resolve(accounts: Sequence[Account], selector: str, index: str = "") -> Resolved:
    """What a name stands for; raises `NoSuchCredential` or `CredentialChanged` (16.3)."""
    rows = [account for account in accounts if account.runtime_id == selector]
    rows = rows or members_of(accounts, selector)
    rows = [account for account in rows if not index or account.auth_index == index]
    if not rows:
        raise NoSuchCredential(f"CPA has no credential {selector}")
    if len(rows) > 1:
        raise CredentialChanged(f"{selector} stands for several credentials")
    account = rows[0]
    if not account.runtime_id:
        raise CredentialChanged(f"CPA does not tell the id of {selector}")
    members = members_of(accounts, account.file_name)
    sources = [other for other in members if other.runtime_id == other.file_name]
    if len(members) > 1 and len(sources) > 1:
        raise CredentialChanged(f"{account.file_name} has several entries of its own")
    if len(members) > 1 and sources and sources[0] is not account:
        raise CredentialChanged(f"{selector} was expanded from {account.file_name}")
    return Resolved(account, tuple(members), len(members) > 1 and bool(sources))


def resolve_expected(
    accounts: Sequence[Account], selector: str, index: str, expected: Expected
) -> Resolved:
    """The same for a credential that the caller describes; raises if it is another one."""
    try:
        found = resolve(accounts, selector, index)
    except Problem:
        fitting = [account for account in accounts if expected.fits(account)]
        if len(fitting) != 1 or not fitting[0].runtime_id:
            raise
        found = resolve(accounts, fitting[0].runtime_id)
    if not expected.fits(found.account):
        raise CredentialChanged(f"{selector} is another credential by now")
    return found


def exact_members(
    accounts: Sequence[Account], file_name: str, expected: Sequence[Expected]
) -> list[Account]:
    """The credentials of a file, which must be just those; raises otherwise."""
    members = members_of(accounts, file_name)
    if not members:
        raise NoSuchCredential(f"CPA has no file {file_name}")
    fitting = all(sum(one.fits(account) for account in members) == 1 for one in expected)
    known = all(any(one.fits(account) for one in expected) for account in members)
    if len(members) != len(expected) or not fitting or not known:
        raise CredentialChanged(f"{file_name} holds other credentials by now")
    return members


# -- bodies of a status change ------------------------------------------------------------------


@attrs.frozen
class StatusChange:
    """The body of a status change without our own members, and what these say."""

    body: dict[str, Any]
    physical_name: str
    expected: Expected
    source_file: bool
    sources: tuple[Expected, ...]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> StatusChange:
        """The change of a body; raises `BadRequest`."""
        ours = {key: text_of(body.get(key)) for key in _EXTRA}
        rest = {k: v for k, v in body.items() if k not in {*_EXTRA, SOURCE_FLAG, _SOURCES}}
        sources = body.get(_SOURCES)
        source_file = body.get(SOURCE_FLAG) is True
        if source_file and not sources:
            raise BadRequest(f"{SOURCE_FLAG} needs {_SOURCES}")
        return cls(
            body=rest,
            physical_name=ours["cpamp_physical_name"],
            expected=Expected(
                ours["cpamp_physical_name"],
                ours["cpamp_runtime_id"],
                "",
                provider_name(ours["cpamp_provider"]),
                ours["cpamp_account_id"],
                ours["cpamp_account_snapshot"],
            ),
            source_file=source_file,
            sources=tuple(expected_list(sources)) if sources else (),
        )

    @property
    def name(self) -> str:
        """What CPA is asked to change."""
        return text_of(self.body.get("name"))

    @property
    def index(self) -> str:
        """The index that is asked for."""
        return text_of(self.body.get("auth_index"))


# -- what came of it ----------------------------------------------------------------------------


@attrs.frozen
class Effect:
    """What CPA's answer says was done; None: it does not say, so everything may have been."""

    done: frozenset[str] | None
    failed: frozenset[str] = frozenset()
    nothing: bool = False

    def spared(self, account_names: set[str]) -> bool:
        """Whether a credential of these names was left as it is."""
        if self.nothing or account_names & self.failed:
            return True
        return self.done is not None and not account_names & self.done


def effect_of(status: int, body: bytes) -> Effect:
    """The effect of a change by its answer (16.4)."""
    nothing = Effect(None, nothing=True)
    if not 200 <= status < 300:
        return nothing
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Effect(None)
    if not isinstance(value, dict):
        return Effect(None)
    said = value.get("status")
    counts = (value.get(name) for name in ("deleted", "uploaded"))
    if (
        value.get("ok") is False
        or value.get("success") is False
        or (isinstance(said, str) and said.lower() in ("error", "failed"))
        or any(isinstance(n, int) and not isinstance(n, bool) and n <= 0 for n in counts)
    ):
        return nothing
    files, failed = value.get("files"), value.get("failed")
    return Effect(
        frozenset(_texts(files)) if isinstance(files, list) else None,
        frozenset(_texts(failed)) if isinstance(failed, list) else frozenset(),
    )


def _texts(items: list[Any]) -> Iterator[str]:
    for item in items:
        name = item.get("name") if isinstance(item, dict) else item
        if isinstance(name, str):
            yield name
