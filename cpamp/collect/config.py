"""How one CPA is collected from (usage contract, 2.1)."""

from __future__ import annotations

import attrs


@attrs.frozen
class CollectorConfig:
    """The settings of one collector. `mode` is auto, subscribe, http or resp."""

    url: str
    key: str = attrs.field(repr=False)
    mode: str = "auto"
    queue: str = "usage"
    pop_side: str = "right"
    batch_size: int = 100
    poll_interval_ms: int = 500
    tls_skip_verify: bool = False
    enabled: bool = True
    # Whether CPA's publishing is turned on where it is found off.
    ensure_publishing: bool = True
