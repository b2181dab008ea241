"""Ways to reach people: a webhook, e-mail, or a chat that takes messages by HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

import attrs

from cpamp import members
from cpamp.errors import BadRequest

HIDDEN = "********"


class ChannelInvalid(BadRequest):
    """A way to reach people is not what the route takes; nothing was stored."""

    code = "notification_channel_invalid"


class Means(StrEnum):
    """How people are reached."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    TELEGRAM = "telegram"


# Settings of each, and the one of them that is a secret.
SETTINGS: Mapping[Means, tuple[str, ...]] = {
    Means.WEBHOOK: ("url",),
    Means.EMAIL: ("host", "port", "security", "user", "from", "to"),
    Means.TELEGRAM: ("url", "chat"),
}
SECRET: Mapping[Means, str] = {
    Means.WEBHOOK: "secret",
    Means.EMAIL: "password",
    Means.TELEGRAM: "token",
}
DEFAULTS: Mapping[Means, Mapping[str, str]] = {
    Means.WEBHOOK: {},
    Means.EMAIL: {"port": "587", "security": "starttls"},
    Means.TELEGRAM: {"url": "https://api.telegram.org"},
}
SECURITIES = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")


@attrs.frozen
class Channel:
    """One way. `sealed` is the encrypted secret, "" for none."""

    means: Means
    name: str
    settings: Mapping[str, str]
    sealed: str = attrs.field(default="", repr=False)
    id: int = 0

    @classmethod
    def read(cls, value: Any) -> tuple[Self, str | None]:
        """The channel of a JSON value, and its secret: None where it is to stay as it is.

        Raises `ChannelInvalid`.
        """
        if not isinstance(value, Mapping):
            raise ChannelInvalid("a channel must be a JSON object")
        try:
            means = Means(str(value.get("means") or ""))
        except ValueError as error:
            raise ChannelInvalid(f"means must be one of {', '.join(Means)}") from error
        settings = dict(DEFAULTS[means])
        for name in SETTINGS[means]:
            text = str(value.get(name) or "").strip()
            if len(text) > 2_000 or not text.isprintable():
                raise ChannelInvalid(f"{name} is too long or has characters that are not shown")
            if text:
                settings[name] = text
        _CHECKS[means](settings)
        name = members.text(dict(value), "name").strip() or means.value
        secret = value.get(SECRET[means])
        if secret is not None and not isinstance(secret, str):
            raise ChannelInvalid(f"{SECRET[means]} must be a string")
        return cls(means, name[:120], settings), None if secret in (None, HIDDEN) else secret

    def as_json(self) -> dict[str, Any]:
        """The channel as the API tells it, without its secret."""
        return {
            "id": self.id,
            "means": self.means.value,
            "name": self.name,
            **self.settings,
            SECRET[self.means]: HIDDEN if self.sealed else "",
        }


def _check_url(settings: Mapping[str, str]) -> None:
    try:
        parts = urlsplit(settings.get("url", ""))
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ChannelInvalid("url must begin with http:// or https:// and name a host")


def _check_telegram(settings: Mapping[str, str]) -> None:
    _check_url(settings)
    if not settings.get("chat"):
        raise ChannelInvalid("chat is required")


def _check_email(settings: Mapping[str, str]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", settings.get("host", "")):
        raise ChannelInvalid("host is required")
    if not settings["port"].isdecimal() or not 0 < int(settings["port"]) < 65_536:
        raise ChannelInvalid("port must be 1 to 65535")
    if settings["security"] not in SECURITIES:
        raise ChannelInvalid(f"security must be one of {', '.join(SECURITIES)}")
    for name in ("from", "to"):
        if not _ADDRESS.fullmatch(settings.get(name, "")):
            raise ChannelInvalid(f"{name} must be an e-mail address")


_CHECKS = {
    Means.WEBHOOK: _check_url,
    Means.EMAIL: _check_email,
    Means.TELEGRAM: _check_telegram,
}
