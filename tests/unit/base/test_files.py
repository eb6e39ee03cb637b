"""Writing files whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import tracemalloc

import pytest
from dropgrid.base.files import cut_name, read_regular, write_atomically, write_if_changed


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(OSError, match="too large"):
            write_atomically(path, b"n" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("letter", ["x", "é", "ж", "曲", "🎵"])
def test_a_name_of_255_bytes_can_be_written(tmp_path, letter):
    path = tmp_path / (letter * (250 // len(letter.encode())) + ".json")
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_name_is_cut_between_letters_whatever_bytes_it_holds():
    assert cut_name("曲" * 85) == "曲" * 60
    assert cut_name("a" + "曲" * 85) == "a" + "曲" * 59
    assert cut_name("short.flac") == "short.flac"
    undecodable = "\udcff" * 250
    assert cut_name(undecodable) == "\udcff" * 180


def test_unchanged_data_is_not_written_again(tmp_path):
    path = tmp_path / "sub" / "a.json"
    assert write_if_changed(path, b"x")
    before = path.stat().st_mtime_ns
    assert not write_if_changed(path, b"x")
    assert path.stat().st_mtime_ns == before
    assert write_if_changed(path, b"y")
    assert path.read_bytes() == b"y"


def test_a_small_file_takes_little_memory_however_much_may_be_read(tmp_path):
    (tmp_path / "small.json").write_bytes(b"{}\n")
    tracemalloc.start()
    try:
        assert read_regular(tmp_path / "small.json", 1 << 30) == b"{}\n"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_of_a_file_that_is_too_large_nothing_is_read(tmp_path):
    path = tmp_path / "large.json"
    path.write_bytes(b"")
    os.truncate(path, 1 << 31)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="more than 64 MB"):
            read_regular(path, 1 << 26)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_file_keeps_its_mode_and_is_never_more_open_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "mine.json"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda a, b: (seen.append(a.stat().st_mode & 0o777), replace(a, b))
    )
    write_atomically(path, (data for data in (b"n", b"ew")))
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600
    assert seen == [0o600]


def test_a_new_file_has_the_mode_that_the_system_gives(tmp_path):
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "a.json", b"x")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_replaced_and_none_in_the_way_of_the_temporary_file_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "a.json").symlink_to(victim)
    (tmp_path / f".a.json.{os.getpid()}.tmp").symlink_to(victim)
    write_atomically(tmp_path / "a.json", b"x")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "a.json").is_symlink() and (tmp_path / "a.json").read_bytes() == b"x"
