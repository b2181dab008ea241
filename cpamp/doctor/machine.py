"""The machine and the files: versions, disk, modes, the data key, whether the daemon runs."""

from __future__ import annotations

import http.client
import importlib.metadata
import platform
import resource
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from cpamp import __version__
from cpamp.doctor.finding import Finding, bad, note, ok
from cpamp.security.datakey import DataKeyError, load
from cpamp.security.lock import LockError, ProcessLock
from cpamp.security.secrets import SecretBox, SecretError
from cpamp.settings import Settings

MIB = 1024 * 1024
# Below this much free space the spool and the next backup are in danger.
LOW_DISK_BYTES = 512 * MIB
FEW_DESCRIPTORS = 4096
CLOCK_SLACK_MS = 60_000


def versions() -> Finding:
    """What runs here."""
    packages = ("twisted", "klein", "treq", "numpy")
    listed = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return ok(
        "versions",
        f"cpamp {__version__}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {listed}",
    )


def descriptors() -> Finding:
    """How many files and connections a process may have open (the daemon raises its own)."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= FEW_DESCRIPTORS:
        return ok("descriptors", "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}")
    return note(
        "descriptors",
        f"at most {hard} open files",
        f"raise the hard limit to {FEW_DESCRIPTORS} or more for many concurrent streams",
    )


def disk(folder: Path) -> Finding:
    """Free space where the data is."""
    place = next(p for p in (folder, *folder.parents) if p.exists())
    usage = shutil.disk_usage(place)
    seen = f"{usage.free // MIB:,} MiB free of {usage.total // MIB:,} at {place}"
    if usage.free < LOW_DISK_BYTES:
        return bad("disk", seen, "free some space: without it records can't be stored")
    return ok("disk", seen)


def clock(now_ms: int, written_ms: int) -> Finding:
    """Whether the time of day is behind what the daemon has already written; 0 is never."""
    seen = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now_ms / 1000))
    behind_ms = written_ms - now_ms
    if behind_ms > CLOCK_SLACK_MS:
        return bad(
            "clock",
            f"{seen}, {behind_ms // 1000:,} s behind what was written last",
            "set the clock, best by NTP: events are ordered and reported by it",
        )
    return ok("clock", seen)


def modes(settings: Settings, database: Path) -> Iterator[Finding]:
    """Whether others can read the files."""
    wanted = {settings.data_dir: 0o700, settings.data_key_path: 0o600, database: 0o600}
    wanted |= {database.with_name(database.name + part): 0o600 for part in ("-wal", "-shm")}
    for path, mode in wanted.items():
        if not path.exists():
            continue
        found = stat.S_IMODE(path.stat().st_mode)
        if found & ~mode:
            yield bad("file modes", f"{path} has {found:o}", f"chmod {mode:o} {path}")
            return
    yield ok("file modes", f"only its user can read {settings.data_dir}")


def data_key(settings: Settings, sealed: str) -> tuple[Finding, str]:
    """Whether the data key opens the saved CPA key; the key too, "" where it can't be had."""
    subject = "data key"
    try:
        key = load(settings.data_key, settings.data_key_path)
    except DataKeyError as e:
        return bad(subject, e.message, "put the right file back; the daemon will not start"), ""
    if key is None:
        if sealed:
            return _lost(f"{settings.data_key_path} is missing"), ""
        return note(subject, "none yet; the first start makes it"), ""
    place = "given" if settings.data_key else str(settings.data_key_path)
    try:
        return ok(subject, place), SecretBox(key).decrypt(sealed)
    except SecretError:
        return _lost(f"{place} does not fit the saved CPA key"), ""


def _lost(seen: str) -> Finding:
    return bad("data key", seen, "put the right key back, or set the CPA connection up again")


def daemon(settings: Settings, database: Path) -> Finding:
    """Whether a daemon has the database, and answers."""
    lock = ProcessLock(database)
    if not lock.path.exists():
        return note("daemon", f"has never run on {database}", "start it: twistd cpamp")
    try:
        with lock:
            return note("daemon", f"is not running on {database}", "start it: twistd cpamp")
    except LockError:
        pass
    host, _, port = settings.http_addr.rpartition(":")
    if settings.listen:
        return ok("daemon", "runs")
    try:
        client = http.client.HTTPConnection(
            {"": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(host, host.strip("[]")),
            int(port),
            timeout=5,
        )
        client.request("GET", f"{settings.base_path}/health")
        answer = client.getresponse().status
        client.close()
    except (OSError, ValueError, http.client.HTTPException) as e:
        return bad("daemon", f"has the lock, but {settings.http_addr}: {e}", "look into its log")
    if answer != 200:
        return bad("daemon", f"answers {answer} at {settings.http_addr}", "look into its log")
    return ok("daemon", f"runs and answers at {settings.http_addr}")
