"""Which of the automatic parts are on (server contract, 13; inspection contract, 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from cpamp import members
from cpamp.errors import Problem, StoreUnavailable
from cpamp.settings import Settings, Switch
from cpamp.store import Store
from cpamp.store import settings as stored

SETTING = "automation_settings_v1"


class EnvLocked(Problem):
    """The environment decides this switch."""

    code = "account_processing_policy_env_locked"
    status = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is set by an environment variable")


@attrs.frozen
class Flag:
    """A switch: its name in answers, and in the settings before the start."""

    name: str
    attribute: str
    env_key: str
    config_key: str

    @property
    def member(self) -> str:
        """What a change calls it, and the stored record."""
        return f"{self.name}Enabled"


COOLDOWN = Flag(
    "codexQuotaCooldown", "quota_cooldown", "USAGE_QUOTA_COOLDOWN_ENABLED", "quotaCooldownEnabled"
)
QUEUE = Flag(
    "authIssueQueue", "account_actions", "USAGE_ACCOUNT_ACTIONS_ENABLED", "accountActionsEnabled"
)
DISABLE = Flag(
    "authIssueAutoDisable",
    "account_actions_auto_disable",
    "USAGE_ACCOUNT_ACTIONS_AUTO_DISABLE",
    "accountActionsAutoDisable",
)
FLAGS = (COOLDOWN, QUEUE, DISABLE)


@attrs.define(eq=False)
class Policy:
    """The switches; what was read last stays in force while the store can't be read."""

    _settings: Settings
    _store: Store
    _now_ms: Callable[[], int]
    _record: dict[str, Any] | None = attrs.field(default=None, init=False)
    _changing: DeferredLock = attrs.field(factory=DeferredLock, init=False)
    _log: Logger = attrs.field(factory=Logger, init=False)

    async def load(self) -> None:
        """Read what is stored, if it has not been read."""
        if self._record is not None:
            return
        try:
            record = await self._store.read(stored.get, SETTING)
        except StoreUnavailable as problem:
            self._log.warn("the policy can't be read: {reason}", reason=problem.message)
            return
        self._record = record if isinstance(record, dict) else {}

    def on(self, flag: Flag) -> bool:
        """Whether a part is to work."""
        return self._value(flag)[0] and (flag is not DISABLE or self._value(QUEUE)[0])

    def _switch(self, flag: Flag) -> Switch:
        switch: Switch = getattr(self._settings, flag.attribute)
        return switch

    def _value(self, flag: Flag) -> tuple[bool, str]:
        """What is set, and by whom."""
        switch, record = self._switch(flag), self._record or {}
        if switch.locked:
            return switch.on, "env"
        if isinstance(record.get(flag.member), bool):
            return record[flag.member], "database"
        return switch.on, "startup"

    async def json(self) -> dict[str, Any]:
        """The switches as answers carry them."""
        await self.load()
        return self._json()

    def _json(self) -> dict[str, Any]:
        sources = [self._value(flag)[1] for flag in FLAGS]
        overall = next((s for s in ("database", "env") if s in sources), "startup")
        answer: dict[str, Any] = {"source": overall}
        updated_at_ms = (self._record or {}).get("updatedAtMs")
        if updated_at_ms:
            answer["updatedAtMs"] = updated_at_ms
        for flag in FLAGS:
            configured, source = self._value(flag)
            answer[flag.name] = {
                "enabled": self.on(flag),
                "configured": configured,
                "source": source,
                "locked": self._switch(flag).locked,
                "envKey": flag.env_key,
                "configFileKey": flag.config_key,
            }
        answer[DISABLE.name]["dependsOn"] = QUEUE.name
        return answer

    async def change(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set some switches; raises a `Problem` with nothing set."""
        wanted = {
            flag.member: members.flag(body, flag.member, False)
            for flag in FLAGS
            if body.get(flag.member) is not None
        }
        for flag in FLAGS:
            if flag.member in wanted and self._switch(flag).locked:
                raise EnvLocked(flag.member)
        changed: dict[str, Any] = await self._changing.run(
            lambda: Deferred.fromCoroutine(self._change(wanted))
        )
        return changed

    async def _change(self, wanted: dict[str, bool]) -> dict[str, Any]:
        await self.load()
        now_ms = self._now_ms()
        record = {**(self._record or {}), **wanted, "updatedAtMs": now_ms}
        await self._store.write(stored.put, SETTING, record, now_ms)
        self._record = record
        return self._json()
