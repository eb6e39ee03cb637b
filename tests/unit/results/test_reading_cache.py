"""What is kept of files that have not changed: no cache is believed that is not our own."""

from __future__ import annotations

import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from dropgrid.results import reading_cache
from dropgrid.results.artefacts import path_of
from dropgrid.results.crash_cleanup import remove_broken_files
from dropgrid.results.ownership import claim, looks_owned
from dropgrid.results.reading_cache import ReadingCache
from settled_files import let_time_pass

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
    let_time_pass(monkeypatch)
    return path


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
    let_time_pass(monkeypatch, seconds)  # or the clock was set back
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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one module, which this process has loaded."""
    (tmp_path / "package" / "results").mkdir(parents=True)
    module = tmp_path / "package" / "results" / "module.py"
    module.write_bytes(b"one")
    monkeypatch.setattr(reading_cache, "__file__", str(module))
    monkeypatch.setattr(reading_cache, "BEGAN", time.time_ns() + 10**9)
    return module


def test_sources_that_changed_behind_the_process_make_no_entries(
    package: Path, results: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reading_cache.sources.__wrapped__()
    monkeypatch.setattr(reading_cache, "BEGAN", package.stat().st_ctime_ns - 1)
    monkeypatch.setattr(reading_cache, "sources", reading_cache.sources.__wrapped__)
    assert reading_cache.sources() is None
    keep(results, file)
    assert not path_of("reading", results, any="rows").exists()


def test_what_editors_leave_among_the_sources_is_not_a_source(package: Path) -> None:
    before = reading_cache.sources.__wrapped__()
    package.with_name(".#module.py").symlink_to("somebody@somewhere.1234")
    assert reading_cache.sources.__wrapped__() == before
    package.with_name("gone.py").symlink_to("nowhere")
    assert reading_cache.sources.__wrapped__() is None


def test_another_python_or_coding_of_file_names_is_another_maker(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reading_cache.sources.__wrapped__()
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    other = reading_cache.sources.__wrapped__()
    monkeypatch.setattr(sys, "version", "3.99")
    assert len({before, other, reading_cache.sources.__wrapped__()}) == 3


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


def test_the_cache_of_another_user_is_ignored(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    keep(results, file)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert found(results, file) is None


def test_a_seal_key_that_others_can_read_is_ignored_and_a_truncated_key_is_replaced(
    results: Path, file: Path, tmp_path: Path
) -> None:
    keep(results, file)
    key = tmp_path / "state" / "dropgrid" / "cache.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    assert found(results, file) is None
    key.chmod(0o600)
    assert found(results, file) is not None
    for lost in (b"", bytes(32)):  # what a crash may leave
        key.write_bytes(lost)
        assert found(results, file) is None and key.read_bytes() == lost
        keep(results, file)
        assert found(results, file) is not None and len(key.read_bytes()) == 32
    key.unlink()
    key.symlink_to("/dev/zero")
    keep(results, file)
    assert found(results, file) is None and os.readlink(key) == "/dev/zero"


def test_whoever_looks_makes_no_key(results: Path, file: Path, tmp_path: Path) -> None:
    keep(results, file)
    (tmp_path / "state" / "dropgrid" / "cache.key").unlink()
    assert found(results, file) is None
    assert not any((tmp_path / "state" / "dropgrid").iterdir())


def test_a_relative_place_for_the_key_is_none(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    for home in ("home", "~"):  # ~: of a user who has none
        monkeypatch.setenv("HOME", home)
        keep(results, file)
    assert not any(Path().iterdir()) and found(results, file) is None
    monkeypatch.setenv("HOME", "")
    assert reading_cache._state_folder() is None
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    keep(results, file)
    assert (tmp_path / "home/.local/state/dropgrid/cache.key").exists()


def test_root_makes_no_folders_in_the_home_of_another_user(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if os.getuid() == 0:
        os.chown(home, 1234, 1234)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setenv("HOME", str(home))  # as sudo leaves it on some systems
    monkeypatch.delenv("XDG_STATE_HOME")
    keep(results, file)
    assert not any(home.iterdir()) and not path_of("reading", results, any="rows").exists()


def test_a_key_that_could_not_be_written_leaves_nothing(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(count: int) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "urandom", full)
    keep(results, file)
    assert not any((tmp_path / "state" / "dropgrid").iterdir())


def test_without_a_home_there_is_no_cache(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    keep(results, file)
    assert not path_of("reading", results, any="rows").exists()


def test_nothing_is_written_into_a_folder_of_another_user(file: Path, tmp_path: Path) -> None:
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


def test_nothing_is_written_through_a_link_to_a_folder(
    results: Path, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    path_of("reading", results, any="rows").parent.symlink_to(tmp_path / "elsewhere")
    keep(results, file)
    assert not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("kind", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_what_never_ends_in_the_place_of_a_cache_is_none(
    results: Path, file: Path, kind: Callable[[Path], None]
) -> None:
    path = path_of("reading", results, any="rows")
    path.parent.mkdir()
    kind(path)
    assert found(results, file) is None


def test_a_forged_cache_takes_no_memory(results: Path, file: Path) -> None:
    keep(results, file)
    path = path_of("reading", results, any="rows")
    for size in (2**26, 2**31):
        os.truncate(path, size)
        assert peak(lambda: found(results, file)) < 8 * 2**20


def peak(work: Callable[[], object]) -> int:
    """The peak of the bytes that Python allocated, above those before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_reading_and_writing_take_the_memory_of_the_entries(results: Path, file: Path) -> None:
    cache = ReadingCache(results, "rows", [""])
    names = [f"{i:x}" for i in range(20)]
    for name in names:
        cache.keep(cache.look(name, [str(file)]), [name.encode() * 2**20])
    size = sum(map(len, names)) * 2**20
    assert peak(lambda: cache.save(names)) < size / 4
    assert path_of("reading", results, any="rows").stat().st_size > size
    assert peak(lambda: found(results, file)) < 1.5 * size


def test_a_cache_too_large_for_the_memory_is_none(
    results: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, about: bytes) -> dict[bytes, bytes]:
        raise MemoryError

    monkeypatch.setattr(reading_cache, "_read", fail)
    assert found(results, file) is None


def test_a_file_whose_name_the_system_cannot_write_is_a_missing_one() -> None:
    assert reading_cache.signature(["/music/\ud800.flac"]) == (b"-", True)


def test_a_folder_that_cannot_be_written_does_no_harm(
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
