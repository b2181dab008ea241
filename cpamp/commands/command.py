"""What a command is, and what it is given."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

import attrs

from cpamp.errors import Problem
from cpamp.security.lock import canonical
from cpamp.settings import Settings, load


class UsageError(Problem):
    """The command line itself is wrong."""

    code = "usage"


class HelpAsked(Exception):
    """The usage is to be printed, and nothing done."""


@attrs.frozen
class Surroundings:
    """Where a command runs: its environment, its folder, and where it writes."""

    environ: Mapping[str, str]
    cwd: Path
    out: TextIO
    err: TextIO

    def say(self, line: str = "") -> None:
        """Write a line to standard output."""
        print(line, file=self.out, flush=True)

    def settings(self) -> Settings:
        """The daemon's settings, without creating a config file; raises `SettingsError`."""
        return load(self.environ, self.cwd)

    def database(self, given: str | None) -> Path:
        """The canonical database path: the flag's, else the settings'."""
        return canonical(self.cwd / given if given else self.settings().db_path)

    def now_ms(self) -> int:
        """The time of day."""
        return time.time_ns() // 1_000_000


@attrs.frozen
class Command:
    """One command. `label` begins its error lines; `run` returns the exit status."""

    name: str
    help: str
    label: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Surroundings], int]
    aliases: tuple[str, ...] = ()

    def parser(self) -> argparse.ArgumentParser:
        """The parser of its arguments."""
        parser = CommandParser(
            prog=f"cpamp {self.name}", description=self.help, add_help=False, allow_abbrev=False
        )
        parser.add_argument("--help", "-h", action="store_true", help="print this and do nothing")
        self.arguments(parser)
        return parser

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments of a call; raises `UsageError` or `HelpAsked`.

        Flags take one or two dashes (server contract, section 7).
        """
        spelled = [re.sub(r"^-(?=[a-z][a-z-]+(=|$))", "--", word) for word in argv]
        if {"--help", "-h"}.intersection(spelled):
            raise HelpAsked
        known, unknown = self.parser().parse_known_args(spelled)
        if unknown:
            first = unknown[0]
            if first.startswith("-"):
                raise UsageError(f"flag provided but not defined: {first.partition('=')[0]}")
            raise UsageError(f'unexpected argument "{first}"')
        return known


class CommandParser(argparse.ArgumentParser):
    """Raises where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        """What argparse calls for every mistake."""
        raise UsageError(message)


def db_path_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that names another database than the settings do."""
    parser.add_argument(
        "--db-path", metavar="PATH", help="the database (default: as the daemon finds it)"
    )
