"""Apply the edits that were made on a page without a server.

Such a page saves the edits and the answer that it showed; dropgrid.apply_corrections.edits
computes their effect. If the records now have another answer than the page showed, the edits stay
in the file and are reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..apply_corrections import document
from ..apply_corrections.document import Document
from ..apply_corrections.edits import edit
from ..apply_corrections.model import NOTHING, Confirmed, Correction, InvalidCorrection, PageEdits
from ..apply_corrections.section_edits import Answer
from ..base.errors import RecordError
from ..base.text import counted, printable
from ..library import track_id
from ..records.ticket import read_ticket
from .session import CorrectionSession, TrackState

SAME_TIME = 0.002  # s: a page rounds times to milliseconds
SAME_BPM = 0.005
ABOUT_KEY = ("key", "note")  # edits that do not depend on grid or sections
ABOUT_SECTIONS = ("sections", "boundary", "label", "split", "join", "drops", "confirm")
ANOTHER = (
    "the page showed another answer than the records have now; its edits stay in the file. "
    "Make them again on a new page"
)


def apply_page_edits(session: CorrectionSession) -> list[str]:
    """Apply the edits of pages in the corrections file; returns messages about this.

    Edits of tracks that are not analysed yet stay in the file. Raises InvalidCorrection for a file
    without corrections, OSError.
    """
    corrections = document.read(session.file)
    paths = sorted(
        path for path, correction in corrections.tracks.items() if correction.edits is not None
    )
    done, waiting, lines = 0, 0, []
    for path in paths:
        track = _track_of(session, corrections, path)
        try:
            if track is None or not apply_edits(session, track):
                waiting += 1
            else:
                done += 1
        except (InvalidCorrection, RecordError) as error:
            lines.append(f"{session.file}: {printable(path)}: {error}")
    if done:
        lines.append(f"{session.file}: the page's edits of {counted(done, 'track')} were applied")
    if waiting:
        lines.append(
            f"{session.file}: the page's edits of {counted(waiting, 'track')} wait until they are "
            "analysed; the next run applies them"
        )
    return lines


def apply_edits(session: CorrectionSession, track: str) -> bool:
    """Apply the edits of a track; each step can be undone. False: there are none, or no record.

    Raises InvalidCorrection, and then the edits stay in the file; RecordError, OSError.
    """
    state = session.read_state(track)
    if state.bpm is None:
        return False
    with document.changing(session.file) as corrections:
        name, before = session.correction_of(state, corrections)
        own = corrections.tracks.get(state.ticket.path)
        edits = before.edits or (
            own.edits if own is not None and own.has_only_page_edits else None
        )
        if name is None or edits is None:
            return False
        plain = replace(before, edits=None)
        correction = base = _base(session, state, plain, edits)
        states = []
        for step in edits.steps:
            for step_edit in step:
                effective, answer = session.answer(state, correction)
                correction = edit(effective, answer, step_edit)
            states.append(correction if base is plain else _merged(plain, correction))
        if name != state.ticket.path:  # saved under the track's earlier path
            corrections.tracks.pop(state.ticket.path, None)
        if not states or states[-1] == plain:
            corrections.put(name, plain)
        else:
            session.put(corrections, state, name, plain, states[-1], states[:-1])
    return True


def _track_of(session: CorrectionSession, corrections: Document, path: str) -> str | None:
    """The track of the edits under a path; None if the library has no such track, or several."""
    track = track_id(path)
    try:
        if read_ticket(session.results.ticket(track)).path == path:
            return track
    except RecordError:
        pass
    found = session.tracks_sharing(corrections, path, "")
    return track_id(found[0][0]) if len(found) == 1 else None


def _base(
    session: CorrectionSession, state: TrackState, plain: Correction, edits: PageEdits
) -> Correction:
    """The correction of a track when the page was made. Raises InvalidCorrection."""
    for base in (plain, NOTHING):
        if _shows(session.answer(state, base)[1], edits):
            return base
    raise InvalidCorrection(ANOTHER)


def _shows(answer: Answer, edits: PageEdits) -> bool:
    """Whether a page showed this answer, as far as its edits depend on it."""
    ops = {step_edit.get("op") for step in edits.steps for step_edit in step} - {
        *ABOUT_KEY,
        "unconfirm",
    }
    shown, bpm, structure = edits.answer, answer.bpm, answer.structure
    if not ops:
        return True
    grid = [] if bpm is None else [(g.start, g.bpm, g.first_downbeat) for g in bpm.grid]
    if not _same_grid([(g.start, g.bpm, g.downbeat) for g in shown.grid], grid):
        return False
    if ops.isdisjoint(ABOUT_SECTIONS):
        return True
    starts = [] if structure is None else [(s.start, s.label) for s in structure.sections]
    if [label for _, label in starts] != [s.label for s in shown.sections]:
        return False
    if not _same_times([s.start for s in shown.sections], [start for start, _ in starts]):
        return False
    return "confirm" not in ops or _same_rest(shown, answer)


def _same_rest(shown: Confirmed, answer: Answer) -> bool:
    drops = () if answer.structure is None else answer.structure.drops
    key = None if answer.key is None else answer.key.key
    return key == shown.key and (shown.drops is None or _same_times(shown.drops, drops))


def _same_grid(
    shown: Sequence[tuple[float, float, float | None]],
    found: Sequence[tuple[float, float, float | None]],
) -> bool:
    return (
        _same_times([start for start, _, _ in shown], [start for start, _, _ in found])
        and all(abs(a - b) <= SAME_BPM for (_, a, _), (_, b, _) in zip(shown, found, strict=True))
        and [downbeat is None for _, _, downbeat in shown]
        == [downbeat is None for _, _, downbeat in found]
        and _same_times(
            [downbeat for _, _, downbeat in shown if downbeat is not None],
            [downbeat for _, _, downbeat in found if downbeat is not None],
        )
    )


def _same_times(shown: Sequence[float], found: Sequence[float]) -> bool:
    return len(shown) == len(found) and all(
        abs(a - b) <= SAME_TIME for a, b in zip(shown, found, strict=True)
    )


def _merged(plain: Correction, correction: Correction) -> Correction:
    """The result of edits, with the parts of the earlier correction that they did not change."""
    kept = replace(correction, note=correction.note or plain.note, unknown=plain.unknown)
    if correction.confirmed is not None:
        return kept
    for part in set(plain.parts) - set(correction.parts):
        names = ("bpm", "downbeat", "beats_per_bar", "grid", "octave", "shift_beats", "nudge_ms",
                 "downbeat_beats") if part == "grid" else (part,)  # fmt: skip
        kept = replace(kept, **{name: getattr(plain, name) for name in names})
    return kept
