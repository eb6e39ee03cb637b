"""What files, claims and tables do at their limits: leaks, left-overs, races, foreign tables."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from dropgrid.base import claims, optional_packages, strict_json, text
from dropgrid.base.csv_tables import csv_bytes, parse_csv
from dropgrid.base.files import (
    open_regular,
    read_regular,
    rooted,
    sync_folder,
    write_atomically,
    write_if_changed,
)
from dropgrid.base.quantiles import median, quantile
from dropgrid.base.threads import on_one_thread

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("D:\\Music\\House", "D:/Music/House"), ("d:/Music", "d:/Music"), ("/mnt/d", "/mnt/d"),
        ("D:Music", f"{os.getcwd()}/D:Music"), ("music", f"{os.getcwd()}/music"),
    ],
)  # fmt: skip
def test_a_folder_is_absolute_and_one_of_windows_keeps_its_drive(
    given: str, expected: str
) -> None:
    assert str(rooted(given)) == str(rooted(Path(given))) == expected


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@LINUX
def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"12345")
    os.mkfifo(tmp_path / "pipe")
    before = descriptors()
    for _ in range(3):
        sync_folder(tmp_path)
        write_atomically(tmp_path / "a", b"x")
        assert read_regular(tmp_path / "a", 1) == b"x"
        for name, number in (("large", errno.EFBIG), ("pipe", errno.EINVAL)):
            with pytest.raises(OSError) as raised:
                open_regular(tmp_path / name, 4)
            assert raised.value.errno == number
            assert raised.value.filename == str(tmp_path / name)
        claims.claim(tmp_path / "claim")
        claims.release(tmp_path / "claim")
    assert descriptors() == before


@LINUX
def test_a_file_that_says_it_is_empty_and_is_not_is_read_no_further_than_allowed() -> None:
    """As those of /proc do: what comes may be more than a reader has room for."""
    with pytest.raises(OSError) as raised:
        read_regular(Path("/proc/self/status"), 0)
    assert raised.value.errno == errno.EFBIG


def test_data_is_on_the_disk_before_the_name_is_unless_that_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, (tmp_path / "a").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    write_atomically(tmp_path / "a", [b"abc", b"defg"])
    assert synced == [(7, False)]
    assert write_if_changed(tmp_path / "a", b"12")
    assert synced[1:] == [(2, True)]
    write_atomically(tmp_path / "b", b"x", durable=False)
    write_if_changed(tmp_path / "c", b"x", durable=False)
    assert len(synced) == 2
    sync_folder(tmp_path)
    assert len(synced) == 3


def test_what_fails_while_data_is_made_is_raised_as_it_was_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    for error in (ValueError("no number"), OSError("no errno"), KeyboardInterrupt()):

        def chunks(raised: BaseException = error):  # type: ignore[no-untyped-def]
            yield b"new"
            raise raised

        with pytest.raises(type(error)) as found:
            write_atomically(path, chunks())
        assert found.value is error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileExistsError) as raised:
        write_atomically(path / "below", b"x")
    assert raised.value.filename == str(path)


def test_a_temporary_file_of_an_ended_process_is_in_nobodys_way(tmp_path: Path) -> None:
    """Not even one that may only be read, of a process that had the same number."""
    left = tmp_path / f".a.json.{os.getpid()}.tmp"
    left.write_bytes(b"half")
    left.chmod(0o400)
    write_atomically(tmp_path / "a.json", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@LINUX
def test_a_process_is_known_by_when_it_began() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    began = claims._began(child.pid)
    assert child.communicate(b"\n") == (None, None)
    assert began is not None and claims._began(child.pid) is None
    boot, tick = began.split()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert before - 1 / ticks <= int(tick) / ticks <= after + 1 / ticks


def test_a_claim_of_which_only_the_process_is_known_counts_while_that_lives(
    tmp_path: Path,
) -> None:
    path = tmp_path / "claim"
    claim = json.dumps({**claims._me(), "began": None}).encode()
    path.write_bytes(claim)
    with pytest.raises(claims.Claimed, match=f"process {os.getpid()} on"):
        claims.claim(path)
    claims.release(path)  # not this process's own
    assert path.read_bytes() == claim


def test_a_claim_that_was_renewed_at_the_same_moment_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process renews a stale claim after it was read, before it is moved aside."""
    path = tmp_path / "claim"
    path.write_bytes(b"stale")
    rename = os.rename

    def overtaken(source: Path, target: Path) -> None:
        Path(source).write_bytes(b"of the other process")
        rename(source, target)

    monkeypatch.setattr(claims, "_living", lambda data: None)
    monkeypatch.setattr(os, "rename", overtaken)
    with pytest.raises(claims.Claimed, match="another process began at the same moment"):
        claims.claim(path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "claim": b"of the other process"
    }


def test_tables_that_others_edited_are_read() -> None:
    """Short rows, rows too long, empty lines; texts that begin like a formula or its mark."""
    data = b"a,b,c\n\n1,2\n1,2,3,4\n=1+1,'tis,'=x\n"
    assert parse_csv(data) == [
        {"a": "1", "b": "2", "c": ""}, {"a": "1", "b": "2", "c": "3"},
        {"a": "=1+1", "b": "'tis", "c": "=x"},
    ]  # fmt: skip
    assert parse_csv(b"") == []


def test_what_a_spreadsheet_would_run_is_marked_and_numbers_are_not() -> None:
    cells = ["+1", "-1", "-1.5e-3", "@a", "\tx", "-", "-x", "a=b", "''=", "e"]
    written = csv_bytes(["a"], [[cell] for cell in cells]).decode().split("\n")[1:-1]
    assert written == ["'+1", "-1", "-1.5e-3", "'@a", "'\tx", "'-", "'-x", "a=b", "'''=", "e"]
    assert [row["a"] for row in parse_csv(csv_bytes(["a"], [[c] for c in cells]))] == cells


def test_a_long_word_is_shown_up_to_its_limit() -> None:
    for length, shown in ((58, "'" + "x" * 58 + "'"), (59, "'" + "x" * 56 + "...")):
        key = json.dumps("x" * length)
        with pytest.raises(ValueError) as raised:
            strict_json.loads(f"{{{key}: 1, {key}: 2}}".encode())
        assert str(raised.value) == f"the key {shown} stands there twice"


def test_an_extra_is_named_with_the_command_that_installs_it() -> None:
    assert optional_packages.has("numpy") and not optional_packages.has("no_such_package")
    assert optional_packages.lacking("a picture", "matplotlib").endswith(
        "pip install 'dropgrid[pictures]'"
    )


def test_the_last_axis_is_the_usual_one() -> None:
    values = np.random.default_rng(2).random((3, 4, 5))
    np.testing.assert_array_equal(median(values), np.median(values, axis=-1))
    np.testing.assert_array_equal(quantile(values, 0.3), np.quantile(values, 0.3, axis=-1))


def test_arithmetic_runs_on_one_thread_and_leaves_the_process_as_it_was() -> None:
    from threadpoolctl import threadpool_info

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info()]

    before = threads()
    assert before and set(on_one_thread(threads)()) == {1} and threads() == before


def test_the_likeliest_word_is_suggested_alone() -> None:
    assert text.suggestion("strukture", ["structure", "structures"]) == (
        " (did you mean structure?)"
    )
    assert text.suggestion("zzz", ["bpm"]) == ""
