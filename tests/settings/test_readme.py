"""The README's tables say what the program reads, and with which defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest

from cpamp.cli import COMMANDS
from cpamp.configfile import MEMBERS, SettingsError
from cpamp.settings import Settings, load

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
PLACE = {"USAGE_DATA_DIR": "/data"}


class Row(NamedTuple):
    """A line of a table of settings."""

    variables: tuple[str, ...]
    member: str
    default: str


def rows() -> Iterator[Row]:
    for line in README.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.fullmatch(r"`[A-Z_]{5,}`(?:, `[A-Z_]{5,}`)*", cells[0])
        if names and len(cells) == 4:
            yield Row(tuple(re.findall(r"\w+", cells[0])), cells[1].strip("`"), cells[2])


ROWS = list(rows())
# The default is nothing but this value.
STATED = [row for row in ROWS if re.fullmatch(r"`[\w.:*-]+`", row.default)]


class Watched(Mapping[str, str]):
    """An environment that notes what is asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return PLACE[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACE)

    def __len__(self) -> int:
        return len(PLACE)


def settings(**environ: str) -> Settings:
    return load({**PLACE, **environ}, Path("/nowhere"))


def test_every_variable_that_is_read_is_told_of_and_no_other(tmp_path: Path) -> None:
    environ = Watched()
    load(environ, tmp_path, secrets_folder=tmp_path)
    told = [name for row in ROWS for name in row.variables]
    # Those that every program reads have no row of their own.
    ours = {name for name in environ.asked if not name.upper().endswith("_PROXY")}
    assert sorted(told) == sorted(ours)


def test_every_member_of_the_file_is_told_of_and_no_other() -> None:
    assert sorted(row.member for row in ROWS if row.member) == sorted(MEMBERS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.member], ids=lambda row: row.member)
def test_a_member_of_another_type_is_refused(row: Row, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({row.member: {}}))
    with pytest.raises(SettingsError):
        load({}, tmp_path)


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """All settings, those inside others too."""
    if not attrs.has(type(value)):
        return {name: value}
    return {
        path: inner
        for field in attrs.fields(type(value))
        for path, inner in flat(getattr(value, field.name), f"{name}.{field.name}").items()
        if not path.endswith(".locked")
    }


def plain(value: Any) -> tuple[str, ...]:
    """How a table may write a setting."""
    if isinstance(value, bool):
        return ("true", "on") if value else ("false", "off")
    return (" ".join(value) if isinstance(value, tuple) else str(value),)


@pytest.mark.parametrize("row", STATED, ids=lambda row: row.variables[0])
def test_defaults(row: Row) -> None:
    stated = row.default.strip("`")
    # Which setting it is shows when it is given another value.
    other = {"true": "false", "false": "true", "auto": "http", "right": "left", "on": "off"}
    given = "7" if stated.isdigit() else other.get(stated, "127.0.0.1:7")
    before, after = (flat(settings(**more)) for more in ({}, {row.variables[0]: given}))
    changed = [name for name, value in before.items() if value != after[name]]
    assert changed
    value = before[changed[0]]
    if changed[0].endswith("ttl_ms"):
        value //= 60_000
    assert stated in plain(value)


def test_every_command_is_told_of() -> None:
    told = re.findall(r"^\| `cpamp ([a-z-]+)` \| (.+) \|$", README, re.MULTILINE)
    assert told == [(command.name, command.help) for command in COMMANDS]
