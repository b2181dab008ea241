"""The tables by model, channel, account, key and credential, event by event (section 10.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from cpamp.analytics.recount.fact import Fact, first_filled
from cpamp.analytics.recount.sums import Newest, Sums

Row = dict[str, Any]
SNAPSHOTS = ("account_snapshot", "auth_label_snapshot", "auth_provider_snapshot")


@attrs.define
class ModelTable:
    """`model_stats`; `model_share` are the same rows with fewer members."""

    groups: dict[str, Sums] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        self.groups.setdefault(fact.event.model.analytics_model, Sums()).add(fact)

    def rows(self) -> list[Row]:
        """Most calls first."""
        rows = [
            {
                "model": model,
                **sums.outcome,
                **sums.five,
                **sums.hits,
                **sums.money,
                "total_tokens": sums.total_tokens,
                "tokens": sums.total_tokens,
                "first_seen_ms": sums.first_seen_ms,
            }
            for model, sums in self.groups.items()
        ]
        return sorted(rows, key=lambda row: (-row["calls"], row["model"]))


@attrs.define
class Group:
    """A group with what it shows of its events."""

    sums: Sums = attrs.Factory(Sums)
    newest: Newest = attrs.Factory(Newest)
    models: dict[str, Sums] = attrs.Factory(dict)
    contexts: dict[str, Group] = attrs.Factory(dict)
    auth_indices: set[str] = attrs.Factory(set)
    sources: set[str] = attrs.Factory(set)
    source_hashes: set[str] = attrs.Factory(set)

    def add(self, fact: Fact) -> None:
        """Count one event, and look at its names."""
        who = fact.event.who
        self.sums.add(fact)
        self.models.setdefault(fact.event.model.analytics_model or "-", Sums()).add(fact)
        self.auth_indices.add(who.auth_index)
        self.sources.add(who.source)
        self.source_hashes.add(who.source_hash)
        self.newest.add(
            fact,
            account_snapshot=who.account_snapshot,
            auth_label_snapshot=who.auth_label_snapshot,
            auth_provider_snapshot=fact.provider,
            auth_file_snapshot=who.auth_file_snapshot,
            auth_project_id_snapshot=who.auth_project_id_snapshot,
            auth_index=who.auth_index,
            source=who.source,
            source_hash=who.source_hash,
        )

    def names(self, *fields: str) -> Row:
        """The display snapshots of these fields."""
        return {field: self.newest[field] for field in fields}

    def identity(self) -> Row:
        """The snapshots and the sorted sets of an account's or key's row."""
        return {
            **self.names(*SNAPSHOTS),
            "auth_indices": sorted(filter(str.strip, self.auth_indices)),
            "sources": sorted(filter(str.strip, self.sources)),
            "source_hashes": sorted(filter(str.strip, self.source_hashes)),
        }

    def figures(self) -> Row:
        """The figures of a row of `account_stats`, `api_key_stats` or `credential_stats`."""
        sums = self.sums
        return {
            **sums.outcome,
            **sums.five,
            **sums.money,
            "total_tokens": sums.total_tokens,
            "average_latency_ms": sums.latency.mean,
            "last_seen_ms": sums.last_seen_ms,
            "first_seen_ms": sums.first_seen_ms,
            "models": self.model_rows(),
        }

    def model_rows(self) -> list[Row]:
        """What the group used, dearest first."""
        rows = [
            {
                "model": model,
                **sums.outcome,
                **sums.five,
                **sums.hits,
                **sums.money,
                "total_tokens": sums.total_tokens,
                "last_seen_ms": sums.last_seen_ms,
            }
            for model, sums in self.models.items()
        ]
        return sorted(rows, key=lambda r: (*_dearest(r), r["model"]))


def _dearest(row: Row) -> tuple[float, int, int]:
    return -row["cost"], -row["calls"], -row["last_seen_ms"]


def _latest(row: Row) -> tuple[int, int, float, str]:
    return -row["last_seen_ms"], -row["calls"], -row["cost"], row["id"]


@attrs.define
class Sources:
    """The greatest source text per source hash, which names a group that has no other name."""

    greatest: dict[str, str] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Look at one event's source."""
        who = fact.event.who
        if who.source_hash:
            known = self.greatest.get(who.source_hash, "")
            self.greatest[who.source_hash] = max(known, who.source)

    def text(self, source: str, source_hash: str) -> str:
        """The source text to show for an event."""
        return self.greatest.get(source_hash, source)


