"""Changes of credential files on their way to CPA (server contract, section 16).

A change by hand ends what this server remembers of having disabled, and never meets one of its
own: each holds the lock of its files until CPA has answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode

import attrs
import orjson

from cpamp.errors import BadRequest, Problems
from cpamp.inspection import mutation
from cpamp.inspection.account import Account, Identity, text_of
from cpamp.inspection.editor import Editor
from cpamp.inspection.journal import Journal
from cpamp.inspection.mutation import (
    CredentialChanged,
    Effect,
    Expected,
    NoSuchCredential,
    StatusChange,
    expected_of_header,
)
from cpamp.inspection.ownership import Concerns, Holders
from cpamp.store.account_log import ALL_FILES, Actor, Note
from cpamp.web.body import BodyTooLarge
from cpamp.web.proxy import ANY_KIND, PASSING, Proxy
from cpamp.web.request import ApiRequest
from cpamp.web.route import ANY_METHOD, Body, Reply, route

FILES = "/v0/management/auth-files"
# What CPA takes at most, and some room for our own members.
BODY_BYTES = 10 * 1024 * 1024 + 64 * 1024
_PHYSICAL = "X-CPAMP-Auth-File-Physical-Name"
_DELETE = "X-CPAMP-Auth-File-Delete-Identities"
_FIELDS = "X-CPAMP-Auth-File-Mutation-Identity"
_WRITE = "X-CPAMP-Auth-File-Write-Identities"
_CONTENT = "X-CPAMP-Auth-File-Write-Content-SHA256"
_ALL = ("true", "1", "*")
# How a caller says which credentials it has seen under the names that it gives.
IDENTITIES = {
    _PHYSICAL: "the file that a name stands for",
    _DELETE: "the credentials that a deletion is of, as JSON",
    _FIELDS: "the credential that a change of fields is of, as JSON",
    _WRITE: "the credentials that an upload replaces, as JSON",
    _CONTENT: "the SHA-256 of the file that an upload replaces",
}
CHANGING: Problems = (*PASSING, BadRequest, NoSuchCredential, CredentialChanged, BodyTooLarge)
# What is declared of all that may change credentials.
_changing = partial(
    route,
    ANY_METHOD,
    body=Body.stream(),
    headers=IDENTITIES,
    produces=ANY_KIND,
    problems=CHANGING,
)


@attrs.frozen
class Change:
    """A change that is ready to go to CPA: what is sent, and whom it concerns."""

    target: str
    body: bytes
    concerns: Concerns
    accounts: Sequence[Account] = ()
    # Whether it decides who is disabled; else it only writes the files.
    switches: bool = True
    # What the log of accounts calls it, and the files that it names.
    action: str = "fields"
    names: Sequence[str] = ()


@attrs.define
class AuthFiles:
    """`/v0/management/auth-files`, its status and its fields; what changes nothing just passes."""

    _proxy: Proxy
    _editor: Editor
    _holders: Holders
    _journal: Journal

    @_changing(f"{FILES}/", summary="Credential files")
    async def files(self, request: ApiRequest) -> Reply | None:
        """A change by name, a deletion, an upload, or the listing."""
        if request.method == b"DELETE":
            return await self._delete(request)
        if request.method == b"POST":
            return await self._upload(request)
        if request.method == b"PATCH":
            return await self._status(request, legacy=True)
        return await self._proxy.pass_on(request, with_key=True)

    @_changing(f"{FILES}/status/", summary="Switch a credential")
    async def status(self, request: ApiRequest) -> Reply | None:
        """Off or on."""
        if request.method == b"PATCH":
            return await self._status(request, legacy=False)
        return await self._proxy.pass_on(request, with_key=True)

    @_changing(f"{FILES}/fields/", summary="Fields of a credential")
    async def fields(self, request: ApiRequest) -> Reply | None:
        """These leave a credential as disabled as it is."""
        if request.method == b"PATCH":
            return await self._fields(request)
        return await self._proxy.pass_on(request, with_key=True)

    # -- status ---------------------------------------------------------------------------------

    async def _status(self, request: ApiRequest, *, legacy: bool) -> Reply:
        raw = await self._read(request)
        body = _object(raw)
        if body is None or (legacy and "disabled" not in body):
            return await self._proxy.exchange(request, _target(request), raw)
        change = StatusChange.read(body)
        source_file = change.source_file and not legacy
        known = bool(change.physical_name or change.sources)
        names = [*mutation.names_of(change.body), change.physical_name]
        async with self._lock(names if known else None):
            accounts = await self._editor.everything()
            sent = dict(change.body)
            action = "disable" if sent.get("disabled") is True else "enable"
            if source_file:
                concerned = self._source_file(accounts, change)
                sent["name"] = change.physical_name or change.name
                sent.pop("auth_index", None)
            elif change.expected.says_who:
                found = mutation.resolve_expected(
                    accounts, change.physical_name or change.name, change.index, change.expected
                )
                concerned = list(found.concerned)
                account = found.account
                if not legacy:
                    sent["name"] = account.file_name if found.whole_file else account.runtime_id
                sent.pop("auth_index", None)
                if account.auth_index:
                    sent["auth_index"] = account.auth_index
            else:
                concerned = mutation.named(accounts, names, change.index)
            return await self._make(
                request,
                _change(_target(request), orjson.dumps(sent), concerned, names, action=action),
            )

    def _source_file(self, accounts: list[Account], change: StatusChange) -> list[Account]:
        file_name = change.physical_name or change.name
        members = mutation.exact_members(accounts, file_name, change.sources)
        if any(a.runtime_id == file_name and a.file_name != file_name for a in accounts):
            raise CredentialChanged(f"{file_name} is also the id of another credential")
        return members

    # -- fields ---------------------------------------------------------------------------------

    async def _fields(self, request: ApiRequest) -> Reply:
        raw = await self._read(request)
        expected = expected_of_header(request.header(_FIELDS))
        body = _object(raw)
        if body is None and not expected:
            return await self._proxy.exchange(request, _target(request), raw)
        name = text_of((body or {}).get("name"))
        if expected and (len(expected) != 1 or not name):
            raise BadRequest("a verified change needs one identity and a name")
        names = [name, *(one.name for one in expected)]
        async with self._lock(names if expected else None):
            accounts = await self._editor.everything()
            sent = raw
            if expected:
                found = mutation.resolve_expected(
                    accounts, expected[0].runtime_id or expected[0].name, "", expected[0]
                )
                account = found.account
                if found.whole_file or name not in (account.runtime_id, account.file_name):
                    raise CredentialChanged(f"{name} does not stand for this credential alone")
                sent = orjson.dumps({**(body or {}), "name": account.runtime_id})
            concerned = mutation.named(accounts, names)
            change = _change(
                _target(request), sent, concerned, names, switches=False, action="fields"
            )
            return await self._make(request, change)

    # -- deletion -------------------------------------------------------------------------------

    async def _delete(self, request: ApiRequest) -> Reply:
        raw = await self._read(request)
        expected = expected_of_header(request.header(_DELETE))
        physical = (request.header(_PHYSICAL) or "").strip()
        target = _target(request)
        if (request.query("all") or "").strip().lower() in _ALL:
            async with self._lock(None):
                change = Change(target, raw, lambda _: True, action="delete", names=(ALL_FILES,))
                return await self._make(request, change)
        body = _parsed(raw)
        names = [n for n in request.parameters.get("name", []) if n] or mutation.names_of(body)
        known = [physical, *(one.name for one in expected)]
        async with self._lock([*names, *known] if any(known) else None):
            accounts = await self._editor.everything()
            if expected:
                file_name = physical or expected[0].name
                selector = self._verified(accounts, file_name, expected, names)
                target, names = _renamed(request, selector), [selector, file_name]
                raw = b""
            concerned = mutation.named(accounts, [*names, *known])
            # With a file all of its credentials go.
            files = {account.file_name for account in concerned}
            going = [account for account in accounts if account.file_name in files]
            change = _change(target, raw, going, names, action="delete")
            return await self._make(request, change)

    def _verified(
        self,
        accounts: list[Account],
        file_name: str,
        expected: list[Expected],
        names: list[str],
    ) -> str:
        """By what name CPA is asked to delete a file that the caller has described."""
        members = mutation.exact_members(accounts, file_name, expected)
        if len(names) != 1:
            raise BadRequest("a verified deletion names one file")
        if names[0] == file_name:
            return file_name
        if len(members) == 1 and names[0] == members[0].runtime_id:
            return members[0].runtime_id
        raise CredentialChanged(f"{names[0]} does not stand for {file_name}")

    # -- uploads --------------------------------------------------------------------------------

    async def _upload(self, request: ApiRequest) -> Reply:
        raw = await self._read(request)
        expected = expected_of_header(request.header(_WRITE))
        digest = (request.header(_CONTENT) or "").strip().lower()
        kind = request.header("Content-Type") or ""
        names = mutation.uploaded_names(kind, raw, (request.query("name") or "").strip())
        if bool(expected) != bool(digest):
            raise BadRequest(f"{_WRITE} and {_CONTENT} go together")
        if expected and len(set(names)) != 1:
            raise BadRequest("a verified upload is of one file")
        async with self._lock(names or None):
            accounts = await self._editor.everything() if names else []
            if expected:
                mutation.exact_members(accounts, names[0], expected)
                await self._same_content(names[0], digest)
            concerned = [account for account in accounts if account.file_name in names]
            change = _change(
                _target(request), raw, concerned, names, switches=not expected, action="write"
            )
            return await self._make(request, change)

    async def _same_content(self, name: str, digest: str) -> None:
        content = await self._editor.credentials.download(name)
        if sha256(content).hexdigest() != digest:
            raise CredentialChanged("content changed")

    # -- all of them ----------------------------------------------------------------------------

    async def _read(self, request: ApiRequest) -> bytes:
        """The body, if there is a CPA to send it to."""
        _ = self._proxy.client
        return await request.body.whole_up_to(BODY_BYTES)

    def _lock(self, names: Sequence[str] | None) -> AbstractAsyncContextManager[None]:
        """The lock of these files; of all where it is not known which are meant."""
        locks = self._editor.locks
        return locks.all() if names is None else locks.of(name for name in names if name)

    async def _make(self, request: ApiRequest, change: Change) -> Reply:
        """Give up what is remembered, ask CPA, and take back what was not changed after all."""
        if not change.switches:
            reply = await self._proxy.exchange(request, change.target, change.body)
            await self._holders.touched(change.concerns)
            await self._write_down(change, mutation.effect_of(reply.status, reply.body or b""))
            return reply
        given_up = await self._holders.end(change.concerns)
        try:
            reply = await self._proxy.exchange(request, change.target, change.body)
        except BaseException:
            await given_up.restore()
            raise
        effect = mutation.effect_of(reply.status, reply.body or b"")
        await given_up.restore(lambda identity: _spared(identity, change.accounts, effect))
        await self._write_down(change, effect)
        return reply

    async def _write_down(self, change: Change, effect: Effect) -> None:
        """What CPA has done of a change; of files that are new or all, their names alone."""
        places = [
            (account.file_name, account.auth_index)
            for account in change.accounts
            if not _spared(account.identity, change.accounts, effect)
        ]
        if not change.accounts and not effect.nothing:
            names = filter(None, dict.fromkeys(change.names))
            places = [(name, "") for name in names if not effect.spared({name})]
        await self._journal.write(
            [Note(*place, change.action, Actor.PERSON, "panel") for place in places]
        )


def _spared(identity: Identity, accounts: Sequence[Account], effect: Effect) -> bool:
    """Whether a credential that was remembered has been left as it was."""
    names = {identity.file_name}
    names |= {account.runtime_id for account in accounts if account.is_(identity)}
    return effect.spared(names)


def _change(
    target: str,
    body: bytes,
    accounts: Sequence[Account],
    names: Sequence[str],
    *,
    action: str,
    switches: bool = True,
) -> Change:
    """A change of these credentials, and of what is remembered of files that are gone by now."""
    live = {account.file_name for account in accounts}

    def concerns(identity: Identity) -> bool:
        if any(account.is_(identity) for account in accounts):
            return True
        return identity.file_name in names and identity.file_name not in live

    return Change(target, body, concerns, accounts, switches, action, names)


def _target(request: ApiRequest) -> str:
    return request.uri.decode("ascii")


def _renamed(request: ApiRequest, name: str) -> str:
    """The target with another name in its query."""
    path, _, query = _target(request).partition("?")
    kept = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k != "name"]
    return f"{path}?{urlencode([*kept, ('name', name)])}"


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _object(raw: bytes) -> dict[str, Any] | None:
    value = _parsed(raw)
    return value if isinstance(value, dict) else None
