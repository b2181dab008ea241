"""What the panel begins with."""

from __future__ import annotations

from typing import Any, TypedDict

from cpamp.web.shapes.config import CpaUsage, ShownConfig
from cpamp.web.shapes.manager import AliasList, Info, Status


class Trouble(TypedDict):
    """Why a part of an answer is not there."""

    code: str
    error: str


class Versions(TypedDict, total=False):
    """What CPA's headers tell of itself."""

    version: str
    commit: str
    buildDate: str


class Plugins(TypedDict):
    """Whether CPA has plugins."""

    supported: bool
    enabled: bool


class VersionPart(TypedDict):
    """One part of what CPA says."""

    data: Versions


class SwitchesPart(TypedDict):
    """The switches under CPA's own names."""

    data: dict[str, Any]


class UsagePart(TypedDict):
    """One part of what CPA says."""

    data: CpaUsage


class PluginsPart(TypedDict):
    """One part of what CPA says."""

    data: Plugins


class ClientKeysPart(TypedDict):
    """The keys of CPA's clients, masked, by their hashes."""

    data: dict[str, str]


class ProvidersPart(TypedDict):
    """How many entries each kind of provider has."""

    data: dict[str, int]


class ModelsPart(TypedDict):
    """How many models CPA serves to its clients."""

    data: int


class CpaParts(TypedDict):
    """What CPA says of itself: for each part its data, or why there are none."""

    version: VersionPart | Trouble
    switches: SwitchesPart | Trouble
    usage: UsagePart | Trouble
    plugins: PluginsPart | Trouble
    clientKeys: ClientKeysPart | Trouble
    providers: ProvidersPart | Trouble
    models: ModelsPart | Trouble


class Started(TypedDict):
    """All that the panel starts with."""

    info: Info
    config: ShownConfig
    status: Status
    aliases: AliasList
    cpa: CpaParts
