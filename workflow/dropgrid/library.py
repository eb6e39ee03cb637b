"""The library: which files are tracks, what their ids are, and the ticket of each.

A ticket, results/tracks/{track}.json, contains the path of a track's file, and its size and time
when the library was scanned. It represents the file in the workflow: file names never become
wildcards, job arguments or output paths, so no file name can break a run, and a ticket is
rewritten only when its file changed, so that only that track is analysed again.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from .base.csv_tables import from_cell
from .base.errors import LibraryError
from .records.ticket import Ticket

AUDIO_SUFFIXES = frozenset(
    ".wav .wave .w64 .rf64 .caf .aif .aiff .aifc .flac .ogg .oga .opus .mp3 .mp2 .m4a .mp4 .aac "
    ".alac .wma .wv .mka .webm .ac3".split()
)
# Sound and video formats that are not read: a scan counts such files.
OTHER_SUFFIXES = frozenset(
    ".3gp .aax .amr .ape .asf .au .avi .dff .dsf .dts .eac3 .flv .m2ts .m4b .m4p .m4v .mid .midi "
    ".mkv .mod .mov .mp1 .mpc .mpeg .mpg .ofr .ogv .ra .rm .s3m .shn .snd .spx .stm .tak .thd .ts "
    ".tta .voc .wmv .xm".split()
)
LIST_SUFFIXES = frozenset({".csv", ".tsv"})
OWN_TABLE = ("track", "path", "status")  # how results/library.csv begins: a list too
RESULTS_MARK = ".dropgrid"  # in a folder of results: dropgrid.results.ownership


@dataclass(frozen=True)
class Scan:
    """The result of a scan: the tracks ordered by path, and folders that could not be read.

    unsupported: (suffix, number of files) of each sound format that is not read. excluded: number
    of files left out by a pattern.
    """

    root: str
    tracks: tuple[Ticket, ...]
    problems: tuple[tuple[str, str], ...]  # (path, reason)
    unsupported: tuple[tuple[str, int], ...] = ()
    excluded: int = 0

    @property
    def left_out(self) -> str:
        """A text about the files left out; empty if there are none."""
        parts = []
        if self.unsupported:
            count = sum(number for _, number in self.unsupported)
            kinds = ", ".join(f"{number} {suffix}" for suffix, number in self.unsupported)
            parts.append(f"{count} {'file' if count == 1 else 'files'} of other kinds: {kinds}")
        if self.excluded:
            parts.append(f"{self.excluded} left out by `exclude`")
        return "; ".join(parts)


def scan(
    sources: str | Sequence[str], apart: str | None = None, exclude: str | Sequence[str] = ()
) -> Scan:
    """Find the tracks of a library: a folder, several folders, or a CSV/TSV list of paths.

    Folders are searched through, hidden files and folders left out, symbolic links followed
    but no folder entered twice. The root is the folder, or the deepest folder that holds all
    of several. Folders of results are left out: those that carry their mark, and `apart`, where
    the results of this run go. Raises LibraryError if a source does not exist or a list is
    malformed.
    """
    sources = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if not sources:
        raise LibraryError("library: name a folder, several, or a CSV/TSV list of paths")
    files: list[str] = []
    roots: list[str] = []
    problems: list[tuple[str, str]] = []
    unsupported: Counter[str] = Counter()
    for source in sources:
        path = os.path.abspath(expanded(str(source), "library"))
        if os.path.isdir(path):
            roots.append(path)
            files += _walk(path, problems, apart, unsupported)
        elif os.path.isfile(path) and Path(path).suffix.lower() in LIST_SUFFIXES:
            roots.append(os.path.dirname(path))
            files += _read_list(Path(path))
        else:
            raise LibraryError(f"library: {source}: neither a folder nor a CSV/TSV list")
    root = _root(roots, files)
    patterns = [exclude] if isinstance(exclude, str) else list(exclude)
    kept = files
    if patterns:
        kept = [f for f in files if not excluded(_posix(os.path.relpath(f, root)), patterns)]
    found = _collect(root, kept, problems)
    left_out = len(set(files)) - len(set(kept))
    return replace(found, unsupported=tuple(sorted(unsupported.items())), excluded=left_out)


def excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern excludes a file from the library.

    path: relative to the root. Patterns ignore case; * matches any characters, ? one
    character, [ab] one of these. One with a slash inside is compared with the
    path, and with that of each folder above; another with each name on the path; one that ends
    with a slash with folders alone.
    """
    parts = unicodedata.normalize("NFC", path).casefold().split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for pattern in patterns:
        normal = unicodedata.normalize("NFC", pattern).casefold()
        folders_only = normal.endswith("/")
        normal = normal.strip("/")
        names = above if "/" in normal else parts
        if any(fnmatchcase(name, normal) for name in (names[:-1] if folders_only else names)):
            return True
    return False