def account_key(fact: Fact) -> tuple[str, str]:
    """The account's name, or where it has none the hash of the source that names it."""
    who = fact.event.who
    name = first_filled(who.account_snapshot, who.auth_label_snapshot)
    if name:
        return "name", name
    if who.source.strip():
        return ("hash", who.source_hash) if who.source_hash else ("name", who.source)
    return "name", first_filled(who.auth_index) or "-"


@attrs.define
class AccountTable:
    """`account_stats`: events grouped by the first name of their account."""

    groups: dict[tuple[str, str], Group] = attrs.Factory(dict)
    sources: Sources = attrs.Factory(Sources)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        self.sources.add(fact)
        self.groups.setdefault(account_key(fact), Group()).add(fact)

    def rows(self) -> list[Row]:
        """Latest seen first."""
        merged: dict[str, Group] = {}
        for (kind, key), group in self.groups.items():
            name = self.sources.greatest[key] if kind == "hash" else key
            merged[name] = merge(merged[name], group) if name in merged else group
        rows = [{"id": name, **g.identity(), **g.figures()} for name, g in merged.items()]
        return sorted(rows, key=_latest)


@attrs.define
class KeyTable:
    """`api_key_stats`: events grouped by client key, with the contexts that used it."""

    groups: dict[tuple[str, ...], Group] = attrs.Factory(dict)
    sources: Sources = attrs.Factory(Sources)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        who = fact.event.who
        self.sources.add(fact)
        key: tuple[str, ...] = (fact.api_key,)
        if not fact.api_key:
            named = who.source if not who.source_hash else ""
            key = ("", who.source_hash, who.auth_index, named, fact.provider)
        group = self.groups.setdefault(key, Group())
        group.add(fact)
        context = ":".join(
            part.strip() or "-"
            for part in (
                fact.provider,
                who.account_snapshot,
                who.auth_label_snapshot,
                who.auth_index,
                who.source_hash,
                who.source,
            )
        )
        group.contexts.setdefault(context, Group()).add(fact)

    def rows(self) -> list[Row]:
        """Latest seen first."""
        rows = [
            {
                "id": self.row_id(key),
                "api_key_hash": key[0],
                **group.identity(),
                **group.figures(),
                "contexts": self.context_rows(group),
            }
            for key, group in self.groups.items()
        ]
        return sorted(rows, key=_latest)

    def row_id(self, key: tuple[str, ...]) -> str:
        """The key's hash, or a made-up id of what is known instead."""
        if key[0]:
            return key[0]
        _, source_hash, auth_index, source, provider = key
        source = self.sources.text(source, source_hash)
        parts = (part.strip() or "-" for part in (source_hash, auth_index, source, provider))
        return "unknown-client-api-key:" + ":".join(parts)

    @staticmethod
    def context_rows(group: Group) -> list[Row]:
        """Where a key was used, dearest first."""
        rows = [
            {
                "id": name,
                **context.names(*SNAPSHOTS, "auth_index", "source", "source_hash"),
                **context.sums.outcome,
                **context.sums.rates,
                **context.sums.money,
                "total_tokens": context.sums.total_tokens,
                "average_latency_ms": context.sums.latency.mean,
                "last_seen_ms": context.sums.last_seen_ms,
            }
            for name, context in group.contexts.items()
        ]
        return sorted(rows, key=lambda r: (*_dearest(r), r["id"]))


@attrs.define
class CredentialTable:
    """`credential_stats`: events grouped by credential file, index or source."""

    groups: dict[str, Group] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        self.groups.setdefault(fact.credential, Group()).add(fact)

    def rows(self) -> list[Row]:
        """Dearest first."""
        fields = (
            "auth_file_snapshot",
            "auth_index",
            "source",
            "source_hash",
            *SNAPSHOTS,
            "auth_project_id_snapshot",
        )
        rows = [
            {"id": name, **group.names(*fields), **group.figures()}
            for name, group in self.groups.items()
        ]
        return sorted(rows, key=lambda r: (*_dearest(r), r["id"]))


