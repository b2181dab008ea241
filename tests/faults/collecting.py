"""A daemon that collects from a made-up CPA, for the tests of faults."""

from __future__ import annotations

import json
from typing import Any

import attrs

from cpamp.lab import CPA_KEY, Cpa, Manager, wait_until
from tests.daemon import Lab


@attrs.define
class Collecting:
    """Both processes, and what was published."""

    cpa: Cpa
    manager: Manager
    published: int = 0

    @classmethod
    def begin(cls, lab: Lab, *options: str, name: str = "manager", **environ: str) -> Collecting:
        """A CPA and a daemon that is subscribed to it, or collects as `environ` says."""
        cpa = lab.cpa(*options)
        connection = {"CPA_UPSTREAM_URL": cpa.url, "CPA_MANAGEMENT_KEY": CPA_KEY}
        manager = lab.manager(name, **connection, **environ)
        both = cls(cpa, manager)
        manager.start()
        both.wait_for_collecting()
        return both

    def wait_for_collecting(self) -> None:
        """Wait until records flow."""
        self.manager.wait_for_collector()

    def wait(self, holds: Any, what: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the collector's status is as wanted; the status."""
        wait_until(lambda: bool(holds(self.status)), seconds=seconds, what=what)
        return self.status

    @property
    def status(self) -> dict[str, Any]:
        """The collector's status."""
        status: dict[str, Any] = self.manager.status()["collector"]
        return status

    def control(self, name: str, **arguments: Any) -> Any:
        """Tell the simulator to do something."""
        return self.cpa.control.json("POST", f"/{name}", arguments)

    def publish(self, count: int, seed: int = 1, per_second: float = 0) -> None:
        """Publish made-up records, all of them different from those of another seed."""
        self.control("prepare", count=count, seed=seed, accounts=10)
        self.control("burst", per_second=per_second)
        self.published += count

    @property
    def bursting(self) -> bool:
        """Whether more is to be published."""
        return bool(self.cpa.control.json("GET", "/state")["bursting"])

    def some_more(self, count: int) -> bool:
        """Wait until so many more are stored; False if all is published before."""
        wanted = self.manager.events() + count
        wait_until(
            lambda: self.manager.events() >= wanted or not self.bursting,
            what=f"{count} more events",
        )
        return self.bursting

    def burst_over(self) -> None:
        """Wait until all is published."""
        wait_until(lambda: not self.bursting, what="the burst to end")

    def all_here(self, seconds: float = 60) -> None:
        """Wait until everything that was published is stored, and then look at it once."""
        self.manager.wait_for_events(self.published, seconds)
        exported = self.exported()
        hashes = {line["event_hash"] for line in exported}
        found = (len(exported), len(hashes), self.manager.events())
        assert found == (self.published,) * 3, found

    def exported(self) -> list[dict[str, Any]]:
        """All events."""
        _, body = self.manager.http.request("GET", "/v0/management/usage/export")
        return [json.loads(line) for line in body.splitlines()]

    def counts(self) -> dict[str, int]:
        """What became of the records in CPA."""
        counts: dict[str, int] = self.cpa.control.json("GET", "/state")["counts"]
        return counts

    def restart_manager(self, number: int) -> None:
        """End the daemon with a signal, and start it again."""
        self.manager.stop(number)
        self.manager.start()
        self.wait_for_collecting()