def scan_files(files: Iterable[str | Path], root: str | Path | None = None) -> Scan:
    """The tracks of the given files; the root defaults to the deepest folder that holds them."""
    absolute = [os.path.abspath(file) for file in files]
    if not absolute:
        raise LibraryError("no files given")
    base = os.path.abspath(root) if root else os.path.commonpath(map(os.path.dirname, absolute))
    return _collect(_root([base], absolute), absolute, [])


def track_id(path: str) -> str:
    """The id of a track: a slug of its file name, a dash, 8 hex digits of its path's SHA-1.

    path is relative to the library's root, with forward slashes; its NFC form is hashed.

    >>> track_id("House/Été (Original Mix).flac")
    'ete-original-mix-8c0e99fa'
    """
    stem = path.rpartition("/")[2]
    stem = stem.rpartition(".")[0] or stem
    ascii_stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_stem.lower()).strip("-")[:48].strip("-")
    return f"{slug or 'track'}-{_digest(unicodedata.normalize('NFC', path))}"


def files_digest(paths: Iterable[str]) -> str:
    """A digest that changes when a file at or below any of the paths changes, comes or goes."""
    digest = hashlib.sha256()
    for top in paths:
        below = (Path(folder, name) for folder, _, names in os.walk(top) for name in names)
        for path in sorted([Path(top), *below]):
            with suppress(OSError):
                status = path.stat()
                digest.update(os.fsencode(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0"))
    return digest.hexdigest()[:16]


def _walk(
    root: str, problems: list[tuple[str, str]], apart: str | None, unsupported: Counter[str]
) -> Iterator[str]:
    """Audio files below root. A folder found twice (as in a loop of links) is entered once.

    unsupported: counts files of other kinds, by suffix.
    """
    visited: set[tuple[int, int]] = set()
    if apart is not None:
        with suppress(OSError):
            status = os.stat(apart)
            visited.add((status.st_dev, status.st_ino))
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            if any(e.name == RESULTS_MARK for e in entries):
                continue  # a folder of results, with what was made of songs
        except OSError as error:
            problems.append((_posix(os.path.relpath(folder, root)), error.strerror or str(error)))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                waiting.append(entry.path)
                continue
            suffix = os.path.splitext(entry.name)[1].lower()
            if suffix in AUDIO_SUFFIXES:
                yield entry.path
            elif suffix in OTHER_SUFFIXES:
                unsupported[suffix] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into itself: a track that cannot be read
        return False


def _read_list(path: Path) -> list[str]:
    """The paths of a CSV/TSV with a column `path`, relative to the list's folder."""
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream, delimiter=delimiter)
            header = tuple(rows.fieldnames or ())
            if "path" not in header:
                raise LibraryError(f"library: {path}: line 1: there is no column `path`")
            files = []
            for row in rows:
                if not row["path"]:
                    raise LibraryError(f"library: {path}: line {rows.line_num}: empty path")
                where = f"library: {path}: line {rows.line_num}"
                text = from_cell(row["path"]) if header[:3] == OWN_TABLE else row["path"]
                files.append(os.path.abspath(path.parent / expanded(text, where)))
            return files
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"library: {path}: {error}") from error


def expanded(text: str, where: str) -> Path:
    """The path with a leading ~ expanded. Raises LibraryError, with a message about `where`."""
    if "\0" in text:
        raise LibraryError(f"{where}: a path with a zero byte: {text!a}")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise LibraryError(f"{where}: {text}: there is no such user") from error


def _root(roots: Sequence[str], files: Sequence[str]) -> str:
    """The deepest folder that holds all roots and all files."""
    root = os.path.commonpath(roots)
    outside = [file for file in files if os.path.commonpath([root, file]) != root]
    return os.path.commonpath([root, *map(os.path.dirname, outside)]) if outside else root


def _collect(root: str, files: Iterable[str], problems: Iterable[tuple[str, str]]) -> Scan:
    relative = {_posix(_below(root, file)): file for file in files}
    tracks: list[Ticket] = []
    ids: set[str] = set()
    for path in sorted(relative, key=os.fsencode):
        track = track_id(path)
        if track in ids:  # two paths that differ in their normal form only
            track = f"{track.rpartition('-')[0]}-{_digest(path + '/')}"
        ids.add(track)
        tracks.append(_look_at(track, path, relative[path]))
    return Scan(root, tuple(tracks), tuple(sorted(problems)))


def _below(root: str, file: str) -> str:
    """The path of a file relative to the root, both absolute."""
    top = root if root.endswith(os.sep) else root + os.sep
    return file[len(top) :] if file.startswith(top) else os.path.relpath(file, root)


def _look_at(track: str, path: str, file: str) -> Ticket:
    try:
        status = os.stat(file)
    except OSError:  # deleted or forbidden: the track's record reports it when it is read
        return Ticket(track, path, file, -1, -1)
    return Ticket(track, path, file, status.st_size, status.st_mtime_ns)


def _digest(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()[:8]


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")
