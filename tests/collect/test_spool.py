"""What is spooled comes back in order, whatever a crash left of the last frame."""

from __future__ import annotations

import resource
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpamp.collect import spool as spooling
from cpamp.collect.spool import Spool, SpoolFull, pack, unpack
from cpamp.usage.event import Event
from tests.collect.doubles import event
from tests.usage.test_recorded import normalised

BATCHES = [[event(1), event(2)], [event(3)], [event(4), event(5), event(6)]]
LOG = b"".join(map(pack, BATCHES))


def opened(folder: Path, limit: int = 1 << 30) -> Spool:
    spool = Spool(folder, limit)
    spool.open()
    return spool


def drained(spool: Spool) -> list[list[Event]]:
    found = []
    while (spooled := spool.oldest()) is not None:
        found += spooled.batches
        spool.remove(spooled)
    return found


def test_recorded_events_come_back_the_same() -> None:
    events = normalised(keep_raw=True)
    assert [batch for batch, _ in unpack(pack(events))] == [events]


@given(st.integers(0, len(LOG)))
def test_a_log_cut_anywhere_yields_a_prefix(length: int) -> None:
    found = [batch for batch, _ in unpack(LOG[:length])]
    assert found == BATCHES[: len(found)]
    assert len(found) == sum(length >= len(LOG[: end_of(n)]) for n in range(len(BATCHES)))


def end_of(number: int) -> int:
    return sum(len(pack(batch)) for batch in BATCHES[: number + 1])


@given(st.integers(0, len(LOG) - 1), st.integers(1, 255))
def test_a_changed_byte_never_gives_a_changed_event(at: int, change: int) -> None:
    damaged = bytearray(LOG)
    damaged[at] ^= change
    found = [batch for batch, _ in unpack(bytes(damaged))]
    assert found == BATCHES[: len(found)]


@given(st.integers(0, len(LOG)), st.integers(0, 64))
def test_zeros_behind_the_cut_are_ignored(length: int, zeros: int) -> None:
    found = [batch for batch, _ in unpack(LOG[:length] + bytes(zeros))]
    assert found == BATCHES[: len(found)]


def test_order_over_files_and_over_a_restart(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    big = [event(n, note="x" * 2000) for n in range(400)]
    batches = [[*big[n : n + 40]] for n in range(0, 400, 40)] * 8
    for batch in batches[:-1]:
        spool.append(batch)
    spool.close()
    assert len(list(tmp_path.glob("*.spool"))) > 1
    spool = opened(tmp_path)
    assert spool.events == 40 * (len(batches) - 1)
    spool.append(batches[-1])
    assert drained(spool) == batches
    assert (spool.size, spool.events, list(tmp_path.iterdir())) == (0, 0, [])


def test_what_is_appended_while_the_oldest_is_replayed_comes_later(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(BATCHES[0])
    first = spool.oldest()
    spool.append(BATCHES[1])
    assert first is not None
    assert first.batches == BATCHES[:1]
    spool.remove(first)
    assert drained(spool) == [BATCHES[1]]


def test_one_damaged_file_does_not_replace_another(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    (tmp_path / "000000000001-looked-at.damaged").write_bytes(b"2")
    for number in range(2):
        spool.append(BATCHES[number])
        spool.close()
        (file,) = tmp_path.glob("*.spool")
        file.write_bytes(file.read_bytes() + b"torn %d" % number)
        assert drained(spool) == [BATCHES[number]]
    kept = sorted(file.read_bytes()[-1:] for file in tmp_path.glob("*.damaged"))
    assert kept == [b"0", b"1", b"2"]


def test_the_limit(tmp_path: Path) -> None:
    size = len(pack(BATCHES[0]))
    spool = opened(tmp_path, limit=size * 2)
    spool.append(BATCHES[0])
    spool.append(BATCHES[0])
    with pytest.raises(SpoolFull, match="limit"):
        spool.append(BATCHES[1])
    assert spool.size == size * 2
    assert drained(spool) == [BATCHES[0]] * 2
    spool.append(BATCHES[1])


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_loses_nothing_that_was_written(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(BATCHES[0])
    with files_of_at_most(len(pack(BATCHES[0])) + 100), pytest.raises(SpoolFull):
        spool.append(BATCHES[2])
    spool.append(BATCHES[1])
    assert spool.events == 3
    assert drained(spool) == BATCHES[:2]


def test_a_torn_tail_is_put_aside_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    torn = pack(BATCHES[0]) + pack(BATCHES[1])[:-1]
    (tmp_path / "000000000001.spool").write_bytes(torn)
    (tmp_path / "000000000002.spool").write_bytes(pack(BATCHES[2]))
    spool = opened(tmp_path)
    assert spool.events == 5
    assert drained(spool) == [BATCHES[0], BATCHES[2]]
    (aside,) = tmp_path.iterdir()
    assert (aside.suffix, aside.read_bytes()) == (".damaged", torn)


def test_nothing_of_a_later_version_is_thrown_away(tmp_path: Path) -> None:
    body = b"[%d,[]]" % (spooling.VERSION + 1)
    later = spooling.HEAD.pack(len(body), zlib.crc32(body), 3) + body
    (tmp_path / "000000000001.spool").write_bytes(later)
    assert drained(opened(tmp_path)) == []
    assert [file.suffix for file in tmp_path.iterdir()] == [".damaged"]


def test_files_are_private(tmp_path: Path) -> None:
    spool = opened(tmp_path / "spool")
    spool.append(BATCHES[0])
    (file,) = (tmp_path / "spool").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
