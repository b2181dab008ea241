"""Files that are private, whole, and locked by one process."""

from __future__ import annotations

import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cpamp.security import files
from cpamp.security.lock import LockError, ProcessLock, canonical


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_made_folders_are_private_and_others_untouched(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    files.make_folder(tmp_path / "a/b")
    files.make_folder(tmp_path / "a/b")
    assert [mode(tmp_path / p) for p in ("", "a", "a/b")] == [0o755, 0o700, 0o700]


def test_replacing_a_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    (tmp_path / "f.new").write_text("left over")
    for content in (b"one", b"two"):
        files.replace(path, content)
        assert path.read_bytes() == content
    assert mode(path) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_new_file_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "link", b"x")
    assert not (tmp_path / "target").exists()


def test_descriptor_limit_is_raised_within_the_hard_limit() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        assert files.raise_descriptor_limit(512) == 512
        assert files.raise_descriptor_limit(300) == 512
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (512, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_one_lock_per_database_by_every_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    database = tmp_path / "real/usage.sqlite"
    database.touch()
    (tmp_path / "other.sqlite").symlink_to(database)
    names = (database, tmp_path / "alias/usage.sqlite", tmp_path / "other.sqlite")
    assert {canonical(name) for name in names} == {database.resolve()}
    with ProcessLock(canonical(names[0])) as lock:
        assert mode(lock.path) == 0o600
        for name in names:
            with pytest.raises(LockError, match="already held for"):
                ProcessLock(canonical(name)).acquire()
    assert lock.path.exists()
    with ProcessLock(canonical(names[1])):
        pass


def test_dangling_link_is_refused_and_its_target_not_made(tmp_path: Path) -> None:
    (tmp_path / "db").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LockError, match="is a dangling symbolic link"):
        ProcessLock(canonical(tmp_path / "db")).acquire()
    assert not (tmp_path / "nowhere").exists()


def test_the_folder_is_made(tmp_path: Path) -> None:
    with ProcessLock(canonical(tmp_path / "new/usage.sqlite")):
        assert mode(tmp_path / "new") == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(LockError, match="file"):
        ProcessLock(canonical(tmp_path / "file/usage.sqlite")).acquire()


def test_hard_links_are_refused_and_the_lock_let_go(tmp_path: Path) -> None:
    database = tmp_path / "db"
    database.touch()
    (tmp_path / "second").hardlink_to(database)
    with pytest.raises(LockError, match="has multiple hard links for"):
        ProcessLock(canonical(database)).acquire()
    (tmp_path / "second").unlink()
    ProcessLock(canonical(database)).acquire()


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    database = canonical(tmp_path / "db")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, signal, pathlib\n"
            "from cpamp.security.lock import ProcessLock\n"
            "ProcessLock(pathlib.Path(sys.argv[1])).acquire()\n"
            "print('held', flush=True)\n"
            "signal.pause()\n",
            str(database),
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(LockError, match="already held"):
        ProcessLock(database).acquire()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with ProcessLock(database):
        pass
