"""`dropgrid correct --from`: import differing grids and cues of other programs as corrections."""

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

SKIPPED = {
    "agrees": "grids that agree already",
    "already corrected": "grids not imported, because you corrected these tracks before",
    "no grid": "tracks without a complete grid",
    "not analysed": "tracks that were not analysed",
}


def import_grids(
    session: CorrectionSession, sources: Sequence[str], tracks: Sequence[str], dry_run: bool
) -> int:
    """List the differences, then import them, except in a dry run. tracks: only these tracks."""
    from ..correcting.import_grids import compare
    from ..results.scan_store import read_scan

    scan = read_scan(session.results.folder)
    paths = paths_of(session, tracks or scan["tracks"])
    unreadable: list[str] = []
    found, unknown = compare(
        session, sources, paths, scan["root"],
        lambda path, reason: unreadable.append(f"{path}: {reason}"),
    )  # fmt: skip
    imports = [item for item in found if item.correction is not None]
    for item in sorted(found, key=lambda item: item.path):
        for line in _lines(item):
            print(line)
    for item in () if dry_run else imports:
        assert item.correction is not None
        session.set_correction(item.track, item.correction)
    verb = "would be imported" if dry_run else "imported"
    grids = sum(item.outcome == "imported" for item in imports)
    print(f"{counted(grids, 'different grid')} {verb}: {session.file}")
    drops = sum(len(item.changes.drops) for item in imports if not item.drops_corrected)
    if drops:
        print(f"{counted(drops, 'drop')} {verb}")
    sections = sum(len(item.changes.sections) for item in imports if not item.sections_corrected)
    if sections:
        print(f"{counted(sections, 'section')} {verb}")
    left = sum(len(item.changes.left) for item in found)
    if left:
        print(f"cues and loops not imported, because corrections cannot express them: {left}")
    outcomes: Counter[str] = Counter(item.outcome for item in found)
    for outcome, text in SKIPPED.items():
        if outcomes[outcome]:
            print(f"{text}: {outcomes[outcome]}")
    if unknown:
        print(f"grids of tracks that are not in this library: {unknown}")
    for line in unreadable:
        print(
            f"dropgrid correct: Serato's tags are not readable: {printable(line)}", file=sys.stderr
        )
    return 0


def _lines(item: GridImport) -> list[str]:
    """The differences of a track's grid and cues, and whether earlier corrections stay."""
    from ..correcting.import_cues import described

    path, stays = printable(item.path), "; your corrections stay"
    lines = []
    if item.differs is not None:
        now = "no tempo" if item.current_bpm is None else f"{item.current_bpm:.2f} BPM"
        what = {"tempo": f"{item.bpm or 0:.2f} BPM, not {now}", "beats": "other beats",
                "downbeat": "different downbeat"}[item.differs]  # fmt: skip
        lines.append(
            f"{what} ({item.source}){stays if item.outcome == 'already corrected' else ''}"
        )
    moved = [("drop", old, new, item.drops_corrected) for old, new in item.changes.drops]
    moved += [(*change, item.sections_corrected) for change in item.changes.sections]
    for label, old, new, is_corrected in moved:
        article = "an" if label[0] in "aeiou" else "a"
        at = f"{article} {label} at {new:.2f} s"
        what = at if old is None else f"{at}, not {old:.2f} s"
        lines.append(f"{what} ({item.cues_file}){stays if is_corrected else ''}")
    lines += [
        f"{printable(described(cue))} ({item.cues_file}): not imported"
        for cue in item.changes.left
    ]
    return [f"{path}: {line}" for line in lines]
