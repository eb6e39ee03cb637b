"""What is kept of files that have not changed: no cache is believed that is not our own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dropgrid.results import reading_cache
from dropgrid.results.artefacts import path_of
from dropgrid.results.crash_cleanup import remove_broken_files
from dropgrid.results.ownership import claim, looks_owned
from dropgrid.results.reading_cache import ReadingCache

TRACK = "song-0a1b2c3d"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results, and a user who has no key so far."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    claim(tmp_path / "results", [])
    return tmp_path / "results"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was left alone long enough."""
    path = tmp_path / "record.json"
    path.write_bytes(b"one")
    later(monkeypatch)
    return path


def later(monkeypatch: pytest.MonkeyPatch, seconds: float = 60) -> None:
    """Let some time pass, by the clock that the cache goes by."""
    now = time.time_ns()
    monkeypatch.setattr(reading_cache, "time_ns", lambda: now + int(seconds * 1e9))


def keep(results: Path, file: Path, about: str = "") -> None:
    cache = ReadingCache(results, "rows", [about])
    cache.keep(cache.look(TRACK, [str(file)]), [b"made", b"of it"])
    cache.save([TRACK])


def found(results: Path, file: Path, about: str = "") -> list[bytes] | None:
    return ReadingCache(results, "rows", [about]).look(TRACK, [str(file)]).parts


def test_what_was_made_of_a_file_is_found_until_it_changes(results: Path, file: Path) -> None:
    assert found(results, file) is None
    keep(results, file)
    assert found(results, file) == [b"made", b"of it"]
    file.write_bytes(b"another")
    assert found(results, file) is None


def in_place(file: Path) -> None:
    file.write_bytes(b"two")


def by_another(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(b"two")
    os.replace(other, file)


@pytest.mark.parametrize("change", [in_place, by_another])
def test_a_file_of_the_same_size_and_time_of_modification_is_noticed(
    results: Path, file: Path, change: Callable[[Path], None]
) -> None:
    keep(results, file)
    before = file.stat()
    change(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # touch -r
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert found(results, file) is None


@pytest.mark.parametrize("seconds", [1, -3600])
def test_a_file_that_has_just_changed_is_not_kept(
    results: Path, file: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    later(monkeypatch, seconds)  # or the clock was set back
    keep(results, file)
    assert found(results, file) is None


def test_a_file_that_was_read_too_early_is_not_kept_as_what_it_became(
    results: Path, file: Path
) -> None:
    cache = ReadingCache(results, "rows", [""])
    look = cache.look(TRACK, [str(file)])
    file.write_bytes(b"while it was read")
    cache.keep(look, [b"made"])
    cache.save([TRACK])
    assert found(results, file) is None


def test_a_file_that_comes_is_noticed(results: Path, file: Path) -> None:
    data = file.read_bytes()
    file.unlink()
    keep(results, file)
    assert found(results, file) is not None
    file.write_bytes(data)
    assert found(results, file) is None


def test_another_question_finds_nothing(results: Path, file: Path) -> None:
    keep(results, file, "bpm alone")
    assert found(results, file, "bpm and key") is None
    os.rename(path_of("reading", results, any="rows"), path_of("reading", results, any="page"))
    assert ReadingCache(results, "page", ["bpm alone"]).look(TRACK, [str(file)]).parts is None


def test_other_sources_find_nothing(
    results: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(results, file)
    monkeypatch.setattr(reading_cache, "sources", lambda: "of another version")
    assert found(results, file) is None


def test_every_byte_is_sealed(results: Path, file: Path) -> None:
    keep(results, file)
    path = path_of("reading", results, any="rows")
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert found(results, file) is None, place
        path.write_bytes(whole[:place])
        assert found(results, file) is None, place
    path.write_bytes(whole + b"more")
    assert found(results, file) is None
    path.write_bytes(whole)
    assert found(results, file) is not None


def test_the_cache_of_somebody_else_is_none(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    keep(results, file)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert found(results, file) is None


def test_a_key_that_others_may_read_is_none_and_one_that_is_cut_short_is_made_anew(
    results: Path, file: Path, tmp_path: Path
) -> None:
    keep(results, file)
    key = tmp_path / "state" / "dropgrid" / "cache.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    assert found(results, file) is None
    key.chmod(0o600)
    assert found(results, file) is not None
    key.write_bytes(b"")
    assert found(results, file) is None and len(key.read_bytes()) == 32
    key.unlink()
    key.symlink_to("/dev/zero")
    keep(results, file)
    assert found(results, file) is None and os.readlink(key) == "/dev/zero"


def test_without_a_home_there_is_no_cache(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    keep(results, file)
    assert not path_of("reading", results, any="rows").exists()


def test_nothing_is_written_into_a_folder_of_somebody_else(file: Path, tmp_path: Path) -> None:
    (tmp_path / "unmarked").mkdir()
    keep(tmp_path / "unmarked", file)
    assert not any((tmp_path / "unmarked").iterdir())


def test_a_file_of_the_users_and_a_folder_in_the_way_are_left_alone(
    results: Path, file: Path
) -> None:
    path = path_of("reading", results, any="rows")
    path.parent.mkdir()
    path.write_bytes(b"my own")
    keep(results, file)
    assert path.read_bytes() == b"my own"
    path.unlink()
    path.mkdir()
    keep(results, file)
    assert path.is_dir() and found(results, file) is None


def test_a_folder_that_cannot_be_written_is_no_matter(
    results: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(reading_cache, "write_atomically", fail)
    keep(results, file)
    assert found(results, file) is None


def test_of_two_at_once_the_last_one_stays_whole(results: Path, file: Path) -> None:
    one, other = (ReadingCache(results, "rows", [""]) for _ in range(2))
    one.keep(one.look("one", [str(file)]), [b"1"])
    other.keep(other.look("other", [str(file)]), [b"2"])
    one.save(["one", "other"])
    other.save(["one", "other"])
    last = ReadingCache(results, "rows", [""])
    assert last.look("other", [str(file)]).parts == [b"2"]
    assert last.look("one", [str(file)]).parts is None


def test_tracks_that_have_left_go_with_the_next_entry(results: Path, file: Path) -> None:
    keep(results, file)
    cache = ReadingCache(results, "rows", [""])
    cache.keep(cache.look("new", [str(file)]), [b"1"])
    cache.save(["new"])
    assert found(results, file) is None


def test_a_crash_leaves_nothing_that_stays(results: Path, file: Path) -> None:
    keep(results, file)
    path = path_of("reading", results, any="rows")
    assert looks_owned(str(path)) and remove_broken_files(results) == []
    left = path.with_name(".rows.cache.123.tmp")
    left.write_bytes(path.read_bytes()[:100])
    path.write_bytes(path.read_bytes()[:-3])
    assert set(remove_broken_files(results)) == {path, left}
