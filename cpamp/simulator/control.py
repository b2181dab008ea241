"""The control port: the simulator's methods as JSON over HTTP (CPA contract, section 16.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web import resource, server

from cpamp.simulator.records import CODEX
from cpamp.simulator.server import Simulator

_log = Logger()


class Control(resource.Resource):
    """``POST /<method>`` with a JSON object of arguments; ``GET /state``."""

    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._sim = simulator
        self._prepared: list[bytes] = []
        self._bursting: Deferred[None] | None = None

    def render_GET(self, request: server.Request) -> bytes:
        """The state."""
        sim = self._sim
        return self._json(
            request,
            {
                "counts": dict(sim.queue.counts),
                "queued": len(sim.queue),
                "subscribers": len(sim.queue.subscribers),
                "failures": sim.keys.failures,
                "banned": list(sim.keys.banned_until),
                "bursting": self._bursting is not None,
                "config": sim.config,
            },
        )

    def render_POST(self, request: server.Request) -> Any:
        """Do something."""
        assert request.content is not None
        text = request.content.read()
        arguments = orjson.loads(text) if text else {}
        name = request.path.decode().strip("/")
        handler = getattr(self, f"do_{name}", None)
        if handler is None:
            request.setResponseCode(404)
            return self._json(request, {"error": f"there is no {name}"})
        result = handler(**arguments)
        if isinstance(result, Deferred):
            result.addCallback(lambda value: self._finish(request, value))
            result.addErrback(lambda f: _log.failure("control failed", failure=f))
            return server.NOT_DONE_YET
        return self._json(request, result)

    def _finish(self, request: server.Request, value: Any) -> None:
        request.write(self._json(request, value))
        request.finish()

    @staticmethod
    def _json(request: server.Request, value: Any) -> bytes:
        request.setHeader("Content-Type", "application/json")
        return orjson.dumps({} if value is None else value)

    def do_publish(self, records: list[Any]) -> Deferred[None]:
        """Publish objects or strings."""
        return self._sim.publish_in_turns(records)

    def do_prepare(self, count: int, seed: int = 1, codex: bool = False, **options: Any) -> Any:
        """Make the payloads of the next burst."""
        if codex:
            options["families"] = CODEX
        self._prepared = self._sim.prepare(count, seed, options)
        size = sum(map(len, self._prepared))
        return {"count": len(self._prepared), "bytes": size}

    def do_burst(self, per_second: float = 0) -> None:
        """Publish what was prepared; returns at once."""
        self._bursting = self._sim.burst(self._prepared, per_second)
        self._bursting.addCallback(self._burst_over)

    def _burst_over(self, _: None) -> None:
        self._bursting = None

    def do_fill(self) -> None:
        """Put what was prepared into the queue."""
        self._sim.queue.fill(self._prepared)

    def do_refresh(self) -> None:
        """Announce a change."""
        self._sim.refresh()

    def do_error_event(self, event: dict[str, Any]) -> None:
        """A message on the channel of errors."""
        self._sim.error_event(event)

    def do_set(self, **values: Any) -> None:
        """Change knobs."""
        self._sim.set(**values)

    def do_auth_files(self, files: list[dict[str, Any]]) -> None:
        """Replace the credentials."""
        self._sim.auth_files = files
        self._sim.refresh()

    def do_api_call(self, rules: list[dict[str, Any]]) -> None:
        """Script upstreams."""
        self._sim.api_rules.rules = rules

    def do_log(
        self,
        lines: Sequence[str] = (),
        failures: Mapping[str, str] | None = None,
        requests: Mapping[str, str] | None = None,
    ) -> None:
        """Write lines, files of failures by their names, and whole requests by their ids."""
        logs, now_s = self._sim.logs, int(self._sim.now_ms() / 1000)
        logs.add(lines)
        logs.failures.update({name: (text, now_s) for name, text in (failures or {}).items()})
        logs.requests.update(requests or {})

    def do_plugins(
        self, plugins: list[dict[str, Any]], offers: list[dict[str, Any]] | None = None
    ) -> None:
        """Switch plugins on, and replace them."""
        self._sim.config["plugins"]["enabled"] = True
        self._sim.plugins = plugins
        self._sim.plugin_offers = offers or []

    def do_advance(self, ms: float) -> None:
        """Move the clock."""
        self._sim.advance(ms)

    def do_kick(self) -> None:
        """Close subscriptions."""
        self._sim.kick()

    def do_restart(self, down_ms: float = 0) -> Deferred[None]:
        """End, and come back."""
        return Deferred.fromCoroutine(self._sim.restart(down_ms))

    def do_requests(self, clear: bool = False) -> Any:
        """What was observed."""
        notes = list(self._sim.notes)
        if clear:
            self._sim.notes.clear()
        return notes

    def do_fault(self, **spec: Any) -> None:
        """Put a fault in force."""
        self._sim.faults.add(spec)

    def do_clear_faults(self) -> None:
        """End all faults."""
        self._sim.faults.clear()

    def do_traffic(self, per_second: float) -> None:
        """Begin live traffic."""
        self._sim.start_traffic(per_second)
