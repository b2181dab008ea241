"""A start that was killed while it moved files goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpamp.store.database import open_database
from cpamp.takeover.replacing import take_place
from tests.takeover import existing
from tests.takeover.existing import PARTS, files

NOW = 1_795_500_000_000


def take(path: Path) -> Path | None:
    return take_place(path, path.with_name("usage-imports"), lambda sealed: sealed, NOW)


@pytest.mark.parametrize("moved", [1, 2, 3])
def test_the_rest_is_moved_by_the_next_start(tmp_path: Path, moved: int) -> None:
    path = existing.unpack(tmp_path)
    existing.kill_after(path, "DELETE FROM api_key_aliases")
    before = files(tmp_path)
    aside = take(path)
    assert aside == tmp_path / "usage.sqlite.before-cpamp"
    after = files(tmp_path)
    # As it was when that many of the old files had been moved.
    path.rename(tmp_path / "usage.sqlite.taking-over")
    for part in PARTS[moved:]:
        aside.with_name(aside.name + part).rename(path.with_name(path.name + part))
    assert take(path) == aside
    assert files(tmp_path) == after
    for part in PARTS:
        assert after[f"usage.sqlite.before-cpamp{part}"] == before[f"usage.sqlite{part}"]


def test_what_was_half_made_is_made_anew(tmp_path: Path) -> None:
    path = existing.unpack(tmp_path)
    (tmp_path / "usage.sqlite.taking-over").write_bytes(b"half")
    assert take(path) is not None
    assert not (tmp_path / "usage.sqlite.taking-over").exists()


def test_a_second_time_the_files_get_another_name(tmp_path: Path) -> None:
    path = existing.unpack(tmp_path)
    take(path)
    existing.unpack(tmp_path)
    assert take(path) == tmp_path / "usage.sqlite.before-cpamp-2"


def test_our_own_database_and_no_database_stay(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    assert take(path) is None
    open_database(path).close()
    before = files(tmp_path)
    assert take(path) is None
    assert files(tmp_path) == before


def test_what_is_another_program_s_stays(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    existing.change(path, "CREATE TABLE settings (id)")
    before = files(tmp_path)
    assert take(path) is None
    assert files(tmp_path) == before
