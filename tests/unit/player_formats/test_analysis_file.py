"""ANLZ files: the tags of rekordbox in their order, read back by a library of another project."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import rbox
from dropgrid.player_formats import analysis_file as anlz
from dropgrid.player_formats.analysis_file import Beat, PhraseStart, PlayerCue
from dropgrid.player_formats.analysis_reader import grid
from dropgrid.player_formats.waveform import columns, pooled, waveforms

SHARED = Path(__file__).resolve().parents[4] / "shared" / "players" / "rekordbox-export"
SONG = SHARED / "PIONEER" / "USBANLZ" / "P016" / "0000875E"
real = pytest.mark.skipif(not SONG.exists(), reason="no players' exports beside the checkout")
PATH = "/Contents/Ä/Song.mp3"
BEATS = [Beat(i % 4 + 1, 128.0, 0.025 + i * 60 / 128) for i in range(64)]
CUES = [
    PlayerCue(0.025, "Intro", (255, 0, 0), 0), PlayerCue(15.025, "Drop 1 ☾", (0, 255, 16), 3),
    PlayerCue(0.025, "Intro", (255, 0, 0)), PlayerCue(7.5, "Loop", (9, 9, 9), end=15.0),
]  # fmt: skip


def tags(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(name, head after the lengths, body) of every tag of a file."""
    assert data[:4] == b"PMAI" and struct.unpack_from(">I", data, 8)[0] == len(data)
    found, at = [], 28
    while at < len(data):
        head, whole = struct.unpack_from(">II", data, at + 4)
        found.append((data[at : at + 4], data[at + 12 : at + head], data[at + head : at + whole]))
        at += whole
    return found


def made() -> tuple[bytes, bytes, bytes]:
    waves = waveforms(np.random.default_rng(0).random((5000, 4)), 30.0)
    phrases = [PhraseStart(1, "intro"), PhraseStart(33, "drop")]
    return (anlz.dat_file(PATH, BEATS, CUES, waves),
            anlz.ext_file(PATH, BEATS, CUES, waves, phrases),
            anlz.two_ex_file(PATH, waves))  # fmt: skip


@real
@pytest.mark.parametrize(("suffix", "which"), [("DAT", 0), ("EXT", 1), ("2EX", 2)])
def test_tags_stand_in_the_order_and_with_the_heads_of_rekordbox(suffix, which):
    theirs = tags((SONG / f"ANLZ0000.{suffix}").read_bytes())
    mine = tags(made()[which])
    assert [t[0] for t in mine] == [t[0] for t in theirs]
    heads = {name: head for name, head, _ in theirs}
    for name, head, body in mine:
        assert len(head) == len(heads[name]), name
        if name in (b"PVBR", b"PWAV", b"PWV2", b"PWV4", b"PWV6", b"PWVC"):
            assert head == heads[name]
            assert len(body) == len(next(b for n, _, b in theirs if n == name))


