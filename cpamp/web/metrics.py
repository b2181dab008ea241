"""Figures for Prometheus; none of them by account, key or model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from cpamp import __version__
from cpamp.web.health import Reporting, Stored
from cpamp.web.request import ApiRequest
from cpamp.web.route import Access, Reply, route

Sample = tuple[str, str, str, float, dict[str, str]]


@attrs.define
class Metrics:
    """`/metrics`."""

    store: Stored
    collector: Reporting
    proxied: Callable[[], int]
    reactor_lag_ms: Callable[[], float]

    @route(
        "GET",
        "/metrics",
        summary="Figures in Prometheus' text format",
        access=Access.METRICS,
        cors=False,
        produces=("text/plain",),
    )
    async def metrics(self, request: ApiRequest) -> Reply:
        """All figures of the moment."""
        body = "".join(_lines(self._samples())).encode()
        return Reply(200, body, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    def _samples(self) -> Iterator[Sample]:
        counts, stored, status = self.store.counts, self.store.status(), self.collector.status()
        database, derived = stored["database"], stored["derived"]
        day = status["coverage"]["last24h"]
        yield "info", "gauge", "The running version", 1, {"version": __version__}
        yield "events_total", "counter", "Stored events", counts.events, {}
        yield "dead_letters", "gauge", "Refused records that are kept", counts.dead_letters, {}
        yield (
            "collected_total",
            "counter",
            "Events stored since the start",
            status["totalInserted"],
            {},
        )
        yield "skipped_total", "counter", "Duplicates since the start", status["totalSkipped"], {}
        for state in ("stopped", "starting", "running", "error"):
            value = float(status["collector"] == state)
            yield "collector_state", "gauge", "1 for the collector's state", value, {"state": state}
        for name in ("subscribe", "http", "resp"):
            value = float(status["transport"] == name)
            yield "transport", "gauge", "1 for the transport in use", value, {"transport": name}
        publishing = float(status["publishing"] is True)
        yield "publishing", "gauge", "Whether CPA publishes records", publishing, {}
        yield "intake_bytes", "gauge", "Records not stored yet", status["intakeBytes"], {}
        yield "spool_bytes", "gauge", "Spooled events", status["spoolBytes"], {}
        for state in ("covered", "atRisk", "lost"):
            minutes = day[f"{state}Minutes"]
            help_text = "Minutes of the last day by coverage"
            yield "coverage_minutes", "gauge", help_text, minutes, {"state": state}
        yield "database_bytes", "gauge", "Size of the database", database["databaseBytes"], {}
        yield "wal_bytes", "gauge", "Size of its WAL", database["walBytes"], {}
        yield "columns_rows", "gauge", "Rows in the columns", derived["rows"], {}
        yield "columns_ready", "gauge", "Whether the columns are level", derived["ready"], {}
        yield "proxied_total", "counter", "Calls passed on to CPA", self.proxied(), {}
        lag = self.reactor_lag_ms() / 1000
        yield "reactor_lag_seconds", "gauge", "Delay of the event loop", lag, {}


def _lines(samples: Iterator[Sample]) -> Iterator[str]:
    told = set()
    for name, kind, text, value, labels in samples:
        full = f"cpamp_{name}"
        if full not in told:
            told.add(full)
            yield f"# HELP {full} {text}.\n# TYPE {full} {kind}\n"
        inside = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
        yield f"{full}{{{inside}}} {_number(value)}\n" if inside else f"{full} {_number(value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Any) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
