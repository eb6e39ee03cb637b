"""Output of `dropgrid correct --list`: the corrections, and where the analysis now differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.text import counted, printable

if TYPE_CHECKING:
    from ..correcting.session import CorrectionSession


def list_corrections(session: CorrectionSession, tracks: Sequence[str]) -> int:
    """Print a line for each track with corrections; tracks: only these, if any."""
    from ..apply_corrections import document
    from ..correcting.agreement import agreements
    from ..results.scan_store import read_scan

    corrections = document.read(session.file)
    found = list(agreements(session, corrections, read_scan(session.results.folder)["tracks"]))
    for item in found:
        if not tracks or item.track in tracks:
            differs = " and ".join(item.differs)
            says = f"the analysis differs in {differs}" if differs else "the analysis agrees"
            print(f"{printable(item.path)}: {item.description}; {says}")
    if tracks:
        return 0
    for path in sorted(corrections.tracks.keys() - {item.name for item in found}):
        print(f"{printable(path)}: not among the analysed tracks")
    grids = [item for item in found if item.grid]
    right = sum(item.grid_is_right for item in grids)
    print(
        f"{session.file}: {counted(len(corrections.tracks), 'track')}; the analysis has "
        f"{right} of {counted(len(grids), 'grid')} right"
    )
    return 0


def paths_of(session: CorrectionSession, tracks: Sequence[str]) -> dict[str, str]:
    """The path of each track within the library."""
    from ..results.library_reader import path_of

    return {track: path_of(session.results.folder, track) for track in tracks}
