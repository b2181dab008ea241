"""Which results are acted on, and together with which others (inspection contract, 6.1 to 6.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import attrs

from cpamp.errors import Problem
from cpamp.inspection.account import Account, Identity
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.targets import changeable_alone, find, members_of, source_row
from cpamp.inspection.verdict import DELETE, DISABLE, ENABLE, EXECUTABLE
from cpamp.store.inspection import Result

FAILED, SKIPPED, SUCCESS, REVIEW = "failed", "skipped", "success", "needs_review"
# More hits than half of more accounts than this look like an outage, not like used up quotas.
CAP_ACCOUNTS = 5


@attrs.frozen
class Outcome:
    """What became of one result; `disabled` None where that is not known anew.

    `begun`: CPA was asked for the change.
    """

    result: Result
    action: str
    status: str
    error: str = ""
    disabled: bool | None = None
    begun: bool = False

    @property
    def success(self) -> bool:
        """Whether nothing went wrong."""
        return self.status != FAILED


@attrs.frozen
class Item:
    """One change: the first result stands for it, the others are covered by it."""

    action: str
    results: tuple[Result, ...]


@attrs.frozen
class Work:
    """A validated change of live credentials.

    `targets` are what is changed and `members` all credentials of the file. `source` is the row
    that stands for the file, where the file is changed through it.
    """

    item: Item
    targets: tuple[Account, ...]
    members: tuple[Account, ...]
    source: Account | None = None

    @property
    def file_name(self) -> str:
        """The file that is locked meanwhile."""
        return self.members[0].file_name

    @property
    def whole_file(self) -> bool:
        """Whether all credentials of a file with several are meant."""
        return len(self.item.results) > 1


@attrs.frozen
class Plan:
    """Changes to make, and what is settled without."""

    items: list[Item]
    outcomes: list[Outcome]


def mapped(result: Result, mode: str) -> str:
    """The action of a result under a mode: without the mode delete nothing is deleted."""
    return DISABLE if result.action == DELETE and mode == DISABLE else result.action


def automatic(results: Iterable[Result], settings: InspectionSettings) -> list[Result]:
    """The results that may be acted on without a person."""
    mode = settings.auto_action_mode
    return [
        result
        for result in results
        if (result.action in (DISABLE, DELETE) and mode in (DISABLE, DELETE))
        or (result.action == ENABLE and settings.auto_recover and result.auto_recover)
    ]


def capped(chosen: Sequence[Result], results: Sequence[Result]) -> bool:
    """Whether so many accounts would be hit that it looks like an outage."""
    enabled = sum(not result.disabled for result in results)
    hits = sum(result.action != ENABLE and not result.disabled for result in chosen)
    return like_an_outage(hits, enabled)


def like_an_outage(hits: int, enabled: int) -> bool:
    """Whether so many of the enabled accounts don't fail for reasons of their own."""
    return enabled > CAP_ACCOUNTS and 2 * hits > enabled


def identity_of(result: Result) -> Identity:
    """Who a result is about."""
    snapshot = result.account_snapshot if result.account_snapshot != result.file_name else ""
    return Identity(
        result.file_name, result.provider, result.auth_index, result.account_id, snapshot
    )


def plan(
    results: Sequence[Result], chosen: Sequence[Result], action_of: Callable[[Result], str]
) -> Plan:
    """Group the chosen results by what they change; `action_of` also rates the others."""
    found = Plan([], [])
    by_file: defaultdict[str, list[Result]] = defaultdict(list)
    for result in chosen:
        if identity_of(result).stable:
            by_file[result.file_name].append(result)
        else:
            reason = "the credential can't be told from others"
            found.outcomes.append(Outcome(result, action_of(result), REVIEW, reason))
    for file_name, members in by_file.items():
        everyone = [action_of(result) for result in results if result.file_name == file_name]
        if DELETE not in everyone:
            _by_identity(members, action_of, found)
        elif set(everyone) == {DELETE}:
            found.items.append(Item(DELETE, tuple(members)))
        else:
            _mixed(members, action_of, found)
    return found


def _by_identity(members: list[Result], action_of: Callable[[Result], str], found: Plan) -> None:
    groups: defaultdict[Identity, list[Result]] = defaultdict(list)
    for result in members:
        groups[identity_of(result)].append(result)
    for group in groups.values():
        actions = {action_of(result) for result in group}
        if len(actions) == 1:
            found.items.append(Item(actions.pop(), tuple(group)))
        else:
            _mixed(group, action_of, found)


def _mixed(members: list[Result], action_of: Callable[[Result], str], found: Plan) -> None:
    reason = "the verdicts on this file's credentials differ"
    found.outcomes.extend(
        Outcome(result, action_of(result), REVIEW, reason)
        for result in members
        if action_of(result) in EXECUTABLE
    )


def validate(items: Sequence[Item], live: Sequence[Account]) -> tuple[list[Work], list[Outcome]]:
    """Which items fit the live credentials, and what is settled without a change."""
    works: list[Work] = []
    outcomes: list[Outcome] = []
    by_file: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_file[item.results[0].file_name].append(item)
    for file_name, group in by_file.items():
        members = members_of(live, file_name)
        for item in _joined(group, members):
            try:
                works.append(_work(item, members))
            except _Settled as settled:
                outcomes += settled.outcomes(item)
            except Problem as problem:
                outcomes += _all(item, FAILED, problem.message)
    return works, outcomes


def _joined(items: list[Item], members: Sequence[Account]) -> list[Item]:
    """The items of a file, as one where they do the same to all of its credentials."""
    actions = {item.action for item in items}
    results = [result for item in items for result in item.results]
    if len(items) < 2 or len(actions) != 1 or DELETE in actions:
        return items
    return [Item(items[0].action, tuple(results))] if _covers(results, members) else items


def _covers(results: Sequence[Result], members: Sequence[Account]) -> bool:
    """Whether every credential is the one of just one result, and every result has one."""
    if not members or len(results) != len(members):
        return False
    who = [identity_of(result) for result in results]
    return all(sum(account.is_(identity) for identity in who) == 1 for account in members) and all(
        sum(account.is_(identity) for account in members) == 1 for identity in who
    )


class _Settled(Exception):
    """There is nothing to change, or nothing that may be changed."""

    def __init__(self, status: str, reason: str, disabled: bool | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.disabled = status, reason, disabled

    def outcomes(self, item: Item) -> list[Outcome]:
        return _all(item, self.status, self.reason, self.disabled)


def _all(item: Item, status: str, reason: str, disabled: bool | None = None) -> list[Outcome]:
    return [Outcome(result, item.action, status, reason, disabled) for result in item.results]


def _work(item: Item, members: list[Account]) -> Work:
    targets = [find(members, identity_of(result)) for result in _distinct(item)]
    if item.action == DELETE:
        if not _covers(_distinct(item), members):
            raise _Settled(REVIEW, "not every credential of the file is to be deleted")
        return Work(item, tuple(targets), tuple(members))
    wanted = item.action == DISABLE
    whole = len(members) > 1 and len(targets) == len(members)
    if not whole and not changeable_alone(targets[0], members):
        raise _Settled(REVIEW, "the credential can't be changed without others of its file")
    left = [account for account in targets if account.disabled is not wanted]
    if not left:
        state = "disabled" if wanted else "enabled"
        raise _Settled(SKIPPED, f"already {state}", wanted)
    return Work(item, tuple(left), tuple(members), source_row(members) if whole else None)


def _distinct(item: Item) -> list[Result]:
    """One result per credential; a credential may be listed twice."""
    return list({identity_of(result): result for result in item.results}.values())
