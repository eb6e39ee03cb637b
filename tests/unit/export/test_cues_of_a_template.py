"""Which cue points a track gets, by rule and by a template."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path

import pytest
from defusedxml import ElementTree
from dropgrid.base.colours import SECTION_COLOURS_ON_DARK
from dropgrid.commands.main import main
from dropgrid.export import export, target
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.records.cue_points import cues, pads
from dropgrid.records.cue_template import template
from dropgrid.records.model import BpmRecord, GridRegion, Section, StructureRecord
from dropgrid.records.store import write_record
from dropgrid.records.track import Track


def test_a_drop_of_many_sections_is_one_drop() -> None:
    labels = ["intro", "drop", "drop", "drop", "breakdown", "drop", "drop", "outro", "outro"]
    sections = tuple(
        Section(float(i), float(i + 1), label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    record = StructureRecord("t", "t", "ok", sections=sections, drops=(1.0, 5.0))
    assert [(c.time, c.name) for c in cues(Track(None, None, record))] == [
        (0.0, "Intro"), (1.0, "Drop 1"), (4.0, "Breakdown"), (5.0, "Drop 2"), (7.0, "Outro"),
    ]  # fmt: skip


def test_a_track_with_many_sections_keeps_its_drops_on_the_eight_pads() -> None:
    labels = ["intro", *["breakdown", "buildup", "drop"] * 5]
    sections = tuple(
        Section(float(i), float(i + 1), label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    track = Track(None, None, StructureRecord("t", "t", "ok", sections=sections))
    chosen = [cue for _, cue in pads(track)]
    assert [cue.time for cue in chosen] == [0, 1, 3, 4, 6, 9, 12, 15]
    assert [cue.name for cue in chosen if cue.label == "drop"] == [
        f"Drop {i}" for i in range(1, 6)
    ]


def many_sections(bars: int = 8) -> Track:
    """Thirty sections of eight bars at 120 BPM, of them ten drops, and an outro."""
    labels = ["intro", *["breakdown", "buildup", "drop"] * 10, "outro"]
    length = 2.0 * bars
    sections = tuple(
        Section(i * length, (i + 1) * length, label, None, None, None, 1.0)  # type: ignore[arg-type]
        for i, label in enumerate(labels)
    )
    beats = tuple(0.5 * i for i in range(int(len(labels) * length * 2)))
    bpm = BpmRecord(
        track_id("many.flac"), "many.flac", "ok", duration=len(labels) * length, bpm=120.0,
        beats=beats, downbeats=beats[::4], time_signature="4/4",
        grid=(GridRegion(0.0, 120.0, len(beats), 0.0),),
    )  # fmt: skip
    record = StructureRecord(bpm.track, bpm.path, "ok", duration=bpm.duration, sections=sections)
    return Track(Path("/music/many.flac"), bpm, record)


def test_where_to_mix_in_and_out_keeps_its_pad_and_its_memory_cue(tmp_path: Path) -> None:
    track = many_sections()
    names = [cue.name for _, cue in pads(track)]
    assert names == ["Intro", *[f"Drop {i}" for i in range(1, 7)], "Outro"]
    write_record(tmp_path / "bpm" / f"{track.track}.json", track.bpm)
    write_record(tmp_path / "structure" / f"{track.track}.json", track.structure)
    export("rekordbox", tmp_path, tmp_path / "c.xml", library=Path("/music"))
    marks = ElementTree.parse(tmp_path / "c.xml").findall("COLLECTION/TRACK/POSITION_MARK")
    memory = [m.get("Name") for m in marks if m.get("Num") == "-1"]
    drops = [f"Drop {i}" for i in range(1, 7)]
    assert memory == ["Intro", *drops, "Outro", "Intro loop", "Outro loop"], "ten, as it keeps"


def test_a_mix_out_inside_the_outro_is_a_cue() -> None:
    track = many_sections()
    out = track.structure.duration - 8.0
    track = dataclasses.replace(track, structure=dataclasses.replace(track.structure, mix_out=out))
    assert (out, "Mix out") in [(cue.time, cue.name) for _, cue in pads(track)]


OWN = (
    "first_downbeat",
    {"at": "drop_1 - 4 bars", "name": "Get ready", "colour": "#00FF7f"},
    "drop",
    "empty",
    {"at": "last_drop"},
    "drop_11",
    "mix_out + 3 beats",
    "intro - 1 bar",
)


def test_a_template_says_what_is_on_which_pad() -> None:
    track = many_sections()
    found = {pad: (cue.time, cue.name, cue.colour) for pad, cue in pads(track, template(OWN))}
    drop, outro = SECTION_COLOURS_ON_DARK["drop"], SECTION_COLOURS_ON_DARK["outro"]
    assert found == {
        0: (0.0, "Intro", SECTION_COLOURS_ON_DARK["intro"]),
        1: (40.0, "Get ready", "#00ff7f"),
        2: (48.0, "Drop 1", drop),
        4: (480.0, "Drop 10", drop),
        6: (497.5, "Outro + 3 beats", outro),
    }
    for preset in ("drops", "mixing"):
        wanted = template(preset)
        assert wanted is not None and len(wanted) == 8
        assert {pad for pad, _ in pads(track, wanted)} >= {0, 1 if preset == "drops" else 2, 7}


@pytest.mark.parametrize(
    ("cues", "message"),
    [
        ("standart", r"no preset 'standart' \(did you mean standard\?\); known: standard, drops"),
        ([], "0 entries; from 1 to 8"),
        (["drop"] * 9, "9 entries; from 1 to 8"),
        (["drop_1", "dorp_2"], r"cues\[2\].at: 'dorp_2' is not a moment \(did you mean drop\?\)"),
        (["drop_0"], r"cues\[1\].at: 'drop_0' is not a moment"),
        (["drop_1 - 16"], "is not a moment"),
        (["mix_out_2"], "there is only one mix_out"),
        (["drop_1 - 1001 bars"], "at most 1000 bars or beats"),
        ([3], "3 is neither a moment nor a mapping"),
        ([{"name": "x"}], r"cues\[1\].at: None is not a moment"),
        ([{"at": "drop", "color": "#ffffff"}], r"no 'color' \(did you mean colour\?\)"),
        ([{"at": "drop", "colour": "red"}], r"cues\[1\].colour: 'red' is not a colour"),
        ([{"at": "drop", "name": "x" * 41}], "not a text of 1 to 40 letters"),
        ([{"at": "empty", "name": "x"}], "an empty pad has no name"),
    ],
)
def test_a_wrong_template_is_named_with_its_entry(cues: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        template(cues)  # type: ignore[arg-type]


def test_a_template_is_given_by_name_by_list_and_by_file(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "rekordbox", "--results", str(results), "--output", str(tmp_path / "c")]
    (tmp_path / "mine.yaml").write_text(
        "export:\n  cues:\n  - empty\n  - {at: drop_2, name: Go}\n"
    )
    for value in (str(tmp_path / "mine.yaml"), "[empty, {at: drop_2, name: Go}]"):
        assert main([*command, "--cues", value]) == 0
        (house, *_) = ElementTree.parse(tmp_path / "c").findall("COLLECTION/TRACK")
        hot = [(m.get("Num"), m.get("Name")) for m in house if m.get("Num", "-1") != "-1"]
        assert hot == [("1", "Go")]
    for wrong in ("nothing.yaml", "[dorp]", "[drop", "{a: 1}"):
        with pytest.raises(SystemExit):
            main([*command, "--cues", wrong])
        assert "--cues" in capsys.readouterr().err


def test_the_workflow_passes_a_template_on_as_one_argument() -> None:
    entries = ("first_downbeat", {"at": "drop_1", "name": "it's $HOME; {x}"})
    _, arguments = target("virtualdj", ExportOptions(cues=entries))
    option, value = shlex.split(arguments)
    assert option == "--cues" and tuple(json.loads(value)) == entries
    assert target("lab", ExportOptions(cues=entries))[1] == ""


def test_a_drop_inside_a_section_is_a_cue_of_its_own() -> None:
    section = Section(0.0, 9.0, "buildup", None, None, None, 1.0)
    record = StructureRecord("t", "t", "ok", sections=(section,), drops=(4.0,))
    assert [(c.time, c.name) for c in cues(Track(None, None, record))] == [
        (0.0, "Buildup"), (4.0, "Drop"),
    ]  # fmt: skip
