"""What arrived, made into events; runs in a thread and never fails (usage contract, 2.6, 2.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import orjson

from cpamp.collect.intake import Item
from cpamp.store.dead_letters import PAYLOAD_BYTES, DeadLetter
from cpamp.usage.event import Event
from cpamp.usage.record import (
    Control,
    Malformed,
    control_of,
    decode,
    normalise,
    strict_json,
)
from cpamp.usage.redact import redact


@attrs.define
class Decoded:
    """The events of some items, the control messages among them, and what could not be read."""

    events: list[Event] = attrs.Factory(list)
    letters: list[DeadLetter] = attrs.Factory(list)
    controls: set[Control] = attrs.Factory(set)


def decode_items(items: Iterable[Item], now_ms: int, *, keep_raw: bool) -> Decoded:
    """Decode items in order; one that can't be read costs none of its neighbours."""
    decoded = Decoded()
    decoder = _Decoder(decoded, now_ms, keep_raw)
    for item in items:
        if item.is_array:
            decoder.array(item.payload)
        else:
            decoder.payload(item.payload)
    return decoded


@attrs.frozen
class _Decoder:
    into: Decoded
    now_ms: int
    keep_raw: bool

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
            self.refuse(payload, f"{type(error).__name__}: {error}")

    def array(self, body: bytes) -> None:
        """A reply of CPA's HTTP queue."""
        try:
            records = strict_json(body)
        except Malformed as error:
            self.refuse(body, str(error))
            return
        if records is None:
            return
        if not isinstance(records, list):
            self.refuse(body, "the reply of CPA's queue is not an array")
            return
        for record in records:
            self.record(record)

    def record(self, record: Any) -> None:
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
                self.refuse(orjson.dumps(record), f"{type(error).__name__}: {error}")
        else:
            self.refuse(orjson.dumps(record), "unexpected usage queue item")

    def put(self, found: Event | Control) -> None:
        if isinstance(found, Control):
            self.into.controls.add(found)
        else:
            self.into.events.append(found)

    def refuse(self, payload: bytes, reason: str) -> None:
        text = redact(payload[: 2 * PAYLOAD_BYTES].decode(errors="replace"), PAYLOAD_BYTES - 3)
        self.into.letters.append(DeadLetter(text, redact(reason, 500), self.now_ms))
