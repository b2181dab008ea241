"""Other places to listen at: TLS by an endpoint description, several ports, a base path."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

from cpamp.lab import Http, Manager, free_port, wait_until
from tests.certificates import make_certificate
from tests.daemon import Lab


def https_health(port: int, trusted: Path) -> int:
    """The status of /health over TLS, verified; 0 while nobody answers."""
    context = ssl.create_default_context(cafile=str(trusted))
    client = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
    try:
        client.request("GET", "/health")
        return client.getresponse().status
    except ConnectionError:
        return 0
    finally:
        client.close()


def test_tls_and_a_second_port(lab: Lab, tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    tls, plain = free_port(), free_port()
    manager: Manager = lab.manager(
        CPAMP_LISTEN=f"ssl:{tls}:interface=127.0.0.1:privateKey={key}:certKey={certificate} "
        f"tcp:{plain}:interface=127.0.0.1"
    )
    unused = manager.http.port
    manager.http = Http(plain, manager.http.key)
    manager.start()
    wait_until(lambda: https_health(tls, certificate) == 200, what="TLS")
    assert https_health(unused, certificate) == 0
    assert manager.stop() == -15


def test_base_path(lab: Lab) -> None:
    manager = lab.manager(CPAMP_BASE_PATH="/sub/cpamp/")
    manager.process.start()
    http_client = manager.http

    def answers() -> bool:
        try:
            return http_client.request("GET", "/sub/cpamp/health")[0] == 200
        except OSError:
            http_client.close()
            return False

    wait_until(answers, what="/sub/cpamp/health")
    assert http_client.request("GET", "/health")[0] == 404
    assert http_client.json("GET", "/sub/cpamp/status")["events"] == 0
    assert http_client.request("GET", "/sub/cpampx/health")[0] == 404
