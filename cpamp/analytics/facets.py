"""What the dictionaries mean to the questions: groups and keys, a number for each row of theirs.

Source: analytics contract, sections 4.1, 6 and 8. Dictionaries only grow while they live, so what
was worked out for a row is kept; another file comes with new dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from cpamp.store.reading import Known
from cpamp.usage.event import ModelNames, Way, Who
from cpamp.usage.identity import account_key_of
from cpamp.usage.models import separate_reasoning

Row = TypeVar("Row", bound=tuple[Any, ...])
NO_CLIENT = 0
IntArray = npt.NDArray[np.int64]
UNKNOWN_CLIENT = "unknown-client-api-key:"


@attrs.define(eq=False)
class Axis(Generic[Row]):
    """A grouping of a dictionary's rows: a code for each row, and what each code stands for.

    `codes[number]` belongs to the dictionary's row of that number.
    """

    _key: Callable[[Row], Hashable]
    names: list[Any] = attrs.Factory(list)
    codes: IntArray = attrs.Factory(lambda: np.zeros(0, dtype=np.int64))
    _count: int = 0
    _numbers: dict[Hashable, int] = attrs.Factory(dict)

    def extend(self, rows: Sequence[Row | None], nothing: Row) -> None:
        """Take in the rows that were added; numbers without a row are grouped as `nothing`."""
        added = [self._code(self._key(row or nothing)) for row in rows[len(self.codes) :]]
        # A new array: another thread may be using the old one.
        self.codes = np.concatenate((self.codes, np.array(added, dtype=np.int64)))
        self._count = len(self.names)

    def _code(self, name: Hashable) -> int:
        code = self._numbers.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def code_of(self, name: Hashable) -> int | None:
        """The code of a name; None if no row has it."""
        return self._numbers.get(name)

    def __len__(self) -> int:
        """How many codes there are; names that are added to a later copy don't count."""
        return self._count


def provider_shown(who: Who) -> str:
    """The provider as the rows show it."""
    return who.auth_provider_snapshot or who.provider


def stated_provider(who: Who) -> str:
    """The provider that the credential's file names."""
    return who.auth_provider_snapshot


def credential_of(who: Who) -> str:
    """The id of a credential's row."""
    return who.auth_file_snapshot or who.auth_index or who.source_hash or who.source or "-"


def account_of(who: Who) -> tuple[str, str]:
    """The account's name, or where it has none the hash of the source that names it."""
    for name in (who.account_snapshot, who.auth_label_snapshot):
        if name.strip():
            return "name", name
    if who.source.strip():
        return ("hash", who.source_hash) if who.source_hash else ("name", who.source)
    return "name", who.auth_index if who.auth_index.strip() else "-"


def unknown_client_of(who: Who) -> tuple[str, str, str, str]:
    """What stands for the client's key where it sent none."""
    named = "" if who.source_hash else who.source
    return who.source_hash, who.auth_index, named, provider_shown(who)


def unknown_client_id(who: Who, source: str) -> str:
    """The made-up id of a client without a key; `source` is the text shown for its source."""
    parts = (who.source_hash, who.auth_index, source, provider_shown(who))
    return UNKNOWN_CLIENT + ":".join(part.strip() or "-" for part in parts)


def is_unknown_client(text: str, who: Who) -> bool:
    """Whether a made-up id is that of such a client.

    An answer shows for a source that has a hash a text of any of its events.
    """
    if not who.source_hash:
        return text == unknown_client_id(who, who.source)
    head, tail = unknown_client_id(who, "\0").rsplit("\0", 1)
    return len(text) > len(head) + len(tail) and text.startswith(head) and text.endswith(tail)


def context_of(who: Who) -> str:
    """The id of the context in which a key was used."""
    parts = (
        provider_shown(who),
        who.account_snapshot,
        who.auth_label_snapshot,
        who.auth_index,
        who.source_hash,
        who.source,
    )
    return ":".join(part.strip() or "-" for part in parts)


def folded_file(file: str, index: str) -> tuple[str, str]:
    """A file and an index as they are compared where the file was told as the source."""
    return file.strip().lower(), index.strip().lower()


def old_file_of(who: Who) -> tuple[str, str] | None:
    """The file that the source names, of a credential stored before CPA told its file."""
    if who.auth_file_snapshot.strip() or not who.source.strip():
        return None
    return folded_file(who.source, who.auth_index)


def billing_names(model: ModelNames) -> tuple[str, str, str]:
    """The names by which a price is looked for: billing, analytics and requested model."""
    return (
        model.resolved_model.strip() or model.analytics_model,
        model.analytics_model,
        model.requested_model.strip() or model.model,
    )


@attrs.define(eq=False)
class Facets:
    """All groupings. `refresh` is called by one thread at a time."""

    known: Known | None = None
    account: Axis[Who] = attrs.Factory(lambda: Axis(account_of))
    credential: Axis[Who] = attrs.Factory(lambda: Axis(credential_of))
    channel: Axis[Who] = attrs.Factory(lambda: Axis(lambda who: who.auth_index))
    source: Axis[Who] = attrs.Factory(lambda: Axis(lambda who: (who.source_hash, who.auth_index)))
    provider: Axis[Who] = attrs.Factory(lambda: Axis(provider_shown))
    context: Axis[Who] = attrs.Factory(lambda: Axis(context_of))
    account_key: Axis[Who] = attrs.Factory(lambda: Axis(account_key_of))
    old_file: Axis[Who] = attrs.Factory(lambda: Axis(old_file_of))
    unknown_client: Axis[Who] = attrs.Factory(lambda: Axis(unknown_client_of))
    # 1 where thoughts are billed beside the output.
    reasoning: Axis[Who] = attrs.Factory(
        lambda: Axis(lambda who: separate_reasoning(who.executor_type, who.provider))
    )
    model: Axis[ModelNames] = attrs.Factory(lambda: Axis(lambda model: model.analytics_model))
    billing: Axis[ModelNames] = attrs.Factory(lambda: Axis(billing_names))
    tier: Axis[Way] = attrs.Factory(lambda: Axis(lambda way: way.service_tier.strip().lower()))
    # Code 0 is that of events without a key.
    client: Axis[tuple[str]] = attrs.Factory(lambda: Axis(lambda key: key[0].strip().lower()))

    def refresh(self, known: Known) -> None:
        """Take in what was added to the dictionaries."""
        people = (
            *(self.account, self.credential, self.channel, self.source, self.provider),
            *(self.context, self.unknown_client, self.reasoning),
            *(self.account_key, self.old_file),
        )
        for axis in people:
            axis.extend(known.who, Who())
        for names in (self.model, self.billing):
            names.extend(known.model, ModelNames())
        self.tier.extend(known.way, Way())
        self.client.extend(known.key, ("",))
        self.known = known

    def frozen(self) -> Facets:
        """What there is now, whatever is taken in later."""
        axes = {name: copy(axis) for name, axis in attrs.asdict(self, recurse=False).items()}
        return Facets(**axes)

    def who(self, number: int) -> Who:
        """The row of the dictionary of credentials."""
        assert self.known is not None
        return self.known.who[number] or Who()
