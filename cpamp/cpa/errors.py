"""What CPA's refusals mean, and what a person can do (CPA contract, section 15)."""

from __future__ import annotations

import re

from cpamp.errors import CpaUnreachable, Problem, Problems

TEXT_CHARS = 512
_BAN = re.compile(r"IP banned due to too many failed attempts(?:\. Try again in (\S+))?")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$")


class CpaProblem(Problem):
    """CPA answered, but not with what was asked for."""

    code = "cpa_error"
    status = 502


class QueueCut(CpaProblem):
    """A reply of the queue broke off: what it held is CPA's no more, and here is what came."""

    def __init__(self, message: str, received: bytes) -> None:
        super().__init__(message)
        self.received = received


class CpaTimeout(CpaUnreachable):
    """CPA did not answer in time."""

    status = 504


class KeyRefused(CpaProblem):
    """CPA does not take the saved management key."""

    code = "cpa_key_refused"


class KeyBanned(CpaProblem):
    """CPA has banned our address for a while; any further call would be in vain."""

    code = "cpa_banned"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class RemoteDisabled(CpaProblem):
    """CPA takes management calls from its own machine alone."""

    code = "cpa_remote_disabled"


class ManagementOff(CpaProblem):
    """There is no management API at that address."""

    code = "cpa_management_off"


class NotCpa(CpaProblem):
    """Something else than CPA answers at that address."""

    code = "not_cpa"


class PluginConflict(CpaProblem):
    """The credential was made by a plugin from a file, and can't be changed by itself."""


class Unconfirmed(CpaProblem):
    """CPA answered a change with success, but does not say that anything was changed."""


class Unsupported(CpaProblem):
    """This CPA does not have what was asked for."""

    code = "cpa_unsupported"


# What may become of any call to CPA.
AT_CPA: Problems = (
    *(CpaUnreachable, CpaTimeout, CpaProblem, KeyRefused, KeyBanned),
    *(RemoteDisabled, ManagementOff, NotCpa, Unsupported),
)


def go_duration(text: str) -> float | None:
    """The seconds of a Go duration such as ``29m59s``; None where it is none."""
    match = _DURATION.match(text.rstrip("."))
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)


def ban_seconds(text: str) -> float | None:
    """How long a ban lasts that a text speaks of; None where it speaks of none."""
    match = _BAN.search(text)
    if match is None:
        return None
    left = go_duration(match[1]) if match[1] else None
    return 1800.0 if left is None else left


def key_problem(text: str) -> CpaProblem | None:
    """What a refusal in CPA's own words means for the key; None where it judges no key."""
    banned = ban_seconds(text)
    if banned is not None:
        return KeyBanned(f"CPA has banned this address: {text[:TEXT_CHARS]}", banned)
    if "invalid management key" in text or "missing management key" in text:
        return KeyRefused(f"CPA refuses the management key: {text[:TEXT_CHARS]}")
    if "remote management disabled" in text:
        return RemoteDisabled(
            "CPA takes management calls from its own machine only; "
            "set remote-management.allow-remote: true in its configuration"
        )
    if "remote management key not set" in text:
        return ManagementOff(
            "CPA has no management key; set remote-management.secret-key in its configuration"
        )
    return None