@real
def test_a_grid_of_rekordbox_is_written_again_to_the_byte():
    data = (SONG / "ANLZ0000.DAT").read_bytes()
    head, body = next((h, b) for n, h, b in tags(data) if n == b"PQTZ")
    entries = [struct.unpack_from(">HHI", body, 8 * i) for i in range(len(body) // 8)]
    beats = [Beat(number, tempo / 100, time / 1000) for number, tempo, time in entries]
    assert anlz.grid_tag(beats)[12:] == head + body and len(beats) == 368


@real
@pytest.mark.parametrize("song", ["P016/0000875E", "P053/0001D21F"])
def test_the_exact_grid_of_rekordbox_is_whole_samples_and_written_again_to_the_byte(song):
    """Milliseconds and the extended grid's microseconds: all beats lie on samples of 44.1 kHz."""
    folder = SHARED / "PIONEER" / "USBANLZ" / song
    dat, ext = ((folder / f"ANLZ0000.{suffix}").read_bytes() for suffix in ("DAT", "EXT"))
    beats = grid(dat, ext)
    samples = np.array([beat.time for beat in beats]) * 44100
    assert np.abs(samples - np.round(samples)).max() < 0.0442  # a microsecond, cut off
    assert {round(beat.time * 1e6) % 1000 for beat in beats} != {0}
    (theirs,) = [t for t in tags(ext) if t[0] == b"PQT2"]
    assert anlz.exact_grid_tag(beats)[12:] == theirs[1] + theirs[2]


def test_times_come_back_to_the_microsecond_unless_the_grid_was_changed():
    dat, ext, _ = made()
    assert [b.time for b in grid(dat, ext)] == pytest.approx([b.time for b in BEATS], abs=5.1e-7)
    at = dat.index(b"PQTZ") + 24
    moved = dat[: at + 7] + bytes([dat[at + 7] + 1]) + dat[at + 8 :]  # the first beat, by 1 ms
    assert [b.time for b in grid(moved, ext)][:2] == [0.026, 0.493]


@real
def test_the_mask_of_the_phrases_is_that_of_rekordbox():
    data = (SONG / "ANLZ0000.EXT").read_bytes()
    at = data.index(b"PSSI")
    tag = data[at : at + struct.unpack_from(">I", data, at + 8)[0]]
    count = struct.unpack_from(">H", tag, 16)[0]
    plain = anlz.masked(tag, count)
    assert struct.unpack_from(">H", plain, 18)[0] == 2  # the mood
    starts = [struct.unpack_from(">HH", plain, 32 + 24 * i) for i in range(count)]
    assert starts[:3] == [(1, 1), (2, 37), (3, 73)]
    assert anlz.masked(plain, count) == tag


def test_another_library_reads_the_same_grid_cues_and_phrases(tmp_path):
    for suffix, data in zip(("DAT", "EXT", "2EX"), made(), strict=True):
        (tmp_path / f"ANLZ0000.{suffix}").write_bytes(data)
    dat = rbox.Anlz.load(str(tmp_path / "ANLZ0000.DAT"))
    ext = rbox.Anlz.load(str(tmp_path / "ANLZ0000.EXT"))
    assert dat.get_path() == PATH
    assert [(b.beat_number, b.tempo, b.time) for b in dat.get_beat_grid().beats] == [
        (beat.number, 12800, int(1000 * beat.time + 1e-9)) for beat in BEATS
    ]
    exact = ext.get_extended_beat_grid()
    assert [beat.microseconds for beat in exact.beats] == [
        round(1e6 * beat.time) % 1000 for beat in BEATS
    ]
    assert exact.checksum == sum(
        b.beat_number + b.tempo + b.time for b in dat.get_beat_grid().beats
    )
    hot = ext.get_extended_hot_cues().cues
    assert [(c.hot_cue, c.time, c.comment) for c in hot] == [
        (1, 25, "Intro"), (4, 15025, "Drop 1 ☾")
    ]  # fmt: skip
    assert (hot[1].hot_cue_color_red, hot[1].hot_cue_color_green) == (0, 255)
    memory = ext.get_extended_memory_cues().cues
    assert [(c.time, c.loop_time) for c in memory] == [(25, 0xFFFFFFFF), (7500, 15000)]
    song = ext.get_song_structure()
    assert song.end_beat == 64 and [p.beat for p in song.phrases] == [1, 33]


def test_another_library_reads_low_middle_and_high_of_the_three_band_waveform(tmp_path):
    """A kick, then a hi-hat: two loud stretches, each in one band, with a pad between them."""
    bands = np.zeros((300, 4), np.float32)
    bands[:100, [0, 1]], bands[100:200, [0, 2]], bands[200:, [0, 3]] = 1.0, 0.5, 0.25
    (tmp_path / "ANLZ0000.2EX").write_bytes(anlz.two_ex_file(PATH, waveforms(bands, 2.0)))
    read = rbox.Anlz.load(str(tmp_path / "ANLZ0000.2EX"))
    assert read.get_path() == PATH
    detail = [(c.low, c.mid, c.high) for c in read.get_waveform_3band_detail().data]
    assert len(detail) == 300  # 150 a second
    assert detail[50] == (127, 0, 0) and detail[150] == (0, 127, 0) and detail[250] == (0, 0, 127)
    preview = [(c.low, c.mid, c.high) for c in read.get_waveform_3band_preview().data]
    assert len(preview) == 1200 and preview[200] == (42, 0, 0) and preview[1000] == (0, 0, 42)
    gains = read.get_waveform_3band_calibration()
    assert (gains.low_gain, gains.mid_gain, gains.high_gain) == (100, 100, 100)


def test_another_library_reads_the_seek_index(tmp_path):
    waves = waveforms(None, 30.0)
    for seek in (anlz.SeekIndex(1152 * 900, tuple(range(0, 4000, 10))), anlz.SeekIndex(1152)):
        (tmp_path / "ANLZ0000.DAT").write_bytes(anlz.dat_file(PATH, BEATS, CUES, waves, seek))
        read = rbox.Anlz.load(str(tmp_path / "ANLZ0000.DAT")).get_vbr()
        assert list(read.index) == list(seek.places or (0,) * 400)
        assert (read.u1, read.u2) == (0, seek.samples)


@real
@pytest.mark.parametrize("song", ["P016/0000875E", "P053/0001D21F"])
def test_both_three_band_waveforms_of_rekordbox_are_low_middle_and_high(song):
    """Each band has its largest share where the same band has it in the coloured waveform."""
    folder = SHARED / "PIONEER" / "USBANLZ" / song
    two_ex, ext = (
        {name: body for name, _, body in tags((folder / f"ANLZ0000.{suffix}").read_bytes())}
        for suffix in ("2EX", "EXT")
    )
    detail, preview = (
        np.frombuffer(two_ex[name], np.uint8).reshape(-1, 3) for name in (b"PWV7", b"PWV6")
    )
    packed = np.frombuffer(ext[b"PWV5"], ">u2")
    colours = np.stack([packed >> shift & 7 for shift in (13, 10, 7)], axis=1)
    starts = np.linspace(0, len(detail), len(preview) + 1).astype(int)[:-1]
    coarse = np.add.reduceat(detail.astype(float), starts)
    for mine, theirs in ((detail, colours), (preview, coarse)):
        shares = [
            bands / np.maximum(bands.sum(axis=1, keepdims=True), 1) for bands in (mine, theirs)
        ]
        agreement = np.corrcoef(shares[0].T, shares[1].T)[:3, 3:]
        assert list(agreement.argmax(axis=0)) == [0, 1, 2] and np.diag(agreement).min() > 0.5


def test_cues_are_linked_and_loops_have_an_end():
    hot, memory = (body for name, _, body in tags(made()[0]) if name == b"PCOB")
    assert [struct.unpack_from(">I", hot, 56 * i + 12)[0] for i in range(2)] == [1, 4]
    assert [struct.unpack_from(">HH", memory, 56 * i + 24) for i in range(2)] == [
        (0xFFFF, 1), (0, 0xFFFF)
    ]  # fmt: skip
    assert struct.unpack_from(">BBHII", memory, 56 + 28) == (2, 0, 1000, 7500, 15000)
    assert struct.unpack_from(">II", hot, 32) == (25, 0xFFFFFFFF)


def test_no_more_cues_than_players_keep():
    many = [PlayerCue(float(i), str(i), (0, 0, 0), i) for i in range(12)]
    many += [PlayerCue(float(i), str(i), (0, 0, 0)) for i in range(20)]
    assert len(anlz.of_kind(many, anlz.HOT)) == 8 and len(anlz.of_kind(many, anlz.MEMORY)) == 10


def test_a_time_before_0_is_0_and_beats_are_whole_milliseconds():
    assert anlz.milliseconds(-0.02) == 0 and anlz.milliseconds(1.0006) == 1001
    body = anlz.grid_tag(BEATS)[24:]
    times = [struct.unpack_from(">HHI", body, 8 * i)[2] / 1000 for i in range(64)]
    assert np.abs(np.array(times) - [beat.time for beat in BEATS]).max() < 0.001


@pytest.mark.parametrize("bands", [None, np.zeros((0, 4)), np.ones((3, 4)), np.ones((9999, 4))])
def test_waveforms_have_their_sizes_whatever_is_known(bands):
    waves = waveforms(bands, 10.0)
    assert waves.preview.shape == (400,) and waves.tiny.shape == (100,)
    assert waves.detail.shape == (1500,) and waves.colour_detail.shape == (1500, 2)
    assert waves.colour_preview.shape == (1200, 6)
    assert waves.tiny.max() <= 15 and columns(0.0) == 1
    if bands is not None and len(bands):
        assert (waves.detail & 31).max() == 31


def test_pooling_keeps_peaks():
    values = np.zeros((1000, 1))
    values[777] = 1
    assert pooled(values, 10)[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
