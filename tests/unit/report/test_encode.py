"""What the page gets about a track: every fact in its units, and nothing that is not known."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dropgrid.base.colours import SECTION_COLOURS, SECTION_COLOURS_ON_DARK
from dropgrid.base.errors import RecordError
from dropgrid.jobs.usage_log import Use
from dropgrid.key import notation
from dropgrid.records.model import (
    Alternative,
    Confidences,
    KeyAlternative,
    KeySegment,
    Loudness,
    Phrase,
    Section,
    TrackFailure,
)
from dropgrid.references.annotation import ReferenceSection
from dropgrid.references.matching import Reference
from dropgrid.report import collect, encode, page
from dropgrid.report.collect import Evaluation, Report, TrackView, known_tempo
from library_of_records import bpm_record, key_record, structure_record

PAGE = Path("/r/report/index.html")


def shown(**facts: Any) -> dict[str, Any]:
    return encode.row(TrackView("t", "a/b.c.flac", **facts), PAGE)


def test_a_track_of_which_nothing_is_known_is_its_name() -> None:
    assert shown() == {"id": "t", "path": "a/b.c.flac", "title": "b.c"}


def test_the_rhythm_of_a_track() -> None:
    record = replace(
        bpm_record("a.flac"), bpm=127.9996, confidence=0.12345, duration=30.12345,
        confidences=Confidences(0.99951, 0.5, 0.25, 0.12345), tag_bpm=64.0, bpm_computed=128.0,
        fingerprint="f", alternatives=(
            Alternative(64.0, 0.23456, "octave"), Alternative(96.0, 0.1),
            Alternative(128.0, 0.3, "phase", 0.5), Alternative(128.0, 0.05, "downbeat", -2.0),
        ),
    )  # fmt: skip
    row = shown(bpm=record)
    assert (row["duration"], row["bpm"], row["fitted"]) == (30.123, 127.9996, 128.0)
    assert row["interval"] == (127.99, 128.01)
    assert (row["confidence"], row["confidences"]) == (0.123, [1.0, 0.5, 0.25, 0.123])
    assert row["alternatives"] == [[64.0, 0.235], [96.0, 0.1]]
    assert row["shifts"] == [[0.5, 0.3, "phase"], [-2.0, 0.05, "downbeat"]]
    assert (row["tag"], row["computed"], row["fingerprint"]) == (64.0, 128.0, "f")
    assert (row["signature"], row["source"]) == ("4/4", "computed")
    assert row["grid"] == [[g.start, g.bpm, g.beats, g.first_downbeat] for g in record.grid]
    assert (row["title"], row["artist"], row["year"]) == ("Rock & <Roll>", "Zoë", "2020")
    assert "album" not in row and "confidences" not in shown(bpm=bpm_record("a.flac"))


@pytest.mark.parametrize(
    ("loudness", "told"),
    [
        (Loudness(-8.754, 4.567, -6.0, -7.25, -0.254, None),
         {"lufs": -8.75, "range": 4.57, "peak": -0.25}),
        (Loudness(-8.754, None, None, None, -0.2, 0.338), {"lufs": -8.75, "peak": 0.34}),
        (Loudness(None, None, None, None, None, 0.0), {"peak": 0.0}),
        (None, {}),
    ],
)  # fmt: skip
def test_the_loudness_of_a_track(loudness: Loudness | None, told: dict[str, float]) -> None:
    row = shown(bpm=replace(bpm_record("a.flac"), loudness=loudness))
    assert {name: row[name] for name in ("lufs", "range", "peak") if name in row} == told


def test_the_key_of_a_track() -> None:
    record = replace(
        key_record("a.flac"), confidence=0.12345, tuning_cents=4.06, duration=30.12345, sure=False,
        alternatives=(KeyAlternative("C major", "8B", 0.04567),),
        segments=(
            KeySegment(0.0, 20.84, "A minor", "8A", 0.9),
            KeySegment(20.84, 30, "C major", "8B", 0.8),
        ),
    )  # fmt: skip
    row = shown(key=record)
    assert (row["key"], row["camelot"], row["tagKey"]) == ("A minor", "8A", "C major")
    assert (row["keyConfidence"], row["keyUnsure"], row["tuning"]) == (0.123, True, 4.1)
    assert row["otherKeys"] == [["C major", 0.046]]
    assert row["keyChanges"] == [[0.0, "A minor"], [20.8, "C major"]]
    assert row["duration"] == 30.123
    row = shown(key=replace(record, sure=True, segments=record.segments[:1]))
    assert "keyUnsure" not in row and "keyChanges" not in row
    row = shown(key=replace(record, key=None, camelot=None, open_key=None, reason="no tones"))
    assert row["noKey"] == "no tones" and "keyConfidence" not in row and "keyUnsure" not in row


def test_the_sections_of_a_track() -> None:
    sections = (
        Section(0.0, 10.12345, "intro", 1, 5, 4, 0.98765, energy=0.255),
        Section(10.12345, 20.0, "breakdown", 5, 9, 4, 0.9, energy=0.1),
        Section(20.0, 30.5, "drop", 9, 13, 4, 0.9, energy=0.9),
    )
    record = replace(
        structure_record("a.flac"), sections=sections, drops=(20.00049,), mix_in=5.0617,
        drop_impacts=(6.04, 3.0), duration=30.12345,
        phrases=(Phrase(0.0, 5.12345, 1, 3, 2, 0.5), Phrase(5.12345, 10.0, 3, 5, 2, 0.5)),
    )  # fmt: skip
    row = shown(structure=record)
    assert row["sections"] == [
        [0.0, 10.123, 0, 1, 4, 0.988], [10.123, 20.0, 4, 5, 4, 0.9], [20.0, 30.5, 3, 9, 4, 0.9],
    ]  # fmt: skip
    assert (row["drops"], row["phrases"], row["duration"]) == ([20.0], [0.0, 5.12], 30.123)
    assert row["energies"] == [0.26, 0.1, 0.9]
    mean = (0.255 * 10.12345 + 0.1 * 9.87655 + 0.9 * 10.5) / 30.5
    assert row["energy"] == round(mean, 3)
    assert (row["mixIn"], row["firstDrop"], row["breakdown"], row["impact"]) == (2, 8, 4, 6.0)
    assert row["mixOut"] == 0


def test_energies_are_shown_only_if_every_section_has_one() -> None:
    sections = (
        Section(0.0, 10.0, "intro", 1, 5, 4, 0.9, energy=0.0),
        Section(10.0, 30.5, "drop", 5, 9, 4, 0.9),
    )
    record = replace(structure_record("a.flac"), sections=sections, drop_impacts=())
    row = shown(structure=record)
    assert "energies" not in row and "energy" not in row and "impact" not in row
    row = shown(structure=replace(record, sections=sections[:1]))
    assert (row["energies"], row["energy"]) == ([0.0], 0.0)
    assert "energies" not in shown(structure=replace(record, sections=()))


def test_what_a_reference_says() -> None:
    sections = (ReferenceSection(0.00049, 8.12345, "intro"), ReferenceSection(8.12345, 20, None))
    structure = ((9.0,), 10.0)
    row = shown(reference=Reference("t", 64.0, sections=sections, structure=structure))
    assert row["refBpm"] == 64.0
    assert row["refSections"] == [[0.0, 8.123, "intro"], [8.123, 20, None]]
    assert "refSections" not in shown(reference=Reference("t", 64.0))
    row = shown(
        reference=Reference("t", structure=((10.0,), None)), key=key_record("a.flac"),
        structure=replace(structure_record("a.flac"), duration=25.0),
    )  # fmt: skip
    assert row["refSections"] == [[0.0, 10.0, None], [10.0, 25.0, None]]


def test_what_a_person_did_and_when_a_file_came() -> None:
    corrected = [replace(make("a.flac"), source="corrected")
                 for make in (bpm_record, structure_record, key_record)]  # fmt: skip
    bpm, structure, key = corrected
    row = shown(bpm=bpm, structure=structure, key=key, confirmed=True, duplicates=("x", "y"))
    assert row["corrected"] == ["grid", "sections", "key"] and row["confirmed"] is True
    assert "check" not in row
    assert shown(structure=structure, bpm=bpm_record("a.flac"))["corrected"] == ["sections"]
    assert shown(added=0)["added"] == "1970-01-01"
    assert shown(added=86_399 * 10**9)["added"] == "1970-01-01"
    assert shown(added=86_400 * 10**9)["added"] == "1970-01-02"
    assert "added" not in shown(added=10**30)


def test_a_track_that_failed_is_not_to_be_checked() -> None:
    row = shown(bpm=bpm_record("a.flac"), duplicates=("x",), reference=known_tempo("t", 64.0))
    assert [kind for kind, _ in row["check"]] == ["grid", "grid", "copies"]
    row = shown(duplicates=("x",), failure=TrackFailure("decode", "DecodeError", "cut short"))
    assert row["failure"] == ["decode", "DecodeError", "cut short"] and "check" not in row
    assert known_tempo("t", None) is None


def test_an_opened_tracks_words_are_counted() -> None:
    waveform = np.array([[1.0, 0.5, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]])
    view = TrackView(
        "t", "t", bpm=replace(bpm_record("a.flac"), beats=(0.5, 1.0, 9.0), downbeats=(0.5,)),
        reference=Reference("t", beats=(0.5, 1.0)), waveform=waveform,
    )  # fmt: skip
    data = zlib.decompress(base64.b64decode(encode.detail(view)))
    assert np.frombuffer(data[:16], "<u4").tolist() == [4, 1, 2, 2]  # 8 s are two words
    words = np.frombuffer(data[16:-6], "<u2").tolist()
    assert words == [5000, 5000, 0xFFFF, 80_000 - 0xFFFF, 5000, 5000, 5000]
    assert list(data[-6:]) == [255, 0, 128, 255, 0xF0, 0x0F]


def test_times_that_round_to_each_other_stay_in_order() -> None:
    words = encode.differences([0.00012, 0.00008, 6.5535])
    assert words.tolist() == [1, 0, 65_534]
    assert encode.differences([]).tolist() == []
    assert encode.differences([6.5535]).tolist() == [encode.SKIP, 0]


def test_the_wheel_of_keys_is_whole() -> None:
    keys = encode.keys()
    assert len(keys) == notation.KEYS == 24 and keys["A minor"] == "8A" and keys["B major"] == "1B"


def evaluated(folder: Path, **documents: Any) -> Path:
    (folder / "evaluation").mkdir(exist_ok=True)
    for name, values in documents.items():
        (folder / "evaluation" / f"{name}.json").write_text(json.dumps(values))
    return folder


def test_evaluations_come_in_their_order_with_their_plots(tmp_path: Path) -> None:
    results = evaluated(tmp_path, key={"n": 3}, bpm={"n": 1}, beats={}, systems={"n": 4})
    for name in ("bpm_errors", "bpm_calibration", "systems", "other"):
        (results / "evaluation" / f"{name}.svg").write_text(f"<svg>{name}</svg>")
    found = collect.evaluations(results)
    assert [(e.task, e.values) for e in found] == [("bpm", {"n": 1}), ("key", {"n": 3})]
    assert [name for name, _ in found[0].plots] == ["bpm_calibration", "bpm_errors"]
    assert collect.systems(results).plots == (("systems", "<svg>systems</svg>"),)
    told = page.evaluations_json(found, collect.systems(results))
    assert [document["task"] for document in told["documents"]] == ["bpm", "key"]
    assert told["documents"][0]["values"] == {"n": 1} and told["systems"] == {"n": 4}
    (name, address), _ = told["documents"][0]["plots"]
    head, _, data = address.partition(",")
    assert (name, head) == ("bpm calibration", "data:image/svg+xml;base64")
    assert base64.b64decode(data) == b"<svg>bpm_calibration</svg>"
    assert [name for name, _ in told["system_plots"]] == ["systems"]
    assert page.evaluations_json((), Evaluation("systems", {})) == {"documents": []}


def test_an_evaluation_that_is_not_an_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"bpm\.json: not a JSON object"):
        collect.evaluations(evaluated(tmp_path, bpm=[1]))
    (tmp_path / "evaluation" / "bpm.json").unlink()
    (tmp_path / "evaluation" / "bpm.json").mkdir()
    with pytest.raises(RecordError, match=r"bpm\.json: cannot be read"):
        collect.evaluations(tmp_path)


def test_the_page_knows_every_sections_colour_by_day_and_by_night() -> None:
    built = page.build(Report((), cost={"bpm": Use(2, 3.0, 1.0, 90)}), PAGE).decode()
    light, dark = built.split(":root{")[1].split("\n")[:2]
    for label, colour in SECTION_COLOURS.items():
        assert f"--{label}:{colour};" in light
        assert f"--{label}:{SECTION_COLOURS_ON_DARK[label]};" in dark
    assert dark.startswith(":root[data-theme=dark]{")
    assert page.costs_json({"bpm": Use(2, 3.0, 1.0, 90)}) == {
        "bpm": {"jobs": 2, "seconds": 3.0, "cpu_seconds": 1.0, "peak_mb": 90}
    }
