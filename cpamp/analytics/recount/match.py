"""Whether an event is meant by a request's filters and search (analytics contract, section 8)."""

from __future__ import annotations

import attrs

from cpamp.analytics.facets import is_unknown_client
from cpamp.analytics.recount.fact import Fact
from cpamp.analytics.request import AnalyticsRequest, CacheStatus, Filters


@attrs.frozen
class Match:
    """The test that a request puts to every event; the range is not part of it."""

    filters: Filters
    search: str
    search_key: str

    @classmethod
    def of(cls, request: AnalyticsRequest) -> Match:
        """The test of this request."""
        return cls(request.filters, request.search.casefold(), request.search_key)

    def selectors(self) -> Match:
        """The same search without any filter, as `filter_selectors` wants it."""
        return Match(Filters(), self.search, self.search_key)

    def with_failures(self) -> Match:
        """The same without `include_failed: false`, which `recent_failures` ignores."""
        return attrs.evolve(self, filters=attrs.evolve(self.filters, include_failed=True))

    def __call__(self, fact: Fact) -> bool:
        """Whether the event is meant."""
        return self._texts(fact) and self._outcome(fact) and self._cache(fact) and self._found(fact)

    def _texts(self, fact: Fact) -> bool:
        f, event, who = self.filters, fact.event, fact.event.who
        providers = (who.provider.lower(), who.auth_provider_snapshot.lower())
        accounts = (
            who.account_snapshot.lower(),
            who.auth_label_snapshot.lower(),
            who.source.lower(),
            who.auth_index.lower(),
        )
        tests = (
            (f.models, (event.model.analytics_model,)),
            (f.providers, providers),
            (f.accounts, accounts),
            (f.credential_ids, (fact.credential,)),
            (f.auth_files, (who.auth_file_snapshot,)),
            (f.auth_indices, (who.auth_index,)),
            (f.source_hashes, (who.source_hash,)),
            (f.project_ids, (who.auth_project_id_snapshot,)),
            (f.request_types, (who.executor_type,)),
            (f.header_error_kinds, (event.end.header_error_kind,)),
            (f.header_error_codes, (event.end.header_error_code,)),
            (f.header_quota_plans, (event.end.plan_type,)),
            (f.header_trace_ids, (event.trace_id,)),
        )
        return self._client(fact) and all(
            not wanted or any(text in wanted for text in texts) for wanted, texts in tests
        )

    def _client(self, fact: Fact) -> bool:
        wanted = self.filters.api_key_hashes
        if not wanted or fact.api_key:
            return not wanted or fact.api_key in wanted
        return any(is_unknown_client(value, fact.event.who) for value in wanted)

    def _outcome(self, fact: Fact) -> bool:
        f, failed = self.filters, fact.event.end.failed
        if (failed and not f.include_failed) or (f.failed_only and not failed):
            return False
        latency = fact.event.latency_ms
        return f.min_latency_ms <= 0 or (latency is not None and latency >= f.min_latency_ms)

    def _cache(self, fact: Fact) -> bool:
        tokens = fact.event.tokens
        counts = {
            CacheStatus.READ: tokens.cache_read_tokens,
            CacheStatus.CREATION: tokens.cache_creation_tokens,
        }
        touched = any((*counts.values(), tokens.cached_tokens, tokens.cache_tokens))
        match self.filters.cache_status:
            case None:
                return True
            case CacheStatus.HIT:
                return touched
            case CacheStatus.MISS:
                return not touched
            case status:
                return counts[status] > 0

    def _found(self, fact: Fact) -> bool:
        if not self.search:
            return not self.search_key or fact.api_key == self.search_key
        if self.search_key and fact.api_key == self.search_key:
            return True
        return any(self.search in text.casefold() for text in searched(fact))


def searched(fact: Fact) -> tuple[str, ...]:
    """The 29 texts in which a search looks, and the name of the key."""
    event = fact.event
    who, model, way, end = event.who, event.model, event.way, event.end
    return (
        event.request_id,
        event.event_hash,
        model.model,
        model.requested_model,
        model.analytics_model,
        model.resolved_model,
        way.endpoint,
        way.method,
        way.path,
        *event.caller,
        who.source,
        who.source_hash,
        event.api_key_hash,
        who.auth_index,
        who.account_snapshot,
        who.auth_label_snapshot,
        who.auth_file_snapshot,
        who.auth_provider_snapshot,
        who.auth_project_id_snapshot,
        way.reasoning_effort,
        way.service_tier,
        who.executor_type,
        end.fail_summary,
        end.plan_type,
        end.header_error_kind,
        end.header_error_code,
        event.trace_id,
        fact.alias,
    )
