"""What a failure says of its credential (inspection contract, 12.2)."""

from __future__ import annotations

from typing import NamedTuple

ACCOUNT_DEACTIVATED = ("account_deactivated",)
REVOKED = (
    "token_revoked",
    "token_invalidated",
    "invalidated_oauth_token",
    "invalidated oauth token",
    "oauth token revoked",
    "token has been invalidated",
)
EXPIRED = (
    "invalid_token",
    "invalid or expired credentials",
    "authentication token is expired",
    "token is expired",
    "no auth context",
    "invalid_grant",
    "auth_unavailable",
    "requires reauthorization",
    "requires re-authentication",
)
DEACTIVATED_WORKSPACE = "deactivated_workspace"
_CHAT_DENIED = ("correct credentials", "update the permissions", "contact support")
# The bare word "forbidden" is in every other refusal of a proxy on the way: not a sign.
_REVIEW = ("authentication_error", "unauthorized", "permission_denied")


class Failure(NamedTuple):
    """A failed attempt; `should_retry` None where the provider does not say."""

    status: int
    provider: str = ""
    code: str = ""
    type: str = ""
    summary: str = ""
    should_retry: bool | None = None


class Finding(NamedTuple):
    """What should become of the credential, and how sure that is."""

    action: str  # delete, reauth or review
    code: str
    reason: str
    confidence: str
    may_disable: bool


def has(text: str, markers: tuple[str, ...]) -> bool:
    """Whether one of the markers is in a lower-case text."""
    return any(marker in text for marker in markers)


def classify(failure: Failure) -> Finding | None:
    """What a failed attempt says of its credential; None where nothing that a person must do."""
    code, kind = (text.lower().replace("-", "_") for text in (failure.code, failure.type))
    text = f"{failure.summary.lower()} {code} {kind}"
    if failure.status == 402 and DEACTIVATED_WORKSPACE in text:
        return _sure("delete", "workspace_deactivated", "the workspace has been deactivated")
    if failure.status not in (401, 403):
        return None
    if has(text, ACCOUNT_DEACTIVATED):
        return _sure("delete", "account_deactivated", "the account has been deactivated")
    if has(text, REVOKED):
        return _sure("reauth", "token_revoked", "the token has been revoked; log in again")
    if has(text, EXPIRED):
        return _sure(
            "reauth", "invalid_credentials", "the credentials are invalid or expired; log in again"
        )
    if _chat_denied(failure, code, text):
        return _sure(
            "review", "credential_permission_denied", "the credential may not use the chat endpoint"
        )
    if kind == "authentication_error" or has(text, _REVIEW):
        reason = "the provider refuses the credential; see why"
        return Finding("review", "authentication_review", reason, "medium", False)
    return None


def _sure(action: str, code: str, reason: str) -> Finding:
    return Finding(action, code, reason, "high", True)


def _chat_denied(failure: Failure, code: str, text: str) -> bool:
    return (
        failure.provider == "xai"
        and code == "permission_denied"
        and "access to the chat endpoint is denied" in text
        and has(text, _CHAT_DENIED)
        and not failure.should_retry
    )
