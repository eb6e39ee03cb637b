"""Check where a command may write: never over a file that dropgrid did not write.

A file is dropgrid's if its content shows it: every document, table, page and picture of dropgrid
can be recognised by its first or last bytes. Lists without a header (.beats, .lab, labels) are
dropgrid's if their name contains a track id and all lines have the format of the exports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ..base.errors import ConfigError
from ..base.files import write_atomically
from ..library import AUDIO_SUFFIXES
from .artefacts import ARTEFACTS, FORMATS
from .ownership import is_marked

LOOK = 64 * 2**10  # bytes read at each end of a file
HEADS = (
    FORMATS[".json"].start,  # records, tickets, summaries, evaluations
    *(artefact.header for artefact in ARTEFACTS.values() if artefact.header),
    b"none: librosa's onset strength",  # in place of the networks
    b"none: rises of bands",
    b"none: pitch classes",
    b"none: engine ",
    b"track,path,genre,reference,system",  # rows of an evaluation
    b"source,key,reason",  # references left out
    b"# Evaluation\n",
    b"# Systems side by side\n",
    b"# dropgrid estimate: ",  # tracks without an answer
    b"#EXTM3U\n#DROPGRID\n",
    b"REM dropgrid set\n",  # a cue sheet
    b"number,starts,path,artist,title,",
)
TRAITS = (  # (the beginning of the file, bytes near one of its ends)
    (b"<!", b"<title>dropgrid</title>"),
    (b"<?xml", b'<PRODUCT Name="dropgrid"'),
    (b"<?xml", b"<dc:title>dropgrid</dc:title>"),
    (b"\x89PNG", b"Software\0dropgrid"),
    (b'{"annotations": [', b'"identifiers": {"dropgrid": '),
    (b"RIFF", b"dropgrid sonify"),
    (b"fLaC", b"dropgrid sonify"),
    (b"PAR1", b"tempo_regions"),
    (b"PK", b"about.npy"),  # features
    (b"PK", b"0/0/inputs.npy"),  # the networks
    (b"PK", b"0/weights.npy"),
)
OF_A_TRACK = re.compile(
    r"[a-z0-9][a-z0-9-]*-[0-9a-f]{8}(\.beats|\.lab|\.audacity\.txt|\.(beats|sections)\.csv)"
)
LINE = re.compile(rb"-?[0-9]+\.[0-9]+([\t,][^\t\n]*){0,2}|TIME,LABEL|TIME,VALUE,DURATION,LABEL")


def check_output(
    path: Path,
    inputs: Iterable[Path] = (),
    *,
    option: str = "--output",
    force: bool = False,
    audio: bool = False,
    trusted: Path | None = None,
    mark: bytes | None = None,
) -> None:
    """Raise ConfigError, naming the option, if writing to path would harm a file of the user.

    inputs: the files that the command reads; they are never overwritten, whatever their names.
    Without force, files that dropgrid did not write are refused; so are names that a song might
    have, unless audio is set. trusted: a folder below a folder of results, dropgrid's with all its
    contents. mark: as in is_own_output.
    """
    where = f"{option} {path}"
    for file in inputs:
        if _same(path, file):
            raise ConfigError(f"{where}: is read by this command; give another name")
    if not os.path.lexists(path) and path.parent != path and not _can_hold(path.parent):
        raise ConfigError(f"{where}: there is a file where a folder is needed")
    if path.is_dir():
        raise ConfigError(f"{where}: is a folder; name a file")
    if path.exists() and not path.is_file():
        raise ConfigError(f"{where}: not a regular file")
    if force:
        return
    if not audio and path.suffix.lower() in AUDIO_SUFFIXES:
        raise ConfigError(f"{where}: the name of a song; --force writes it all the same")
    if trusted is not None and path.resolve().is_relative_to(trusted.resolve()):
        return
    if os.path.lexists(path) and not is_own_output(path, mark):
        raise ConfigError(
            f"{where}: exists, and is nothing dropgrid wrote; --force writes over it"
        )


def write_output(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write the output of a command. Links of the user are followed. Raises OSError.

    In a folder of results no link is followed: a link in place of a file is replaced.
    """
    absolute = Path(os.path.abspath(path))
    if not any(is_marked(folder) for folder in absolute.parents):
        absolute = Path(os.path.realpath(absolute))
    write_atomically(absolute, data)


def check_folder(path: Path, option: str = "--output") -> None:
    """Raise ConfigError if path cannot be a folder for output."""
    if (os.path.lexists(path) and not path.is_dir()) or not _can_hold(path):
        raise ConfigError(f"{option} {path}: is not a folder")


def is_own_output(path: Path, mark: bytes | None = None) -> bool:
    """Whether the content of a file shows that dropgrid wrote it, or the file is empty.

    mark: further bytes near one of its ends that show it. False if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(LOOK)
            stream.seek(max(len(head), os.fstat(stream.fileno()).st_size - LOOK))
            tail = stream.read(LOOK)
    except OSError:
        return False
    if not head or head.startswith(HEADS) or (mark and (mark in head or mark in tail)):
        return True
    if any(head.startswith(start) and (trait in head or trait in tail) for start, trait in TRAITS):
        return True
    if not OF_A_TRACK.fullmatch(path.name):
        return False
    lines = head.split(b"\n")
    return all(map(LINE.fullmatch, lines[:-1])) and (len(head) == LOOK or not lines[-1])


def _same(one: Path, other: Path) -> bool:
    """Whether two names are the same file, also by links or hard links."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def _can_hold(folder: Path) -> bool:
    """Whether a folder exists or can be created: neither it nor a parent is a file."""
    for above in (folder, *folder.parents):
        if os.path.lexists(above):
            return above.is_dir()
    return True
