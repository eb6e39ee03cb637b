"""Copies of one recording: each has its own corrections, and none gets those of another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from dropgrid.apply_corrections import document
from dropgrid.apply_corrections.document import Document
from dropgrid.apply_corrections.model import Correction
from dropgrid.apply_corrections.per_track import read_slice, slice_path
from dropgrid.audio.digests import audio_digest
from dropgrid.commands.main import main
from dropgrid.correcting.publish import write_slices
from dropgrid.correcting.session import CorrectionSession, NothingToUndo
from dropgrid.library import track_id
from dropgrid.records.identity import Identity, write_identity
from dropgrid.records.store import read_bpm, write_record
from dropgrid.records.ticket import read_ticket
from dropgrid.results.layout import Results
from mutagen.id3 import TIT2
from tracks_to_correct import write_steady

ONE = "120000-" + "0b" * 32
NEAR = "120026-" + "0b" * 32  # the same music as MP3
OTHER = "200000-" + "1c" * 32


def desk_of(folder: Path, heard: dict[str, str]) -> CorrectionSession:
    """Results of tracks with these fingerprints, and a file of corrections."""
    files = write_steady(folder / "results", heard)
    for path in heard:
        hear(files, path, heard[path])
    return CorrectionSession(files, folder / "mine.json")


def hear(files: Results, path: str, fingerprint: str) -> None:
    file = files.record("bpm", track_id(path))
    write_record(file, replace(read_bpm(file), fingerprint=fingerprint))


def stated(session: CorrectionSession) -> dict[str, Correction]:
    return document.read(session.file).tracks


def in_force(session: CorrectionSession, path: str) -> Correction:
    """What is held of a track, without its fingerprint."""
    return replace(session.correction_of(session.read_state(track_id(path)))[1], fingerprint=None)


def leave(session: CorrectionSession, path: str) -> None:
    session.results.ticket(track_id(path)).unlink()


def test_correcting_a_copy_leaves_the_corrections_of_the_other(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.mp3": NEAR})
    session.edit(track_id("a.wav"), [{"op": "shift", "beats": 0.5}])
    assert in_force(session, "b.mp3") == Correction()
    session.edit(track_id("b.mp3"), [{"op": "one", "beats": 1}])
    said = stated(session)
    assert said["a.wav"].downbeat == pytest.approx(0.75) and said[
        "b.mp3"
    ].downbeat == pytest.approx(1.0)


def test_taking_all_back_of_a_third_copy_leaves_the_others(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.mp3": NEAR, "c.flac": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    session.edit(track_id("c.flac"), [{"op": "reset"}])
    assert list(stated(session)) == ["a.wav"]


def test_grids_of_another_program_are_imported_for_each_copy(tmp_path, capsys):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.mp3": NEAR})
    track = (
        '<TRACK TrackID="{0}" Name="x" Location="file://localhost/music/{1}" AverageBpm="60.00" '
        'TotalTime="120"><TEMPO Inizio="0.500" Bpm="60.00" Metro="4/4" Battito="1"/></TRACK>'
    )
    xml = tmp_path / "rekordbox.xml"
    xml.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><DJ_PLAYLISTS Version="1.0.0">'
        f'<COLLECTION Entries="2">{track.format(1, "a.wav")}{track.format(2, "b.mp3")}'
        "</COLLECTION></DJ_PLAYLISTS>"
    )
    arguments = ["--results", str(session.results.folder), "--corrections", str(session.file)]
    assert main(["correct", "--from", str(xml), *arguments]) == 0
    assert "2 different grids imported" in capsys.readouterr().out
    assert sorted(stated(session)) == ["a.wav", "b.mp3"]


def test_a_renamed_file_takes_its_corrections_with_it_and_its_copy_gets_them_too(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.wav": ONE, "c.mp3": NEAR})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    half = in_force(session, "a.wav")
    leave(session, "a.wav")
    assert in_force(session, "b.wav") == in_force(session, "c.mp3") == half
    session.edit(track_id("b.wav"), [{"op": "double"}])
    assert sorted(stated(session)) == ["b.wav", "c.mp3"]
    assert in_force(session, "c.mp3") == half and in_force(session, "b.wav").bpm == 120


def test_of_several_files_that_are_gone_the_one_that_fits_best_counts_or_none(tmp_path):
    said = Document({
        "x/a.wav": Correction(fingerprint=ONE, bpm=61.0),
        "x/b.mp3": Correction(fingerprint=NEAR, bpm=62.0),
        "y/a.wav": Correction(fingerprint=ONE, bpm=63.0),
    })  # fmt: skip
    assert said.find("new/b.mp3", NEAR) == "x/b.mp3"  # the very fingerprint
    assert said.find("new/y/a.wav", ONE) == "y/a.wav"  # the most alike path
    assert said.find("new/a.wav", ONE) is None  # two fit
    assert said.find("new/a.wav", ONE, lambda name, _: name != "y/a.wav") == "x/a.wav"


def test_reset_holds_although_corrections_of_a_missing_file_would_fit(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.mp3": NEAR, "c.wav": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    session.edit(track_id("b.mp3"), [{"op": "double"}])
    leave(session, "a.wav")
    leave(session, "b.mp3")
    session.edit(track_id("c.wav"), [{"op": "reset"}])
    assert in_force(session, "c.wav") == Correction()
    session.undo(track_id("c.wav"))
    assert in_force(session, "c.wav").bpm == 60


def test_corrections_about_another_recording_under_the_path_are_set_aside_not_lost(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.wav": OTHER})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    hear(session.results, "a.wav", OTHER)  # the two exchanged their names
    hear(session.results, "b.wav", ONE)
    session.edit(track_id("a.wav"), [{"op": "key", "key": "Am"}])
    assert in_force(session, "b.wav").bpm == 60 and in_force(session, "a.wav").bpm is None
    assert in_force(session, "a.wav").key == "A minor"


def test_steps_of_another_recording_are_not_undone(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    session.edit(track_id("a.wav"), [{"op": "half"}])
    hear(session.results, "a.wav", OTHER)
    with pytest.raises(NothingToUndo):
        session.undo(track_id("a.wav"))
    assert stated(session)["a.wav"].bpm == 30


def test_redo_works_although_a_save_failed_in_between(tmp_path, monkeypatch):
    session = desk_of(tmp_path, {"a.wav": ONE})
    track = track_id("a.wav")
    session.edit(track, [{"op": "half"}])

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(document, "write_atomically", full)
        with pytest.raises(OSError, match="No space"):
            session.undo(track)
    assert in_force(session, "a.wav").bpm == 60
    session.undo(track)
    assert in_force(session, "a.wav") == Correction()
    session.undo(track, again=True)
    assert in_force(session, "a.wav").bpm == 60


def test_jobs_read_what_the_workbench_shows(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "b.mp3": NEAR, "c.wav": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    session.edit(track_id("b.mp3"), [{"op": "double"}])
    tickets = [
        read_ticket(session.results.ticket(track_id(p))) for p in ("a.wav", "b.mp3", "c.wav")
    ]
    folder = session.results.folder

    def publish(*left: str) -> dict[str, Correction | None]:
        tracks = [t for t in tickets if t.path not in left]
        write_slices(document.read(session.file), tracks, folder, folder, session.file)
        read = {
            t.path: read_slice(slice_path(session.results.corrections, t.track)) for t in tracks
        }
        return {path: replace(said, fingerprint=None) if said else None
                for path, said in read.items()}  # fmt: skip

    assert publish()["c.wav"] is None
    leave(session, "a.wav")
    assert publish("a.wav")["c.wav"] == in_force(session, "c.wav") != Correction()
    assert publish()["c.wav"] == Correction()  # its copy is there again


def test_a_track_whose_corrections_were_reset_gets_those_of_a_removed_copy(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE, "c.wav": ONE})
    for path in ("c.wav", "a.wav"):
        session.edit(track_id(path), [{"op": "half"}])
    tickets = [read_ticket(session.results.ticket(track_id(p))) for p in ("a.wav", "c.wav")]
    folder = session.results.folder
    write_slices(document.read(session.file), tickets, folder, folder, session.file)
    session.edit(track_id("c.wav"), [{"op": "reset"}])
    write_slices(document.read(session.file), tickets, folder, folder, session.file)
    assert read_slice(slice_path(session.results.corrections, track_id("c.wav"))) == Correction()
    write_slices(document.read(session.file), tickets[1:], folder, folder, session.file)
    assert read_slice(slice_path(session.results.corrections, track_id("c.wav"))).bpm == 60


def test_the_undo_of_a_track_says_of_which_recording_it_is(tmp_path):
    session = desk_of(tmp_path, {"a.wav": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    path = session.results.corrections / "undo" / f"{track_id('a.wav')}.json"
    assert json.loads(path.read_bytes())["fingerprint"] == ONE


@pytest.mark.parametrize(("change", "taken"), [("retag", False), ("another song", True)])
def test_a_new_copy_takes_corrections_only_from_a_file_whose_audio_changed(
    tmp_path, change, taken
):
    """In one run: the song was copied and retagged, or renamed and its name given to another."""
    session = desk_of(tmp_path, {"a.wav": ONE})
    session.edit(track_id("a.wav"), [{"op": "half"}])
    file = tmp_path / "a.wav"
    soundfile.write(file, np.zeros(4410), 44100)
    track, digest = track_id("a.wav"), audio_digest(file)
    about = Identity(track, "a.wav", 1, 1, digest, digest, digest)
    write_identity(session.results.identity(track), about)
    if change == "retag":
        tags = mutagen.File(file)
        tags.add_tags()
        tags.tags.add(TIT2(encoding=3, text=["x"]))
        tags.save()
    else:
        soundfile.write(file, np.ones(4410) / 2, 44100)
    ticket = replace(read_ticket(session.results.ticket(track)), file=str(file), mtime_ns=2)
    folder = session.results.folder
    write_slices(document.read(session.file), [ticket], folder, folder, session.file)
    others = document.read(session.results.corrections / "others.json").tracks
    assert (list(others) == ["a.wav"]) is taken
