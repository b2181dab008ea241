"""The console script ``cpamp``: chores beside the daemon, which itself is ``twistd cpamp``."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from cpamp import __version__
from cpamp.commands import (
    backup,
    check,
    cleanup_derived,
    compact,
    doctor,
    forget,
    import_reference,
    openapi,
    reset_admin_key,
    restore,
    show,
    verify,
)
from cpamp.commands.command import Command, HelpAsked, Surroundings
from cpamp.errors import Problem

COMMANDS: tuple[Command, ...] = (
    doctor.COMMAND,
    reset_admin_key.COMMAND,
    backup.COMMAND,
    restore.COMMAND,
    import_reference.COMMAND,
    check.COMMAND,
    verify.COMMAND,
    show.COMMAND,
    forget.COMMAND,
    compact.COMMAND,
    cleanup_derived.COMMAND,
    openapi.COMMAND,
)


def main() -> None:
    """The entry point: ends the process with the command's exit status."""
    os.umask(0o077)
    surroundings = Surroundings(os.environ, Path.cwd(), sys.stdout, sys.stderr)
    sys.exit(run(sys.argv[1:], surroundings))


def run(argv: Sequence[str], surroundings: Surroundings) -> int:
    """Run one call and return its exit status: 0 done, 1 failed, 2 no such command."""
    name, rest = (argv[0], argv[1:]) if argv else ("", [])
    if name in ("--help", "-help", "-h", "help"):
        surroundings.say(usage())
        return 0
    if name in ("--version", "-version", "version"):
        surroundings.say(f"cpamp {__version__}")
        return 0
    for command in COMMANDS:
        if name in (command.name, *command.aliases):
            return _run_command(command, rest, surroundings)
    said = f'unknown command "{name}"\n' if name else ""
    print(f"{said}{usage()}", file=surroundings.err)
    return 2


def _run_command(command: Command, argv: Sequence[str], surroundings: Surroundings) -> int:
    try:
        return command.run(command.parse(argv), surroundings)
    except HelpAsked:
        command.parser().print_help(surroundings.err)
        return 0
    except Problem as e:
        reason = e.message
    except sqlite3.Error as e:
        reason = f"database: {e}"
    except OSError as e:
        reason = f"{e.filename}: {e.strerror}" if e.filename else str(e)
    print(f"{command.label}: {' '.join(reason.split())}", file=surroundings.err)
    return 1


def usage() -> str:
    """The list of commands."""
    lines = [
        "usage: cpamp COMMAND [OPTION…]",
        "",
        "The daemon itself starts with: twistd cpamp",
        "",
    ]
    width = max(len(command.name) for command in COMMANDS)
    lines += [f"  {command.name:<{width}}  {command.help}" for command in COMMANDS]
    lines += ["", "cpamp COMMAND --help tells more; cpamp --version tells the version."]
    return "\n".join(lines)
