"""The parts of an event that repeat: who paid, which model, which way, who called."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from cpamp.usage.event import Caller, ModelNames, Way, Who
from cpamp.usage.members import Record, text_of
from cpamp.usage.models import (
    INCLUDED,
    SEPARATE,
    analytics_model,
    effective_tier,
    named_cache_mode,
)
from cpamp.usage.redact import clean_request_text, mask_source, redact_name, secret_looking
from cpamp.usage.shapes import Part

_RAW_SOURCE = ("source", "api_key", "apiKey", "key", "account", "email")
_API_KEY = ("api_key", "apiKey", "key")
_AUTH_INDEX = ("auth_index", "authIndex", "AuthIndex")
_PROVIDER = ("provider", "type", "auth_type", "authType")
_EXECUTOR = ("executor_type", "executorType")
_AUTH_TYPE = ("auth_type", "authType")
_REQUESTED = ("alias", "requested_model", "requestedModel")
_RESOLVED = ("resolved_model", "resolvedModel", "model", "model_name", "modelName")
_ENDPOINT = ("endpoint", "api", "request", "operation")
_HTTP_METHOD = ("method", "http_method", "httpMethod")
_PATH = ("path", "url_path", "urlPath", "route")
_EFFORT = ("reasoning_effort", "reasoningEffort")
_REQUEST_TIER = ("request_service_tier", "requestServiceTier", "service_tier", "serviceTier")
_RESPONSE_TIER = ("response_service_tier", "responseServiceTier")
_CLIENT_IP = ("client_ip", "clientIp")
_FORWARDED = ("x_forwarded_for", "xForwardedFor")
_USER_AGENT = ("user_agent", "userAgent")
_METHOD = re.compile(r"(GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD)\s+(\S+)")


@lru_cache(maxsize=16384)
def sha256_hex(text: str) -> str:
    """The lower-case hexadecimal SHA-256 of a text; "" of ""."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest() if text else ""


def name_of(record: Record, *names: str) -> str:
    """The first text of these members, as a name that may be stored."""
    return redact_name(text_of(record, *names))


def who_of(record: Record) -> Who:
    """Who paid."""
    source = text_of(record, *_RAW_SOURCE)
    return Who(
        name_of(record, *_AUTH_INDEX),
        mask_source(source),
        sha256_hex(source),
        *snapshots_of(record),
        name_of(record, *_PROVIDER),
        name_of(record, *_EXECUTOR),
        name_of(record, *_AUTH_TYPE),
    )


def snapshots_of(record: Record) -> tuple[str, str, str, str, str]:
    """The account as a record or an export names it: account, label, file, provider, project."""
    if _SNAPSHOT_NAMES.isdisjoint(record):
        return "", "", "", "", ""
    return (
        text_of(record, "account_snapshot", "accountSnapshot"),
        text_of(record, "auth_label_snapshot", "authLabelSnapshot"),
        text_of(record, "auth_file_snapshot", "authFileSnapshot"),
        text_of(record, "auth_provider_snapshot", "authProviderSnapshot"),
        text_of(
            record, "auth_project_id_snapshot", "authProjectIdSnapshot", "project_id", "projectId"
        ),
    )


_SNAPSHOT_NAMES = frozenset(
    (
        "account_snapshot",
        "accountSnapshot",
        "auth_label_snapshot",
        "authLabelSnapshot",
        "auth_file_snapshot",
        "authFileSnapshot",
        "auth_provider_snapshot",
        "authProviderSnapshot",
        "auth_project_id_snapshot",
        "authProjectIdSnapshot",
        "project_id",
        "projectId",
    )
)


def route(endpoint: str, method: str, path: str) -> tuple[str, str, str]:
    """Endpoint, method and path, each filled in from the others where it is missing."""
    method = method.upper()
    if not endpoint and method and path:
        endpoint = f"{method} {path}"
    match = _METHOD.match(endpoint)
    if match:
        method, path = method or match[1], path or match[2]
    return endpoint or "-", method, path


@lru_cache(maxsize=16384)
def without_key(endpoint: str) -> tuple[str, str]:
    """An endpoint and "", or "-" and the hash of the client's key that stands in its place.

    Old servers used the key as a name there; it is never kept.
    """
    if _METHOD.match(endpoint) or not secret_looking(endpoint):
        return endpoint, ""
    return "-", sha256_hex(endpoint.strip())


def way_of(record: Record, who: Who, legacy_tier: str = "") -> Way:
    """By which route, and with which settings."""
    return _way(
        name_of(record, *_ENDPOINT),
        name_of(record, *_HTTP_METHOD),
        name_of(record, *_PATH),
        name_of(record, *_EFFORT),
        name_of(record, *_REQUEST_TIER),
        name_of(record, *_RESPONSE_TIER),
        legacy_tier,
        who,
    )


@lru_cache(maxsize=16384)
def _way(
    endpoint: str,
    method: str,
    path: str,
    effort: str,
    request_tier: str,
    response_tier: str,
    legacy_tier: str,
    who: Who,
) -> Way:
    identity = f"{who.executor_type} {who.provider} {who.auth_provider_snapshot} {who.auth_type}"
    tier = effective_tier(identity, request_tier, legacy_tier, response_tier)
    return Way(*route(endpoint, method, path), effort, tier, request_tier, response_tier)


def caller_of(record: Record) -> Caller:
    """The downstream client."""
    return Caller(
        clean_request_text(text_of(record, *_CLIENT_IP), 64),
        clean_request_text(text_of(record, *_FORWARDED), 2048),
        clean_request_text(text_of(record, *_USER_AGENT), 1024),
    )


class Models(NamedTuple):
    """The cache mode that names tell ("" for none), and the model names with either."""

    told: str
    included: ModelNames
    separate: ModelNames


def models_of(record: Record) -> Models:
    """Which model was asked for, and which answered."""
    who = who_of(record)
    requested = name_of(record, *_REQUESTED)
    resolved = name_of(record, *_RESOLVED)
    model = requested or resolved or "-"
    names = (model, requested, resolved, analytics_model(model))
    told = named_cache_mode(
        who.executor_type, who.provider, who.auth_provider_snapshot, resolved, requested, model
    )
    return Models(told, ModelNames(*names, INCLUDED), ModelNames(*names, SEPARATE))


WHO_NAMES = frozenset(
    (*_RAW_SOURCE, *_AUTH_INDEX, *_PROVIDER, *_EXECUTOR, *_AUTH_TYPE, *_SNAPSHOT_NAMES)
)
# Of what kind the credential is.
_KIND_NAMES = frozenset(
    (*_PROVIDER, *_EXECUTOR, *_AUTH_TYPE, "auth_provider_snapshot", "authProviderSnapshot")
)
MODEL_NAMES = frozenset((*_REQUESTED, *_RESOLVED))
WAY_NAMES = frozenset(
    (*_ENDPOINT, *_HTTP_METHOD, *_PATH, *_EFFORT, *_REQUEST_TIER, *_RESPONSE_TIER)
)
CALLER_NAMES = frozenset((*_CLIENT_IP, *_FORWARDED, *_USER_AGENT))
WHO = Part(WHO_NAMES, who_of)
MODELS = Part(MODEL_NAMES | _KIND_NAMES, models_of)
WAY = Part(WAY_NAMES | _KIND_NAMES, lambda record: way_of(record, who_of(record)))
CALLER = Part(CALLER_NAMES, caller_of)
KEY = Part(frozenset(_API_KEY), lambda record: sha256_hex(text_of(record, *_API_KEY)))
