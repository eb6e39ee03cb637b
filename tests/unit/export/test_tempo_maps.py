"""MIDI files and Reaper projects, read by pretty_midi and rpp: beats, bars, markers."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import mido
import numpy as np
import pytest
from dropgrid.export import midi, reaper
from dropgrid.export.tempo_map import tempo_map
from dropgrid.records.model import BpmRecord, GridRegion
from dropgrid.records.track import Track
from library_of_records import bpm_record, structure_record

pretty_midi = pytest.importorskip("pretty_midi")
rpp = pytest.importorskip("rpp")


def record_of(*stretches: tuple[float, float, int, int | None], bar: int = 4) -> BpmRecord:
    """A record of stretches: (start, BPM, beats, which beat is its first downbeat)."""
    beats: list[float] = []
    downbeats: list[float] = []
    grid = []
    for start, bpm, count, one in stretches:
        found = [start + i * 60 / bpm for i in range(count)]
        grid.append(GridRegion(start, bpm, count, None if one is None else found[one]))
        beats += found
        downbeats += [] if one is None else found[one::bar]
    return BpmRecord(
        "t", "t.flac", "ok", duration=beats[-1] + 1, bpm=stretches[0][1], confidence=1.0,
        time_signature=f"{bar}/4", beats=tuple(beats), downbeats=tuple(downbeats),
        grid=tuple(grid), decoder={"name": "libsndfile", "sample_rate": 44100},
    )  # fmt: skip


RECORDS = {
    "from 0": record_of((0.0, 128.0, 64, 0)),
    "upbeats": record_of((0.25, 125.38, 64, 3)),
    "late": record_of((12.3, 174.02, 64, 1)),
    "just after 0": record_of((0.004, 140.0, 32, 0)),
    "two tempi": record_of((0.43, 128.0, 33, 1), (16.2, 140.02, 40, 2)),
    "a hole": record_of((0.43, 128.0, 33, 1), (45.7, 127.3, 40, 0)),
    "three-four": record_of((0.7, 91.3, 60, 2), bar=3),
    "no downbeat": record_of((0.7, 91.3, 60, None)),
}
HOUR = record_of((0.317, 125.3771, 7520, 2))


def midi_of(record: BpmRecord) -> object:
    data = midi.render_track(Track(None, record, None))[".mid"]
    found = pretty_midi.PrettyMIDI(io.BytesIO(data))
    found.lyrics.append(pretty_midi.Lyric("", record.beats[-1] + 1))  # bars till here
    return found


def by_rpp(points: list[list[str]], until: float) -> tuple[list[float], list[float]]:
    """(beats, bars) that a Reaper project's tempo markers mean; a signature begins a bar."""
    times = [float(point[1]) for point in points] + [until]
    beats: list[float] = []
    bars: list[float] = []
    passed, numerator, quarters = 0.0, 4, 1.0  # of the bar's notes since the last signature
    for point, start, end in zip(points, times, times[1:], strict=False):
        if len(point) > 4:
            denominator, numerator = divmod(int(point[4]), 65536)
            passed, quarters = 0.0, 4 / denominator
        period = quarters * 60 / float(point[2])
        first = int(np.ceil(passed - 1e-3))
        last = int(np.ceil(passed + (end - start) / period - 1e-3))
        for note in range(first, last):
            beats.append(start + (note - passed) * period)
            bars += [beats[-1]] if note % numerator == 0 else []
        passed += (end - start) / period
    return beats, bars


def nearest(beats: tuple[float, ...], found: list[float]) -> float:
    """The largest distance of a beat to the nearest one found, in ms."""
    return max(1000 * float(np.min(np.abs(np.subtract(found, beat)))) for beat in beats)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_midi_file_has_the_beats_and_bars_of_the_record(record: BpmRecord) -> None:
    found = midi_of(record)
    places = tempo_map(record)
    assert places is not None
    ticks = [round(places.beat_of(beat) * midi.TICKS) for beat in record.beats]
    times = [found.tick_to_time(tick) for tick in ticks]
    assert max(np.abs(np.subtract(times, record.beats))) < 1e-4
    assert all(tick % midi.TICKS == 0 or record is RECORDS["just after 0"] for tick in ticks)
    if record.downbeats:
        assert nearest(record.downbeats, list(found.get_downbeats(0))) < 0.1


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_reaper_project_has_the_beats_of_the_record(record: BpmRecord) -> None:
    data = reaper.render_track(Track(Path("/m/t.flac"), record, None))[".RPP"].decode()
    project = rpp.loads(data)
    points = [child for child in project.find("TEMPOENVEX").children if child[0] == "PT"]
    beats, bars = by_rpp(points, record.beats[-1] + 0.2)
    assert nearest(record.beats, beats) < 0.1
    if record.downbeats:
        assert nearest(record.downbeats, bars) < 0.1


