"""Sending one message by one way. Whatever fails is a `SendFailed` that a person can read."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import attrs
import orjson
import treq
from twisted.internet import ssl
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Protocol
from twisted.mail.smtp import ESMTPSenderFactory, SMTPClientError
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

from cpamp.notify.channel import Channel, Means

SECONDS = 15.0
MOST_ANSWER = 4_096


class SendFailed(Exception):
    """The message did not get through, for a reason that a person can be told."""


class _Unread(Protocol):
    """What a receiver answers is not read."""

    def connectionMade(self) -> None:
        """The body would begin here."""
        transport: Any = self.transport
        transport.loseConnection()


@attrs.frozen
class Message:
    """What is sent: a line for the subject, a text for people, and figures for programs."""

    subject: str
    text: str
    facts: Mapping[str, Any]


@attrs.define(eq=False)
class Senders:
    """Sends by each way; never longer than some seconds."""

    _reactor: Any
    _agent: Agent = attrs.field(init=False)

    @_agent.default
    def _make_agent(self) -> Agent:
        pool = HTTPConnectionPool(self._reactor, persistent=False)
        return Agent(self._reactor, pool=pool, connectTimeout=SECONDS)

    async def send(self, channel: Channel, secret: str, message: Message) -> None:
        """Send a message; raises `SendFailed`."""
        ways: Mapping[Means, Callable[[Channel, str, Message], Any]] = {
            Means.WEBHOOK: self._webhook,
            Means.TELEGRAM: self._telegram,
            Means.EMAIL: self._email,
        }
        sending = Deferred.fromCoroutine(ways[channel.means](channel, secret, message))
        sending.addTimeout(SECONDS, self._reactor)
        try:
            await sending
        except SendFailed:
            raise
        except TimeoutError as error:
            raise SendFailed(f"no answer within {SECONDS:g} s") from error
        except Exception as error:
            # The address may hold a token: only the kind of the failure is told.
            raise SendFailed(f"it could not be reached ({type(error).__name__})") from error

    async def _webhook(self, channel: Channel, secret: str, message: Message) -> None:
        body = orjson.dumps({"subject": message.subject, "text": message.text, **message.facts})
        headers = {"Content-Type": "application/json"}
        if secret:
            signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
            headers["X-Cpamp-Signature"] = f"sha256={signature}"
        await self._post(channel.settings["url"], body, headers)

    async def _telegram(self, channel: Channel, secret: str, message: Message) -> None:
        url = f"{channel.settings['url'].rstrip('/')}/bot{secret}/sendMessage"
        text = f"{message.subject}\n{message.text}"[:MOST_ANSWER]
        body = orjson.dumps({"chat_id": channel.settings["chat"], "text": text})
        await self._post(url, body, {"Content-Type": "application/json"})

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        client = treq.client.HTTPClient(self._agent)  # type: ignore[arg-type]
        response = await client.post(
            url,
            data=body,
            headers=Headers({name: [value] for name, value in headers.items()}),
            allow_redirects=False,
            unbuffered=True,
        )
        original: Any = response.original
        original.deliverBody(_Unread())
        if not 200 <= response.code < 300:
            raise SendFailed(f"it answered {response.code}")

    async def _email(self, channel: Channel, secret: str, message: Message) -> None:
        settings = channel.settings
        mail = EmailMessage()
        mail["From"], mail["To"] = settings["from"], settings["to"]
        mail["Subject"] = " ".join(message.subject.split())
        mail.set_content(message.text)
        host, user = settings["host"], settings.get("user", "")
        sent: Deferred[Any] = Deferred()
        security = settings["security"]
        factory = ESMTPSenderFactory(
            user.encode() or None,
            secret.encode() or None,
            settings["from"],
            settings["to"],
            BytesIO(mail.as_bytes()),
            sent,
            retries=0,
            timeout=int(SECONDS),
            contextFactory=ssl.optionsForClientTLS(host),
            requireAuthentication=bool(user),
            requireTransportSecurity=security == "starttls",
            hostname=host,
        )
        endpoint: Any = HostnameEndpoint(self._reactor, host, int(settings["port"]))
        if security == "tls":
            endpoint = wrapClientTLS(ssl.optionsForClientTLS(host), endpoint)
        await endpoint.connect(factory)
        try:
            await sent
        except SMTPClientError as error:
            said = (error.resp or b"").decode(errors="replace")[:200]
            raise SendFailed(f"the mail server answered {error.code} {said}") from error
