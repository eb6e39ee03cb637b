"""Who is at work, where the file system has no locks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dropgrid.base import claims
from dropgrid.base.files import sync_folder


def test_only_one_claims_until_it_releases(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    claims.claim(path)
    with pytest.raises(claims.Claimed, match=f"process {os.getpid()} on .*delete {path}"):
        claims.claim(path)
    claims.release(path)
    claims.claim(path)
    claims.release(path)
    claims.release(path)
    assert list(tmp_path.iterdir()) == []


def of_a_dead_process(**changes: object) -> bytes:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return json.dumps({**claims._me(), "pid": ended.pid, **changes}).encode()


def test_the_claim_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    for data in (of_a_dead_process(), of_a_dead_process(began=None),
                 json.dumps({**claims._me(), "began": "another boot 1"}).encode()):  # fmt: skip
        path.write_bytes(data)
        claims.claim(path)
        assert json.loads(path.read_bytes())["pid"] == os.getpid()
        assert list(tmp_path.iterdir()) == [path]
        claims.release(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"pid": 1}', of_a_dead_process(host="elsewhere")],
    ids=["empty", "no object", "no host", "another machine"],
)
def test_a_claim_that_may_live_is_respected_and_not_released(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "claim"
    path.write_bytes(data)
    with pytest.raises(claims.Claimed, match=r"unknown|on elsewhere"):
        claims.claim(path)
    claims.release(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("number", "raises"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)]
)
def test_a_folder_that_cannot_be_synced_is_accepted_but_a_bad_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, raises: bool
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    if raises:
        with pytest.raises(OSError):
            sync_folder(tmp_path)
    else:
        sync_folder(tmp_path)
