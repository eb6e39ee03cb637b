"""Tags and references made to hang a reader or to fill the memory do neither.

Item D of the table in README.md beside this file.
"""

from __future__ import annotations

import errno
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import mutagen
import pytest
import soundfile
from audio_containers import write_audio
from dropgrid.audio import tag_process
from dropgrid.audio.tag_process import SECONDS, TagLimit, in_tag_process
from dropgrid.audio.tags import read_tags
from dropgrid.base.errors import InvalidReference
from dropgrid.references.collect import read_sources
from mutagen.id3 import CHAP, ID3, TIT2, TXXX

pytestmark = pytest.mark.alone

MILLION = 10**6


def syncsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


def frame(name: bytes, content: bytes, version: int = 4) -> bytes:
    size = syncsafe(len(content)) if version == 4 else struct.pack(">I", len(content))
    return name + size + b"\0\0" + content


def id3(frames: bytes, version: int = 4, flags: int = 0) -> bytes:
    return b"ID3" + bytes([version, 0, flags]) + syncsafe(len(frames)) + frames


def chapters(count: int) -> bytes:
    return b"".join(frame(b"CHAP", b"c%d\0" % i + bytes(16)) for i in range(count))


def comments(count: int) -> bytes:
    texts = b"".join(struct.pack("<I", 6) + b"A%03d=x" % (i % 1000) for i in range(count))
    return struct.pack("<II", 0, count) + texts


def flac(comment: bytes) -> bytes:
    info = bytes.fromhex("1000100000000000000000ac44f000000000") + bytes(16)
    return b"fLaC\0\0\0\x22" + info + b"\x84" + len(comment).to_bytes(3, "big") + comment


def apev2(items: bytes, count: int) -> bytes:
    return items + b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, count, 0) + bytes(8)


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def m4a(items: bytes) -> bytes:
    tags = atom(b"udta", atom(b"meta", bytes(4) + atom(b"ilst", items)))
    return atom(b"ftyp", b"M4A \0\0\0\0M4A ") + atom(b"moov", tags)


DATA = atom(b"data", struct.pack(">II", 1, 0) + b"x")
FREEFORM = atom(b"mean", bytes(4) + b"a") + atom(b"name", bytes(4) + b"b")
# Name of the file -> the tags (of an MP3, before or behind its music).
BOMBS: dict[str, Callable[[], bytes]] = {
    "frames.mp3": lambda: id3(b"".join(frame(b"TXXX", b"\3%d\0x" % i) for i in range(MILLION))),
    "frames-v3.mp3": lambda: id3(
        b"".join(frame(b"TXXX", b"\0%d\0x" % i, 3) for i in range(MILLION)), 3
    ),
    "frames-unsynchronised.mp3": lambda: id3(  # the first size reads as huge until FF 00 is FF
        (b"TXXX\0\0\0\x0b\0\0\0a\0" + b"\xff\0" * 8 + b"TXXX\0\0\0\5\0\0\0a\0x1" * MILLION),
        3, 0x80,
    ),
    "unknown-frames.mp3": lambda: id3(frame(b"XYZ1", b"x") * MILLION),
    "texts.mp3": lambda: id3(frame(b"TPE1", b"\3" + b"a\0" * MILLION)),
    "texts-within-bounds.mp3": lambda: id3(frame(b"TPE1", b"\3" + b"\0" * 200_000)),
    "texts-of-many-frames.mp3": lambda: id3(
        b"".join(frame(b"TXXX", b"\3%d\0" % i + b"a\0" * 900) for i in range(1900))
    ),
    "chapters.mp3": lambda: id3(chapters(300_000)),
    "chapters-in-one.mp3": lambda: id3(frame(b"CHAP", b"c\0" + bytes(16) + chapters(300_000))),
    "pictures.mp3": lambda: id3(frame(b"APIC", b"\0image/png\0\3\0x") * 2000),
    "genre.mp3": lambda: id3(frame(b"TCON", b"\3" + b"(12)" * 3 * MILLION)),
    "large-behind-many.mp3": lambda: id3(
        frame(b"XAAA", b"x") * 150 + frame(b"APIC", bytes(60 * 2**20))
    ),
    "comments.flac": lambda: flac(comments(MILLION)),
    "items.mp3": lambda: apev2(struct.pack("<II", 1, 0) + b"Key\0x", MILLION),
    "name.mp3": lambda: apev2(struct.pack("<II", 1, 0) + b"K" * 30 * MILLION, 1),
    "atoms.m4a": lambda: m4a(atom(b"\xa9nam", DATA) * MILLION),
    "values.m4a": lambda: m4a(atom(b"----", FREEFORM + DATA * 2 * MILLION)),
}  # fmt: skip
# No processor reads these within the limits.
REFUSED = {
    "frames.mp3": "reading them takes more than 3 s",
    "chapters.mp3": "reading them takes more than 3 s",
    "genre.mp3": "reading them takes too much memory",
    "comments.flac": "larger than any honest file's",
    "atoms.m4a": "larger than any honest file's",
}