@attrs.define
class ChannelTable:
    """`channel_share`, and the groups of the dashboard's `channel_health`."""

    groups: dict[str, Group] = attrs.Factory(dict)
    explicit: dict[str, Newest] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        index = fact.event.who.auth_index or "-"
        self.groups.setdefault(index, Group()).add(fact)
        snapshot = fact.event.who.auth_provider_snapshot
        self.explicit.setdefault(index, Newest()).add(fact, provider=snapshot)

    def rows(self) -> list[Row]:
        """Most calls first."""
        rows = [
            {
                "auth_index": index,
                **group.names("source", *SNAPSHOTS),
                "auth_provider_snapshot": self.explicit[index]["provider"]
                or group.newest["auth_provider_snapshot"],
                "calls": group.sums.calls,
                "success": group.sums.success,
                "failure": group.sums.failures,
                "tokens": group.sums.total_tokens,
                **group.sums.money,
                "average_latency_ms": group.sums.latency.mean,
            }
            for index, group in self.groups.items()
        ]
        return sorted(rows, key=lambda r: (-r["calls"], r["auth_index"]))


@attrs.define
class FailureTable:
    """`failure_sources`: where failures come from."""

    groups: dict[tuple[str, str], Group] = attrs.Factory(dict)
    greatest: dict[tuple[str, str, str], str] = attrs.Factory(dict)

    def add(self, fact: Fact) -> None:
        """Count one event."""
        who = fact.event.who
        source = who.source_hash, who.auth_index
        self.groups.setdefault(source, Group()).add(fact)
        for field in ("source", *SNAPSHOTS):
            text = fact.provider if field == "auth_provider_snapshot" else getattr(who, field)
            place = (*source, field)
            self.greatest[place] = max(self.greatest.get(place, ""), text)

    def rows(self) -> list[Row]:
        """Most failures first; groups without a failure are left out."""
        rows = [
            {
                "source_hash": source_hash,
                "auth_index": auth_index,
                **{
                    field: self.greatest[source_hash, auth_index, field]
                    for field in ("source", *SNAPSHOTS)
                },
                "calls": group.sums.calls,
                "failure": group.sums.failures,
                "last_seen_ms": group.sums.last_seen_ms,
                "average_latency_ms": group.sums.latency.mean,
            }
            for (source_hash, auth_index), group in self.groups.items()
            if group.sums.failures
        ]
        return sorted(
            rows,
            key=lambda r: (-r["failure"], -r["last_seen_ms"], r["source_hash"], r["auth_index"]),
        )


def merge(one: Group, other: Group) -> Group:
    """Two groups of one name as one."""
    models = {**one.models}
    for model, sums in other.models.items():
        models[model] = merge_sums(models[model], sums) if model in models else sums
    newest = Newest(dict(one.newest.found))
    for field, (order, value) in other.newest.found.items():
        if field not in newest.found or order > newest.found[field][0]:
            newest.found[field] = (order, value)
    return Group(
        sums=merge_sums(one.sums, other.sums),
        newest=newest,
        models=models,
        auth_indices=one.auth_indices | other.auth_indices,
        sources=one.sources | other.sources,
        source_hashes=one.source_hashes | other.source_hashes,
    )


def merge_sums(*parts: Sums) -> Sums:
    """The sums of several groups together."""
    total = Sums()
    for part in parts:
        for field in attrs.fields(Sums):
            mine, theirs = getattr(total, field.name), getattr(part, field.name)
            if field.name == "last_seen_ms":
                mine = max(mine, theirs)
            elif field.name == "first_seen_ms":
                mine = min(_known(mine, theirs), default=None)
            elif field.name in ("latency", "ttft"):
                mine.counts.update(theirs.counts)
            else:
                mine = mine + theirs
            setattr(total, field.name, mine)
    return total


def _known(*values: int | None) -> Iterable[int]:
    return [value for value in values if value is not None]
