"""Servers of this process, in threads: documents over HTTP and HTTPS, and proxies."""

from __future__ import annotations

import base64
import datetime
import gzip
import ipaddress
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, cast
from urllib.parse import urlsplit

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@attrs.define
class Page:
    """What a path answers with. `hold` seconds pass before the body; `cut` breaks it off.

    `gzip` packs the body; `encoding` says that it is packed, whatever it is.
    """

    body: Any = attrs.Factory(dict)
    status: int = 200
    etag: str = ""
    location: str = ""
    gzip: bool = False
    encoding: str = ""
    hold: float = 0
    cut: bool = False

    @property
    def bytes(self) -> bytes:
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return gzip.compress(raw) if self.gzip else raw


@attrs.define
class Documents:
    """A web server. `asked` has the path and the headers of every request."""

    port: int
    scheme: str = "http"
    pages: dict[str, Page] = attrs.Factory(dict)
    asked: list[tuple[str, Mapping[str, str]]] = attrs.Factory(list)
    released: threading.Event = attrs.Factory(threading.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


class _DocumentHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def documents(self) -> Documents:
        return self.server.documents  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.documents.asked.append((path, {k.lower(): v for k, v in self.headers.items()}))
        page = self.documents.pages.get(path, Page({"error": "nothing here"}, 404))
        known = page.etag and self.headers.get("If-None-Match") == page.etag
        if known and page.status == 200:
            self.send_response(304)
            self.end_headers()
            return
        body = page.bytes
        self.send_response(page.status)
        headers = {"Content-Length": str(len(body)), "ETag": page.etag, "Location": page.location}
        headers["Content-Encoding"] = "gzip" if page.gzip else page.encoding
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if page.hold:
            self.documents.released.wait(page.hold)
        self.wfile.write(body[: len(body) // 2] if page.cut else body)
        self.close_connection = self.close_connection or page.cut

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def _serving(server: Any) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no error here."""


@contextmanager
def documents(tls: ssl.SSLContext | None = None) -> Iterator[Documents]:
    """A running web server."""
    server = _Quiet(("127.0.0.1", 0), _DocumentHandler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    found = Documents(server.server_address[1], "https" if tls else "http")
    cast(Any, server).documents = found
    with _serving(server):
        yield found
        found.released.set()


# -- proxies --------------------------------------------------------------------------------------


@attrs.define
class ProxyLog:
    """What a proxy was asked for, and with which credentials ("" for none)."""

    port: int
    user: str = ""
    asked: list[tuple[str, str]] = attrs.Factory(list)
    # What names stand for, so that nothing is looked up.
    names: dict[str, str] = attrs.Factory(dict)

    def connect(self, host: str, port: int) -> socket.socket:
        return socket.create_connection((self.names.get(host, host), port), timeout=10)


def _pump(one: Any, other: Any) -> None:
    pairs = {one: other, other: one}
    while True:
        pending = [s for s in pairs if isinstance(s, ssl.SSLSocket) and s.pending()]
        ready = pending or select.select(list(pairs), [], [], 10)[0]
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            pairs[source].sendall(data)


class _HttpProxyHandler(BaseHTTPRequestHandler):
    @property
    def log(self) -> ProxyLog:
        return self.server.log  # type: ignore[attr-defined,no-any-return]

    def _allowed(self) -> bool:
        said = self.headers.get("Proxy-Authorization", "").removeprefix("Basic ")
        user = base64.b64decode(said).decode()
        self.log.asked.append((f"{self.command} {self.path}", user))
        if user != self.log.user:
            self.send_error(407)
        return user == self.log.user

    def do_CONNECT(self) -> None:
        if self._allowed():
            host, _, port = self.path.rpartition(":")
            with self.log.connect(host, int(port)) as target:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\nX-A: b\r\n\r\n")
                _pump(self.connection, target)

    def do_GET(self) -> None:
        if self._allowed():
            parts = urlsplit(self.path)
            with self.log.connect(parts.hostname or "", parts.port or 80) as target:
                request = f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
                target.sendall(request.encode())
                while data := target.recv(65536):
                    self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


class _SocksHandler(BaseRequestHandler):
    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.request.recv(count - len(data)) or b"\0" * count
        return data

    def handle(self) -> None:
        log: ProxyLog = self.server.log  # type: ignore[attr-defined]
        methods = self._read(self._read(2)[1])
        method = 2 if log.user else 0
        if method not in methods:
            self.request.sendall(b"\x05\xff")
            return
        self.request.sendall(bytes((5, method)))
        user = ""
        if method == 2:
            name = self._read(self._read(2)[1])
            user = f"{name.decode()}:{self._read(self._read(1)[0]).decode()}"
            self.request.sendall(b"\x01\x00" if user == log.user else b"\x01\x01")
            if user != log.user:
                log.asked.append(("refused", user))
                return
        kind = self._read(4)[3]
        if kind == 3:
            host = self._read(self._read(1)[0]).decode()
        else:
            host = str(ipaddress.ip_address(self._read(4 if kind == 1 else 16)))
        port = int.from_bytes(self._read(2), "big")
        log.asked.append((f"{host}:{port}", user))
        try:
            target = log.connect(host, port)
        except OSError:
            self.request.sendall(b"\x05\x05\x00\x01" + bytes(6))
            return
        with target:
            self.request.sendall(b"\x05\x00\x00\x03\x05proxy" + bytes(2))
            _pump(self.request, target)


class _QuietTcp(ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no error here."""


@contextmanager
def http_proxy(user: str = "", tls: ssl.SSLContext | None = None) -> Iterator[ProxyLog]:
    """A running HTTP proxy; `user` is ``name:password``."""
    server = _Quiet(("127.0.0.1", 0), _HttpProxyHandler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    log = ProxyLog(server.server_address[1], user)
    cast(Any, server).log = log
    with _serving(server):
        yield log


@contextmanager
def socks_proxy(user: str = "") -> Iterator[ProxyLog]:
    """A running SOCKS5 proxy."""
    server = _QuietTcp(("127.0.0.1", 0), _SocksHandler)
    log = ProxyLog(server.server_address[1], user)
    cast(Any, server).log = log
    with _serving(server):
        yield log


# -- certificates ---------------------------------------------------------------------------------


@attrs.frozen
class Certificate:
    """A certificate that signs itself, for localhost, 127.0.0.1 and prices.test."""

    pem: bytes
    context: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """A new one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "prices.test")])
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("prices.test"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return Certificate(pem, context)
