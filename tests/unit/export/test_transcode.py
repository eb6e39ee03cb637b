"""Songs in formats that old players do not support are converted to AIFF without loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from defusedxml import ElementTree
from dropgrid.audio.transcode import to_aiff
from dropgrid.base.errors import DecodeError
from dropgrid.commands.main import main
from dropgrid.export import export, usb
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.records.store import read_bpm, write_record
from library_of_records import PATHS, write_results

CHANCE = np.random.default_rng(1)


def write_alac(path: Path, samples: np.ndarray) -> None:
    """16-bit samples (n, 2) as ALAC in an M4A."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("alac", rate=44100, layout="stereo", format="s16p")
        for at in range(0, len(samples), 4096):
            block = np.ascontiguousarray(samples[at : at + 4096].T)
            frame = av.AudioFrame.from_ndarray(block, "s16p", "stereo")
            frame.sample_rate, frame.pts = 44100, at
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 8)])
def test_a_flac_keeps_every_sample(tmp_path, subtype, bits):
    samples = CHANCE.integers(-(2**31), 2**31, (50_000, 2), dtype=np.int64) >> bits << bits
    soundfile.write(tmp_path / "a.flac", samples.astype(np.int32), 48000, subtype=subtype)
    to_aiff(tmp_path / "a.flac", tmp_path / "a.aiff")
    found, rate = soundfile.read(tmp_path / "a.aiff", dtype="int32")
    assert rate == 48000 and soundfile.info(tmp_path / "a.aiff").subtype == subtype
    assert np.array_equal(found, samples)


def test_an_alac_keeps_every_sample(tmp_path):
    samples = CHANCE.integers(-(2**15), 2**15, (30_000, 2)).astype(np.int16)
    write_alac(tmp_path / "a.m4a", samples)
    to_aiff(tmp_path / "a.m4a", tmp_path / "a.aiff")
    found, _ = soundfile.read(tmp_path / "a.aiff", dtype="int16")
    assert np.array_equal(found, samples)


@pytest.mark.parametrize(("name", "rate", "subtype"), [("a.ogg", 44100, "VORBIS"),
                                                       ("a.opus", 48000, "OPUS")])  # fmt: skip
def test_ogg_and_opus_begin_where_the_analysis_hears_them_begin(tmp_path, name, rate, subtype):
    samples = np.zeros(60_000)
    samples[20_000:20_100] = 0.5 * np.sin(np.arange(100) / 3)
    soundfile.write(tmp_path / name, samples, rate, format="OGG", subtype=subtype)
    heard, _ = soundfile.read(tmp_path / name)  # what the analysis reads
    to_aiff(tmp_path / name, tmp_path / "a.aiff")
    found, _ = soundfile.read(tmp_path / "a.aiff")
    shared = min(len(found), len(heard))
    assert shared > 55_000 and np.abs(found[:shared] - heard[:shared]).max() < 2**-14


def test_many_channels_become_two(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros((5000, 6)), 44100)
    to_aiff(tmp_path / "a.flac", tmp_path / "a.aiff")
    assert soundfile.info(tmp_path / "a.aiff").channels == 2


@pytest.mark.parametrize("data", [b"", b"fLaC" + bytes(200), b"#EXTM3U\n/etc/passwd\n",
                                  b"v=0\nm=audio 1 RTP/AVP 0\n"])  # fmt: skip
def test_what_is_not_audio_is_refused(tmp_path, data):
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(DecodeError):
        to_aiff(tmp_path / "a.flac", tmp_path / "a.aiff")


def test_a_stick_for_old_players(tmp_path):
    music = tmp_path / "music"
    for path in PATHS:
        (music / path).parent.mkdir(parents=True, exist_ok=True)
        kind = {".flac": "FLAC", ".wav": "WAV", ".mp3": "MP3"}[Path(path).suffix]
        soundfile.write(music / path, np.zeros(44100), 44100, format=kind)
    results = write_results(tmp_path / "results", music)
    stick, options = tmp_path / "stick", ExportOptions(transcode=True)
    export("usb", results, stick, options)
    names = {path.suffix for path in (stick / "Contents").rglob("*") if path.is_file()}
    assert names == {".aiff", ".wav", ".mp3"}
    before = {p: p.stat().st_mtime_ns for p in stick.rglob("*") if p.is_file()}
    export("usb", results, stick, options)
    assert before == {p: p.stat().st_mtime_ns for p in before} and not usb.verify(stick)
    soundfile.write(music / PATHS[0], np.ones(44100) / 4, 44100)
    (music / PATHS[1]).write_bytes(b"none")
    export("usb", results, stick, options)
    (song,) = (stick / "Contents").rglob("*.aiff")
    assert soundfile.read(song)[0].max() == 0.25
    export("usb", results, stick)  # and back
    assert not list((stick / "Contents").rglob("*.aiff"))


def test_a_song_that_cannot_be_converted_is_counted(tmp_path):
    for path in PATHS:
        (tmp_path / "music" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / path).write_bytes(b"song")
    results = write_results(tmp_path / "results", tmp_path / "music")
    written, left_out = export("usb", results, tmp_path / "stick", ExportOptions(transcode=True))
    assert written == 2 and left_out["cannot be converted"] == 1
    assert not list((tmp_path / "stick").rglob("*.dropgrid"))


def test_what_rekordbox_would_not_update_is_a_playlist(tmp_path, capsys):
    results = write_results(tmp_path / "results")
    export("rekordbox", results, tmp_path / "theirs.xml")
    text = (tmp_path / "theirs.xml").read_text()
    (tmp_path / "theirs.xml").write_text(text.replace("half%20time", "another"))
    record = read_bpm(results / "bpm" / f"{track_id(PATHS[0])}.json")
    write_record(results / "bpm" / f"{record.track}.json", replace(record, bpm=64.0))
    options = ExportOptions(collection=str(tmp_path / "theirs.xml"))
    export("rekordbox", results, tmp_path / "c.xml", options)
    nodes = ElementTree.parse(tmp_path / "c.xml").getroot().iter("NODE")
    (node,) = [node for node in nodes if node.get("Name") == "Remove these first"]
    assert [track.get("Key") for track in node] == ["1", "3"]
    (tmp_path / "theirs.xml").write_text("<DJ_PLAYLISTS>\n<COLLECTION")
    words = ["export", "rekordbox", "--results", str(results), "--output", str(tmp_path / "d.xml")]
    assert main([*words, "--collection", str(tmp_path / "theirs.xml")]) == 2
    assert "--collection" in capsys.readouterr().err
