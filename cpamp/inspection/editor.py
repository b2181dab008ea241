"""Changes of credentials in CPA, each after a last look at what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from cpamp.cpa.client import CpaClient
from cpamp.cpa.credentials import Credentials
from cpamp.cpa.errors import PluginConflict
from cpamp.errors import CpaUnreachable, Problem
from cpamp.inspection.account import Account, Identity, accounts_of
from cpamp.inspection.locks import FileLocks
from cpamp.inspection.problems import NotConfigured
from cpamp.inspection.targets import (
    TargetGone,
    TargetShared,
    changeable_alone,
    find,
    members_of,
    same_members,
)


@attrs.frozen
class Editor:
    """Makes changes; whoever calls holds the lock of the file (`locks`)."""

    _client_of: Callable[[], CpaClient | None]
    locks: FileLocks

    @property
    def credentials(self) -> Credentials:
        """The credentials of the present CPA; raises `NotConfigured`."""
        client = self._client_of()
        if client is None:
            raise NotConfigured
        return Credentials(client)

    async def everything(self) -> list[Account]:
        """All live credentials."""
        return accounts_of(await self.credentials.listing())

    async def members(self, file_name: str) -> list[Account]:
        """The live credentials of a file. An old CPA ignores the name and lists all."""
        return members_of(accounts_of(await self.credentials.listing(name=file_name)), file_name)

    async def alone(self, identity: Identity) -> Account:
        """The live credential, which can be changed alone; raises a `Problem` otherwise."""
        members = await self.members(identity.file_name)
        account = find(members, identity)
        if not changeable_alone(account, members):
            raise TargetShared(identity.file_name)
        return account

    async def switch(self, account: Account, disabled: bool, selector: str = "") -> Account:
        """Switch a credential off or on: as it is afterwards.

        Where CPA's answer does not come, CPA itself is asked what has become of it.
        """
        try:
            await self.credentials.set_disabled(
                selector or account.runtime_id, disabled, account.auth_index
            )
        except CpaUnreachable:
            after = await self._again(account)
            if after.disabled is not disabled:
                raise
            return after
        try:
            return await self._again(account)
        except Problem:
            # It is done; when its file was written remains unknown.
            return attrs.evolve(account, disabled=disabled, mark_ms=0)

    async def switch_file(self, members: Sequence[Account], disabled: bool) -> list[Account]:
        """Switch all credentials of a file that has no row of its own, or none of them."""
        changed: list[Account] = []
        for account in members:
            try:
                changed.append(await self.switch(account, disabled))
            except PluginConflict:
                if changed:
                    await self._undo(changed, disabled)
                    raise
                return await self._switch_by_name(members, disabled)
            except BaseException:
                await self._undo(changed, disabled)
                raise
        return changed

    async def _switch_by_name(self, members: Sequence[Account], disabled: bool) -> list[Account]:
        file_name = members[0].file_name
        if not same_members(members, await self.members(file_name)):
            raise TargetGone(file_name)
        await self.credentials.set_disabled(file_name, disabled)
        return await self.members(file_name)

    async def _undo(self, changed: Sequence[Account], disabled: bool) -> None:
        for account in changed:
            await self.switch(account, not disabled)

    async def delete(self, members: Sequence[Account]) -> None:
        """Delete a file with all of its credentials, which are `members`."""
        file_name = members[0].file_name
        if len(members) > 1:
            await self._deleted(file_name, file_name)
            return
        selector = members[0].runtime_id or file_name
        try:
            await self._deleted(selector, file_name)
        except PluginConflict:
            live = await self.everything()
            if not same_members(members, members_of(live, file_name)):
                raise TargetGone(file_name) from None
            if any(a.runtime_id == file_name and a.file_name != file_name for a in live):
                raise
            await self._deleted(file_name, file_name)

    async def _deleted(self, selector: str, file_name: str) -> None:
        try:
            await self.credentials.delete(selector)
        except CpaUnreachable:
            if await self.members(file_name):
                raise

    async def _again(self, account: Account) -> Account:
        members = await self.members(account.file_name)
        try:
            return find(members, account.identity)
        except TargetGone:
            # Switched, and gone since: nothing is left to be told of.
            return account
