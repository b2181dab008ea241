"""What arrived, made into events; runs in a thread and never fails (usage contract, 2.6, 2.8)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs
import orjson

from cpamp.collect.intake import Item
from cpamp.store.dead_letters import PAYLOAD_BYTES, DeadLetter
from cpamp.usage.event import Event
from cpamp.usage.payload import Malformed, strict_json
from cpamp.usage.record import Control, control_of, decode, normalise
from cpamp.usage.redact import redact

REASON_BYTES = 500
# Where the last whole record of a reply that broke off may end, tried from behind.
MOST_ENDS = 64
# An array is parsed in parts of about this size: the parser holds the interpreter lock, and so
# the reactor.
PART_BYTES = 256 * 1024
# Where one record ends and the next begins. It occurs in no string (a quotation mark inside one
# is escaped, and none ends before a letter), and a cut at a deeper place leaves no valid JSON.
_SEAM = b'},{"timestamp":'


@attrs.define
class Decoded:
    """The events of some items, the control messages among them, and what could not be read."""

    events: list[Event] = attrs.Factory(list)
    letters: list[DeadLetter] = attrs.Factory(list)
    controls: set[Control] = attrs.Factory(set)


def decode_items(items: Iterable[Item], *, keep_raw: bool) -> Decoded:
    """Decode items in order; one that can't be read costs none of its neighbours."""
    decoded = Decoded()
    decoder = _Decoder(decoded, keep_raw)
    for item in items:
        decoder.now_ms = item.arrived_ms
        if item.is_array:
            decoder.array(item.payload)
        else:
            decoder.payload(item.payload)
    return decoded


def letter(payload: bytes, reason: str, now_ms: int) -> DeadLetter:
    """What is kept of a record that can't be stored: redacted and cut."""
    text = payload[: 2 * PAYLOAD_BYTES].decode(errors="replace")
    # The three bytes are those of the ellipsis.
    shown = redact(text, PAYLOAD_BYTES - 3)
    return DeadLetter(shown, redact(reason, REASON_BYTES), now_ms)


@attrs.define
class _Decoder:
    into: Decoded
    keep_raw: bool
    # When what is decoded arrived.
    now_ms: int = 0

    def payload(self, payload: bytes) -> None:
        """One record as it came."""
        if not payload.strip():
            return
        try:
            self.put(decode(payload, now_ms=self.now_ms, keep_raw=self.keep_raw))
        except Malformed as error:
            self.refuse(payload, str(error))
        except Exception as error:
            # No record is worth the batch that it is in.
            self.refuse(payload, _named(error))

    def array(self, body: bytes) -> None:
        """A reply of CPA's HTTP queue, read part by part."""
        begin = 0
        while begin < len(body):
            end = _part_end(body, begin)
            try:
                records = strict_json(_array_of(body, begin, end))
            except Malformed:
                # Cut at a wrong place, or not JSON: what is left, as a whole, tells.
                end = len(body)
                records = self.rest(_array_of(body, begin, end))
            if records is not None and not isinstance(records, list):
                self.refuse(body, "the reply of CPA's queue is not an array")
                return
            for record in records or ():
                self.member(record)
            # Behind the comma.
            begin = end + 1

    def rest(self, text: bytes) -> Any:
        """The value of a text that is cut no further; None where it has none.

        Of a reply that broke off, the records that have come whole.
        """
        try:
            return strict_json(text)
        except Malformed as error:
            end = len(text)
            for _ in range(MOST_ENDS):
                end = text.rfind(b"}", 0, end)
                if end < 0:
                    break
                with suppress(Malformed):
                    records = strict_json(text[: end + 1] + b"]")
                    if stub := text[end + 1 :].strip(b", \t\r\n"):
                        self.refuse(stub, str(error))
                    return records
            self.refuse(text, str(error))
            return None

    def member(self, record: Any) -> None:
        """One member of such a reply."""
        if record is None:
            return
        if isinstance(record, str):
            self.payload(record.encode(errors="replace"))
        elif isinstance(record, dict):
            try:
                control = control_of(record)
                self.put(control or normalise(record, now_ms=self.now_ms, keep_raw=self.keep_raw))
            except Exception as error:
                self.refuse(_text(record), _named(error))
        else:
            self.refuse(_text(record), "unexpected usage queue item")

    def put(self, found: Event | Control) -> None:
        if isinstance(found, Control):
            self.into.controls.add(found)
        else:
            self.into.events.append(found)

    def refuse(self, payload: bytes, reason: str) -> None:
        self.into.letters.append(letter(payload, reason, self.now_ms))


def _part_end(body: bytes, begin: int) -> int:
    """Behind a record at about `PART_BYTES` from the beginning; the end where there is none."""
    at = body.find(_SEAM, begin + PART_BYTES)
    return len(body) if at < 0 else at + 1


def _array_of(body: bytes, begin: int, end: int) -> bytes:
    """The records from `begin` to `end` as an array of their own."""
    head = b"[" if begin else b""
    tail = b"]" if end < len(body) else b""
    return head + body[begin:end] + tail


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        # What was read may still be nested too deep to be written.
        return f"a record that can't be shown: {error}".encode(errors="replace")
