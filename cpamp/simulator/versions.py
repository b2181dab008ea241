"""What CPA could do since when (CPA contract, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple


class Version(NamedTuple):
    """A version of CPA."""

    major: int
    minor: int
    patch: int

    @classmethod
    def of(cls, text: str) -> Version:
        """The version of a text such as ``7.2.140``; what is no number is the newest."""
        match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
        return cls(*map(int, match.groups())) if match else cls(7, 2, 140)


HTTP_QUEUE = Version(6, 10, 8)
RESP = Version(6, 9, 38)
RESP_OFF = Version(7, 1, 17)
SUBSCRIBE = Version(7, 0, 7)
CONTROL = Version(7, 1, 39)
ERRORS = Version(7, 1, 44)
FILTERS = Version(7, 2, 94)
# Members of the record by the version that brought them.
MEMBERS = {
    "alias": Version(6, 10, 7),
    "fail": Version(7, 0, 0),
    "response_headers": Version(7, 1, 13),
    "reasoning_effort": Version(7, 1, 18),
    "ttft_ms": Version(7, 1, 24),
    "service_tier": Version(7, 1, 27),
    "executor_type": Version(7, 1, 38),
    "response_service_tier": Version(7, 2, 65),
    "generate": Version(7, 2, 78),
    "accounting_version": Version(7, 2, 97),
    "token_breakdown": Version(7, 2, 97),
    "client_ip": Version(7, 2, 104),
    "x_forwarded_for": Version(7, 2, 104),
    "user_agent": Version(7, 2, 104),
    "access_token_sha256": Version(7, 2, 116),
}
TOKEN_MEMBERS = {
    "cache_read_tokens": Version(7, 0, 3),
    "cache_creation_tokens": Version(7, 0, 3),
    "cache_read_tokens_present": Version(7, 2, 74),
}
