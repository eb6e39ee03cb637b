"""`dropgrid correct --from`: the grids of other programs that differ become statements."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..base.text import counted, printable
from .correct_list import paths_of

if TYPE_CHECKING:
    from ..correcting.import_grids import GridImport
    from ..correcting.session import CorrectionSession

WORDS = {
    "agrees": "agree already",
    "stated already": "are of tracks whose grid you stated before, which stays",
    "no grid": "are no whole grids",
    "not analysed": "are of tracks that were not analysed",
}


def import_grids(
    session: CorrectionSession, sources: Sequence[str], tracks: Sequence[str], dry_run: bool
) -> int:
    """List the grids that differ, then state them, but for a dry run. tracks: of these alone."""
    from ..correcting.import_grids import compare
    from ..results.scan_store import read_scan

    scan = read_scan(session.results.folder)
    paths = paths_of(session, tracks or scan["tracks"])
    unreadable: list[str] = []
    found, strangers = compare(
        session, sources, paths, scan["root"],
        lambda path, reason: unreadable.append(f"{path}: {reason}"),
    )  # fmt: skip
    taken = [item for item in found if item.correction is not None]
    for item in sorted(taken, key=lambda item: item.path):
        print(_line(item))
    for item in () if dry_run else taken:
        assert item.correction is not None
        session.set_correction(item.track, item.correction)
    verb = "would be taken over" if dry_run else "taken over"
    print(f"{counted(len(taken), 'different grid')} {verb}: {session.file}")
    outcomes: Counter[str] = Counter(item.outcome for item in found)
    for outcome, words in WORDS.items():
        if outcomes[outcome]:
            print(f"{outcomes[outcome]} {words}")
    if strangers:
        print(f"{strangers} are of no track here")
    for line in unreadable:
        print(
            f"dropgrid correct: Serato's tags are not readable: {printable(line)}", file=sys.stderr
        )
    return 0


def _line(item: GridImport) -> str:
    """A grid that differs, and how."""
    now = "no tempo" if item.present is None else f"{item.present:.2f} BPM"
    what = {"tempo": f"{item.bpm or 0:.2f} BPM, not {now}", "beats": "other beats",
            "downbeat": "different downbeat"}[item.differs or "beats"]  # fmt: skip
    return f"{printable(item.path)}: {what} ({item.source})"