def test_nothing_drifts_in_an_hour() -> None:
    found = midi_of(HOUR)
    places = tempo_map(HOUR)
    assert places is not None
    ticks = [round(places.beat_of(beat) * midi.TICKS) for beat in HOUR.beats]
    drift = np.abs(np.subtract([found.tick_to_time(tick) for tick in ticks], HOUR.beats))
    assert max(drift) < 1e-4, f"{1000 * max(drift):.3f} ms"
    project = rpp.loads(reaper.render_track(Track(Path("/m/t"), HOUR, None))[".RPP"].decode())
    points = [child for child in project.find("TEMPOENVEX").children if child[0] == "PT"]
    assert nearest(HOUR.beats[::50], by_rpp(points, HOUR.beats[-1] + 1)[0]) < 0.1


def test_markers_stand_at_sections_and_drops() -> None:
    record, structure = bpm_record("a.flac"), structure_record("a.flac")
    track = Track(Path('/m/שיר "it\'s" `x`.flac'), record, structure)
    file = mido.MidiFile(file=io.BytesIO(midi.render_track(track)[".mid"]))
    now, found = 0.0, []
    for message in file:
        now += message.time
        if message.type == "marker":
            found.append((message.text, now))
    names = ["Intro", "Buildup", "Drop 1", "Breakdown", "Drop 2", "Outro"]
    assert [name for name, _ in found] == names
    starts = [max(record.downbeats[0], section.start) for section in structure.sections]
    np.testing.assert_allclose([time for _, time in found], starts, atol=4e-4)  # a tick
    project = rpp.loads(reaper.render_track(track)[".RPP"].decode())
    markers = [child for child in project.children if child[0] == "MARKER"]
    assert [(m[3], float(m[2])) for m in markers] == list(zip(names, starts, strict=True))
    item = project.find("TRACK").find("ITEM")
    (source,) = [child for child in item.find("SOURCE").children if child[0] == "FILE"]
    assert source[1] == "/m/שיר \"it's\" 'x'.flac"


def test_a_track_without_grid_makes_no_file() -> None:
    record = dataclasses.replace(bpm_record("a.flac"), grid=())
    track = Track(Path("/m/a.flac"), record, None)
    assert midi.render_track(track) == {} == reaper.render_track(track)


def test_random_maps_keep_every_beat() -> None:
    generator = np.random.default_rng(3)
    for _ in range(60):
        stretches, start = [], float(generator.uniform(0, 9))
        for _ in range(generator.integers(1, 5)):
            bpm, count = float(generator.uniform(60, 200)), int(generator.integers(2, 200))
            one = int(generator.integers(0, min(4, count)))
            stretches.append((start, bpm, count, one))
            start += (count - 1 + generator.uniform(0.8, 30)) * 60 / bpm
        record = record_of(*stretches)
        found, places = midi_of(record), tempo_map(record)
        assert places is not None
        ticks = [round(places.beat_of(beat) * midi.TICKS) for beat in record.beats]
        times = [found.tick_to_time(tick) for tick in ticks]
        assert max(np.abs(np.subtract(times, record.beats))) < 1e-4, stretches
        assert nearest(record.downbeats, list(found.get_downbeats(0))) < 0.1, stretches
        project = rpp.loads(
            reaper.render_track(Track(Path("/m/t"), record, None))[".RPP"].decode()
        )
        points = [child for child in project.find("TEMPOENVEX").children if child[0] == "PT"]
        beats, bars = by_rpp(points, record.beats[-1] + 0.2)
        assert nearest(record.beats, beats) < 0.1, stretches
        assert nearest(record.downbeats, bars) < 0.1, stretches
