"""One run at a time in a folder of results, and the other learns which process is running."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from dropgrid.base.errors import LibraryError
from dropgrid.run import interrupts
from dropgrid.run.interrupts import CLAIM, LOCK, _of_another_user, lock_results, user_name


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch):
    """The locks that a test keeps, which end with it."""
    descriptors: list[int] = []
    monkeypatch.setattr(interrupts, "_lock_file", descriptors)
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_lock_says_who_keeps_it_until_the_process_ends(tmp_path: Path, kept) -> None:
    (tmp_path / LOCK).write_text("a longer text " * 40)
    lock_results(tmp_path)
    noted = (tmp_path / LOCK).read_text()
    assert noted.startswith(f"process {os.getpid()} of {user_name(os.geteuid())} on ")
    assert noted.endswith(f", started in {os.getcwd()}") and len(kept) == 1
    with pytest.raises(LibraryError, match=f"another run uses this folder: process {os.getpid()}"):
        lock_results(tmp_path)
    assert len(kept) == 1
    os.close(kept.pop())
    lock_results(tmp_path)
    assert len(kept) == 1


def test_a_lock_of_an_unknown_process_and_a_link_are_reported(tmp_path: Path, kept) -> None:
    descriptor = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(LibraryError, match="another run uses this folder: unknown"):
            lock_results(tmp_path)
    finally:
        os.close(descriptor)
    (tmp_path / LOCK).unlink()
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LibraryError, match=LOCK):
        lock_results(tmp_path)
    assert not kept and not (tmp_path / "elsewhere").exists()


def test_without_file_locks_a_claim_file_is_used(tmp_path: Path, monkeypatch, kept) -> None:
    def no_locks(*_: Any) -> None:
        raise OSError(38, "Function not implemented")

    released: list[tuple[Any, ...]] = []
    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(interrupts.atexit, "register", lambda *call: released.append(call))
    lock_results(tmp_path)
    assert (tmp_path / CLAIM).exists() and not kept
    with pytest.raises(LibraryError, match="another run uses this folder"):
        lock_results(tmp_path)
    ((release, *path),) = released
    release(*path)
    assert not (tmp_path / CLAIM).exists()


def test_a_user_whom_the_system_does_not_know_is_a_number() -> None:
    assert user_name(4_000_000_123) == "user 4000000123"


@pytest.mark.parametrize("name", ["", LOCK])
def test_what_belongs_to_another_user_is_named(tmp_path: Path, name: str) -> None:
    """The folder where it has no lock yet, else the lock."""
    if name:
        (tmp_path / name).touch()
    told = _of_another_user(tmp_path, os.O_CLOEXEC)
    owner = user_name(os.geteuid())
    assert told.startswith(f"results: {tmp_path / name}: belongs to {owner}; you may not")
    assert "uses this folder" not in told


def test_a_run_of_another_user_is_named(tmp_path: Path, kept) -> None:
    lock_results(tmp_path)
    told = _of_another_user(tmp_path, os.O_CLOEXEC)
    assert f"a run uses this folder: process {os.getpid()} of " in told