MEASURE = """
import resource, sys
from dropgrid.audio import tag_process, tags
tag_process.import_formats()
who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
before = [resource.getrusage(of) for of in who]
found = tags.read_tags(sys.argv[1])
tag_process.close()
after = [resource.getrusage(of) for of in who]
print(found.problem)
print(sum(a.ru_utime + a.ru_stime - b.ru_utime - b.ru_stime for a, b in zip(after, before)))
print((max(a.ru_maxrss for a in after) - before[0].ru_maxrss) / 1024)
print(resource.getrlimit(resource.RLIMIT_DATA) == (resource.RLIM_INFINITY,) * 2)
"""


ALWAYS = ("chapters.mp3", "genre.mp3", "comments.flac", "items.mp3", "values.m4a")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in ALWAYS else pytest.mark.slow) for n in BOMBS]
)
def test_a_tag_that_is_a_bomb_costs_seconds_and_a_bounded_memory(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    music = write_audio(tmp_path / "music.mp3").read_bytes()
    tag = BOMBS[name]()
    behind = tag.endswith(b"\0" * 8) and b"APETAGEX" in tag
    path.write_bytes((music + tag if behind else tag + music) if ".mp3" in name else tag)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    problem, seconds, megabytes, unlimited = done.stdout.splitlines()
    assert REFUSED.get(name, "") in problem
    assert float(seconds) < SECONDS + 2  # of processor time
    assert float(megabytes) < 300
    assert unlimited == "True"


def test_the_music_under_such_a_tag_is_analysed_and_the_record_says_so(
    tmp_path: Path, songs: Path
) -> None:
    from dropgrid.api import analyze

    path, music = tmp_path / "song.mp3", tmp_path / "music.mp3"
    samples, rate = soundfile.read(songs / "house.flac", stop=20 * 44100)
    soundfile.write(music, samples, rate)
    path.write_bytes(BOMBS["chapters.mp3"]() + music.read_bytes())
    track = analyze(path)
    assert track.ok and track.bpm is not None
    assert track.bpm.tags["problem"] == "not read: reading them takes more than 3 s"
    assert track.bpm.duration == pytest.approx(20, abs=0.1)


def test_ordinary_tags_and_many_chapters_are_within_the_limits(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "podcast.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=3, text="A long talk"))
    for i in range(400):
        title = [TIT2(encoding=3, text=f"Chapter {i}")]
        tags.add(CHAP(element_id=f"c{i}", start_time=i, end_time=i + 1, sub_frames=title))
    for i in range(300):
        tags.add(TXXX(encoding=1, desc=f"key {i}", text=["x" * 200, "y"]))
    tags.save(path)
    assert read_tags(path).problem is None
    assert read_tags(path).title == "A long talk"
    path = write_audio(tmp_path / "song.flac")
    file = mutagen.File(path)
    for i in range(500):
        file[f"KEY{i}"] = "x" * 300
    file["TITLE"] = "Much"
    file.save()
    assert read_tags(path).title == "Much"


def test_a_file_that_ends_the_tag_process_is_reported_and_the_next_files_are_read(
    tmp_path: Path,
) -> None:
    """Of a scan of many files; nothing is left of a process that died."""
    good = titled(tmp_path / "good.mp3")
    bombs = [tmp_path / name for name in ("chapters.mp3", "genre.mp3")]
    for bomb in bombs:
        bomb.write_bytes(BOMBS[bomb.name]())
    found = [read_tags(path) for path in (good, bombs[0], good, bombs[1], good)]
    assert [tags.title for tags in found] == ["Title", "", "Title", "", "Title"]
    assert [tags.problem for tags in found[1::2]] == [
        "not read: reading them takes more than 3 s",
        "not read: reading them takes too much memory",
    ]
    assert found[0] == found[2] == found[4]
    tag_process.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def never_ends(path: Path) -> None:
    while True:
        with suppress(Exception):  # a parser's own handler does not stop it
            sum(range(1000))


def dies(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def talks(path: Path) -> str:
    return "x" * (tag_process.MAX_ANSWER + 1)


def open_files(path: Path) -> list[str]:
    """What the tag process has open apart from the three streams and its two pipes."""
    found = [link for link in Path("/proc/self/fd").iterdir() if int(link.name) > 2]
    names = [os.readlink(link) for link in found if link.exists()]
    return [name for name in names if not name.startswith(("pipe:", "/proc/"))]


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (never_ends, "takes more than 3 s"),
        (dies, r"ended the process \(SIGSEGV\)"),
        (talks, "they hold more than 4 MB"),
    ],
)
def test_every_end_of_a_tag_process_reaches_its_caller(
    tmp_path: Path, read: Callable[[Path], None], why: str
) -> None:
    with pytest.raises(TagLimit, match=why):
        in_tag_process(read, tmp_path)
    assert read_tags(titled(tmp_path / "next.mp3")).title == "Title"


@pytest.mark.parametrize("call", ["pipe", "fork", "write"])
def test_a_machine_that_cannot_run_the_tag_process_is_not_a_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A record would keep the false reason long after the machine has recovered."""

    def fails(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tag_process.close()
    good = titled(tmp_path / "good.mp3")
    with monkeypatch.context() as machine:
        machine.setattr(tag_process.threading, "active_count", lambda: 1)
        machine.setattr(tag_process.os, call, fails)
        with pytest.raises(OSError, match="No space"):
            read_tags(good)
    assert read_tags(good).title == "Title"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")
def test_the_tag_process_keeps_no_file_or_lock_of_its_caller_open(tmp_path: Path) -> None:
    tag_process.close()
    with (tmp_path / "locked").open("w"):
        assert in_tag_process(open_files, tmp_path) == []


def test_a_fork_does_not_take_the_answers_of_the_process_it_comes_from(tmp_path: Path) -> None:
    good = titled(tmp_path / "good.mp3")
    assert read_tags(good).title == "Title"
    if (child := os.fork()) == 0:
        fine = all(read_tags(good).title == "Title" for _ in range(50))
        tag_process.close()
        os._exit(0 if fine else 1)
    assert all(read_tags(good).title == "Title" for _ in range(50))
    assert os.waitpid(child, 0)[1] == 0


def titled(path: Path) -> Path:
    write_audio(path)
    tags = ID3()
    tags.add(TIT2(encoding=3, text="Title"))
    tags.save(path)
    return path


def test_tags_are_read_in_other_threads_too(tmp_path: Path) -> None:
    path, bomb = titled(tmp_path / "a.mp3"), tmp_path / "bomb.mp3"
    bomb.write_bytes(BOMBS["chapters.mp3"]())
    tag_process.close()  # what a thread starts is a new interpreter
    found: list[str | None] = []

    def read() -> None:
        found.extend([read_tags(path).title, read_tags(bomb).problem, read_tags(path).title])

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert found == ["Title", "not read: reading them takes more than 3 s", "Title"]


@pytest.mark.parametrize("suffix", [".json", ".jams", ".csv", ".beats", ".lab", ".xml"])
def test_a_reference_that_never_ends_is_refused_at_once(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "references"
    folder.mkdir()
    os.mkfifo(folder / f"pipe{suffix}")
    os.symlink("/dev/zero", tmp_path / f"zero{suffix}")
    for path in (folder, tmp_path / f"zero{suffix}"):
        with pytest.raises(InvalidReference, match="not a file but a pipe, a device or the like"):
            read_sources([str(path)])


def test_a_reference_with_a_false_size_is_read_only_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of /proc says that it has no bytes, and has many."""
    from dropgrid.references import checks

    if not Path("/proc/self/maps").exists():
        pytest.skip("no /proc here")
    os.symlink("/proc/self/maps", tmp_path / "maps.json")
    assert (tmp_path / "maps.json").stat().st_size == 0
    monkeypatch.setattr(checks, "MAX_BYTES", 1000)
    with pytest.raises(InvalidReference, match="too much for a reference"):
        read_sources([str(tmp_path / "maps.json")])
