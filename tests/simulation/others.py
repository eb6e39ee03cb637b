"""Files of other programs that contain grids of some tracks of the simulated user."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

DOWNBEAT = 0.4  # s, the first one


def rekordbox(files: Iterable[Path], bpm: float) -> str:
    tracks = (
        f'<TRACK TrackID="{number}" Name="x" TotalTime="120" AverageBpm="{bpm:.2f}" '
        f'Location="file://localhost{quote(str(file))}">'
        f'<TEMPO Inizio="{DOWNBEAT}" Bpm="{bpm:.2f}" Metro="4/4" Battito="1"/></TRACK>'
        for number, file in enumerate(files)
    )
    return f"<DJ_PLAYLISTS><COLLECTION>{''.join(tracks)}</COLLECTION></DJ_PLAYLISTS>"


def traktor(files: Iterable[Path], bpm: float) -> str:
    entries = (
        f'<ENTRY TITLE="x"><LOCATION DIR="{"/:".join(file.parent.parts)[1:]}/:" '
        f'FILE="{file.name}" VOLUME="disk"/><INFO PLAYTIME="120"/><TEMPO BPM="{bpm:.6f}"/>'
        f'<CUE_V2 NAME="AutoGrid" TYPE="4" START="{1000 * DOWNBEAT:.6f}" LEN="0" REPEATS="-1" '
        f'HOTCUE="-1"><GRID BPM="{bpm:.6f}"/></CUE_V2></ENTRY>'
        for file in files
    )
    return f'<NML VERSION="19"><COLLECTION>{"".join(entries)}</COLLECTION></NML>'


PROGRAMS = {"rekordbox.xml": rekordbox, "collection.nml": traktor}
