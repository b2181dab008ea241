"""``cpamp openapi``: what `/openapi.json` of this version says, without a daemon."""

from __future__ import annotations

import argparse

import orjson
from twisted.internet import reactor

from cpamp.commands.command import Command, Surroundings
from cpamp.tap import build
from cpamp.web.openapi import document, examples


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(args: argparse.Namespace, at: Surroundings) -> int:
    """Print the description of the API; the daemon is put together, and not started."""
    daemon = build(at.settings(), reactor, key_in_log=False)
    told = document(daemon.listener.factory.surface.routes, examples())
    at.say(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    return 0


COMMAND = Command(
    name="openapi",
    help="print the description of the API, an OpenAPI document",
    label="openapi",
    arguments=arguments,
    run=run,
)
