"""What signals do beside Twisted's own handling of SIGTERM and SIGINT (server contract, 17.1)."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def end_with_the_terminal(reactor: Any) -> None:
    """Stop in order when the terminal goes too, unless that was told not to matter (nohup)."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, reactor.sigTerm)


def overhear_echoes() -> None:
    """Do nothing on a signal that comes again while the daemon ends: wrappers pass them on."""
    for number in _heeded():
        signal.signal(number, lambda *_: None)


def end_at_once() -> None:
    """From now on a signal that asks for the end is not waited with."""
    for number in _heeded():
        signal.signal(number, signal.SIG_DFL)


def _heeded() -> Iterator[int]:
    """The signals that ask for the end, but those that somebody told the process to ignore."""
    return (number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN)
