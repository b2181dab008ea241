"""Whether CPA publishes records at all, watched and put right (usage contract, 1.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cpamp.cpa.client import CpaClient, CpaConfig
from cpamp.errors import Problem

EVERY_SECONDS = 600.0


@attrs.define(eq=False)
class Publishing:
    """Reads CPA's configuration when collection starts, after a lost connection, and regularly.

    Where publishing is off it is turned on, once and if `ensure` allows it. `on_config` hears of
    every answer, and None where there was none.
    """

    _reactor: Any
    _client: CpaClient
    _ensure: bool
    _on_config: Callable[[CpaConfig | None], None]
    # None: CPA has not told yet.
    publishing: bool | None = attrs.field(default=None, init=False)
    _enabled: bool = attrs.field(default=False, init=False)
    _known: bool = attrs.field(default=False, init=False)
    _call: LoopingCall = attrs.field(init=False)
    _checking: Deferred[None] | None = attrs.field(default=None, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._call = LoopingCall(self.check)
        self._call.clock = self._reactor

    def start(self) -> None:
        """Ask now, and every ten minutes."""
        self._call.start(EVERY_SECONDS, now=True)

    def stop(self) -> None:
        """Ask no more."""
        if self._call.running:
            self._call.stop()
        if self._checking is not None:
            self._checking.cancel()

    def disconnected(self) -> None:
        """CPA may have been restarted, with another configuration."""
        self._known = False

    def connected(self) -> None:
        """CPA answers; ask it what it could not be asked."""
        if not self._known:
            self.check()

    def check(self) -> None:
        """Ask now, if it is not being asked."""
        if self._checking is None:
            checking = self._checking = Deferred.fromCoroutine(self._check())
            checking.addErrback(self._failed)
            checking.addBoth(self._checked)

    def _failed(self, failure: Any) -> None:
        if not failure.check(CancelledError):
            self._log.failure("CPA's configuration could not be judged", failure=failure)

    def _checked(self, _: Any) -> None:
        self._checking = None

    async def _check(self) -> None:
        try:
            found = await self._client.config()
        except Problem as problem:
            self._log.debug("no configuration of CPA: {reason}", reason=problem.message)
            self._on_config(None)
            return
        self._told(found)
        if found.usage_statistics_enabled or not self._ensure or self._enabled:
            return
        try:
            await self._client.enable_usage_statistics()
        except Problem as problem:
            # Tried again with the next look.
            self._log.warn(
                "CPA's usage publishing is off and can't be turned on: {reason}",
                reason=problem.message,
            )
            return
        self._enabled = True
        self._log.info("CPA's usage publishing was off and is on now")
        self._told(attrs.evolve(found, usage_statistics_enabled=True))

    def _told(self, found: CpaConfig) -> None:
        self._known = True
        self.publishing = found.usage_statistics_enabled
        self._on_config(found)
