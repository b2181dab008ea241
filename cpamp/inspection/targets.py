"""Which live credential a change is for, and whether it may be made (inspection contract, 6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cpamp.errors import Problem
from cpamp.inspection.account import Account, Identity


class TargetGone(Problem):
    """The credential is missing, or another one is in its place."""

    status = 409

    def __init__(self, file_name: str) -> None:
        super().__init__(f"the credential of {file_name} is missing or its identity changed")


class TargetShared(Problem):
    """The credential can't be changed without others of its file."""

    status = 409

    def __init__(self, file_name: str) -> None:
        super().__init__(f"the credential of {file_name} shares its file and can't change alone")


def members_of(accounts: Iterable[Account], file_name: str) -> list[Account]:
    """The credentials of a file."""
    return [account for account in accounts if account.file_name == file_name]


def find(accounts: Iterable[Account], identity: Identity) -> Account:
    """The one live credential of that identity; raises `TargetGone`."""
    matching = [account for account in accounts if account.is_(identity)]
    if len(matching) != 1:
        raise TargetGone(identity.file_name)
    return matching[0]


def source_row(members: Sequence[Account]) -> Account | None:
    """The entry that stands for the file itself while others were expanded from it."""
    rows = [account for account in members if account.runtime_id == account.file_name]
    return rows[0] if len(rows) == 1 else None


def changeable_alone(account: Account, members: Sequence[Account]) -> bool:
    """Whether a change of this credential leaves the others of its file as they are."""
    if not account.runtime_id:
        return False
    if len(members) == 1:
        return True
    if sum(other.runtime_id == account.runtime_id for other in members) != 1:
        return False
    return not any(other.runtime_id == other.file_name for other in members)


def same_members(before: Sequence[Account], after: Sequence[Account]) -> bool:
    """Whether a file still holds the same credentials, each once."""
    return len(before) == len(after) and all(
        sum(account.is_(former.identity) for account in after) == 1 for former in before
    )
