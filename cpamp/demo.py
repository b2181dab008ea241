"""``python -m cpamp.demo``: the daemon beside a made-up CPA with live traffic.

Everything lives in a temporary folder that goes away with the demo.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from cpamp.lab import ADMIN_KEY, CPA_KEY, Cpa, Manager

TRAFFIC_PER_SECOND = "4"


def main() -> int:
    """Run until interrupted; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="cpamp-demo-") as name:
        folder = Path(name)
        cpa = Cpa.start(folder, "--traffic", TRAFFIC_PER_SECOND)
        manager = Manager.prepare(
            folder, port=18317, CPA_UPSTREAM_URL=cpa.url, CPA_MANAGEMENT_KEY=CPA_KEY
        )
        try:
            manager.start()
            manager.wait_for_events(1, seconds=30)
            print(
                f"\n  cpamp is running at   http://127.0.0.1:{manager.http.port}/management.html\n"
                f"  admin key             {ADMIN_KEY}\n"
                f"  made-up CPA           {cpa.url} (key {CPA_KEY})\n"
                f"  its data              {folder}\n\n"
                "  curl -H 'Authorization: Bearer "
                f"{ADMIN_KEY}' http://127.0.0.1:{manager.http.port}/status\n\n"
                "  Ctrl-C ends it and removes its data.\n",
                flush=True,
            )
            signal.pause()
        except KeyboardInterrupt:
            print("\n  Ending.", flush=True)
        finally:
            manager.stop()
            cpa.process.stop()
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
