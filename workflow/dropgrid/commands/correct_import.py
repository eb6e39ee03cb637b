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
    "stated already": "are of tracks whose grid you corrected before, which stays",
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
    for item in sorted(found, key=lambda item: item.path):
        for line in _lines(item):
            print(line)
    for item in () if dry_run else taken:
        assert item.correction is not None
        session.set_correction(item.track, item.correction)
    verb = "would be taken over" if dry_run else "taken over"
    grids = sum(item.outcome == "taken over" for item in taken)
    print(f"{counted(grids, 'different grid')} {verb}: {session.file}")
    drops = sum(len(item.changes.drops) for item in taken if not item.drops_stated)
    if drops:
        print(f"{counted(drops, 'drop')} {verb}")
    sections = sum(len(item.changes.sections) for item in taken if not item.sections_stated)
    if sections:
        print(f"{counted(sections, 'section')} {verb}")
    left = sum(len(item.changes.left) for item in found)
    if left:
        print(f"cues and loops left there, as no correction holds them: {left}")
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


def _lines(item: GridImport) -> list[str]:
    """What differs of a track: its grid, its cues; earlier corrections stay, and that is said."""
    from ..correcting.import_cues import described

    path, stays = printable(item.path), "; your corrections stay"
    lines = []
    if item.differs is not None:
        now = "no tempo" if item.present is None else f"{item.present:.2f} BPM"
        what = {"tempo": f"{item.bpm or 0:.2f} BPM, not {now}", "beats": "other beats",
                "downbeat": "different downbeat"}[item.differs]  # fmt: skip
        lines.append(f"{what} ({item.source}){stays if item.outcome == 'stated already' else ''}")
    moved = [("drop", old, new, item.drops_stated) for old, new in item.changes.drops]
    moved += [(*change, item.sections_stated) for change in item.changes.sections]
    for label, old, new, stated in moved:
        article = "an" if label[0] in "aeiou" else "a"
        at = f"{article} {label} at {new:.2f} s"
        what = at if old is None else f"{at}, not {old:.2f} s"
        lines.append(f"{what} ({item.cued_in}){stays if stated else ''}")
    lines += [
        f"{printable(described(mark))} ({item.cued_in}): left there" for mark in item.changes.left
    ]
    return [f"{path}: {line}" for line in lines]
