"""``python -m cpamp.simulator``: a made-up CPA as a process of its own."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import orjson
from twisted.internet import reactor as _reactor
from twisted.web.server import Site

from cpamp.simulator.control import Control
from cpamp.simulator.server import Simulator

reactor: Any = _reactor


def main(arguments: list[str]) -> int:
    """Run until ended by a signal."""
    parser = argparse.ArgumentParser(prog="python -m cpamp.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8317, help="CPA's port; 0 for any")
    parser.add_argument("--control-port", type=int, default=0, help="where it takes orders")
    parser.add_argument("--key", required=True, help="the management key")
    parser.add_argument("--traffic", type=float, default=0, help="made-up records a second")
    parser.add_argument("--bcrypt-ms", type=float, default=0, help="delay of each HTTP call")
    parser.add_argument("--version", default="7.2.140", help="the version that it simulates")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quotas", action="store_true", help="providers tell made-up quotas")
    options = parser.parse_args(arguments)
    simulator = Simulator(
        reactor,
        key=options.key,
        now_ms=lambda: time.time_ns() // 1_000_000,
        version=options.version,
        bcrypt_ms=options.bcrypt_ms,
        seed=options.seed,
        quotas=options.quotas,
    )
    port = simulator.listen(options.port)
    site = Site(Control(simulator))
    site.noisy = False
    control = reactor.listenTCP(options.control_port, site, interface="127.0.0.1")
    if options.traffic:
        simulator.start_traffic(options.traffic)
    ready = {"port": port, "control_port": control.getHost().port}
    print(orjson.dumps(ready).decode(), flush=True)
    reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
