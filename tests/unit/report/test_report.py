"""The report page as bytes: what is in it, what cannot be in it, and that it stays the same."""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from dropgrid.base.errors import LibraryError, RecordError
from dropgrid.commands.main import main
from dropgrid.features import Features, waveform
from dropgrid.features.store import save
from dropgrid.library import Scan, track_id
from dropgrid.records.model import BpmRecord
from dropgrid.records.store import read_bpm, read_key, read_structure
from dropgrid.records.ticket import Ticket
from dropgrid.references.matching import Reference
from dropgrid.report import encode
from dropgrid.report.collect import TrackView, collect
from dropgrid.report.page import build
from dropgrid.results.scan_store import read_scan, write_tickets
from synthetic_library import write_failure, write_library, write_track

HOSTILE = "a/</script><script>alert(1)</script>\n\"'&<!-- \u2028 {{data}} 100%?#\udcff é.wav"


class Page(HTMLParser):
    """The elements of a page, and the text of those that have an id."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data

    @property
    def library(self) -> dict:
        return json.loads(self.texts["data-library"])

    def detail(self, index: int) -> list[np.ndarray]:
        """Beats, downbeats, reference beats (s) and three bytes per column of a track, decoded."""
        data = zlib.decompress(base64.b64decode(self.texts["data-details"].split("\n")[index]))
        counts = np.frombuffer(data[:16], "<u4").tolist()
        end = 16 + 2 * sum(counts[:3])
        words = np.split(np.frombuffer(data[16:end], "<u2"), np.cumsum(counts[:2]))
        times = [np.cumsum(w, dtype=np.int64)[w != 0xFFFF] * 1e-4 for w in words]
        return [*times, *np.frombuffer(data[end:], np.uint8).reshape(3, counts[3])]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tracks, the sixth and twelfth failed."""
    folder = tmp_path_factory.mktemp("report") / "results"
    write_library(folder, 12, folder.parent / "music", failing=6)
    return folder


def page_of(results: Path) -> Page:
    return Page(build(collect(results), results / "report" / "index.html"))


def test_every_track_is_on_the_page_in_the_order_of_the_paths(results: Path) -> None:
    tracks = page_of(results).library["tracks"]
    assert len(tracks) == 12
    assert [t["path"] for t in tracks] == sorted((t["path"] for t in tracks), key=os.fsencode)


def test_the_page_says_what_the_records_say(results: Path) -> None:
    page = page_of(results)
    for index, shown in enumerate(page.library["tracks"]):
        if "failure" in shown:
            continue
        bpm = read_bpm(results / "bpm" / f"{shown['id']}.json")
        structure = read_structure(results / "structure" / f"{shown['id']}.json")
        beats, downbeats, *_ = page.detail(index)
        assert shown["bpm"] == bpm.bpm and shown["confidence"] == bpm.confidence
        assert shown["confidences"] == [1.0, bpm.confidence, 1.0, 0.95]
        assert shown["alternatives"] == [[bpm.bpm / 2, round(1 - bpm.confidence, 3)]]
        assert shown["drops"] == pytest.approx(structure.drops, abs=5e-4)
        assert [s[2] for s in shown["sections"]] == [0, 1, 3, 4, 1, 3, 5]
        np.testing.assert_allclose(beats, bpm.beats, rtol=0, atol=0.51e-4)
        np.testing.assert_allclose(downbeats, bpm.downbeats, rtol=0, atol=0.51e-4)


def test_the_page_has_keys_and_loudness(results: Path) -> None:
    for shown in page_of(results).library["tracks"]:
        if "failure" in shown:
            continue
        key = read_key(results / "key" / f"{shown['id']}.json")
        bpm = read_bpm(results / "bpm" / f"{shown['id']}.json")
        assert (shown["key"], shown["camelot"]) == (key.key, key.camelot)
        assert shown["keyConfidence"] == key.confidence
        assert shown.get("keyUnsure", False) == (not key.has_confident_key)
        assert shown.get("tagKey") == key.tag_key
        assert bpm.loudness is not None
        assert (shown["lufs"], shown["peak"]) == (bpm.loudness.integrated, -0.3)


def test_failures_are_shown_with_stage_and_reason(results: Path) -> None:
    failed = [t["failure"] for t in page_of(results).library["tracks"] if "failure" in t]
    assert failed == [["decode", "DecodeError", "not audio (no header)"]] * 2


def test_what_the_scan_could_not_read_is_a_failure_too(tmp_path: Path) -> None:
    write_tickets(Scan("/m", (), (("locked", "Permission denied"),)), tmp_path)
    (track,) = page_of(tmp_path).library["tracks"]
    assert track["failure"] == ["scan", "Unreadable", "Permission denied"]


def test_the_same_results_make_the_same_bytes(results: Path) -> None:
    page = results / "report" / "index.html"
    assert build(collect(results), page) == build(collect(results), page)


def test_nothing_on_the_page_points_outside_it(results: Path) -> None:
    for tag, attributes in page_of(results).elements:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name) or ""
            assert value.startswith("data:") or not value, (tag, name, value)
    policy = next(a["content"] for t, a in page_of(results).elements if "http-equiv" in a)
    assert policy and policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    track = Ticket(track_id(HOSTILE), HOSTILE, f"/music/{HOSTILE}", 1, 1)
    write_tickets(Scan("/music", (track,), ()), tmp_path)
    write_failure(tmp_path, track, message="</script><b>&amp;")
    page = page_of(tmp_path)
    plain = page_of_nothing(tmp_path / "plain")
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    (shown,) = page.library["tracks"]
    assert shown["path"] == HOSTILE
    assert shown["failure"][2] == "</script><b>&amp;"


def page_of_nothing(results: Path) -> Page:
    write_tickets(Scan("/music", (), ()), results)
    return page_of(results)


def test_an_audio_link_leads_back_to_the_file(tmp_path: Path) -> None:
    audio, page = f"/music/{HOSTILE}", Path("/home/results/report/index.html")
    href = encode.audio_href(audio, page)
    assert href and re.fullmatch(r"[A-Za-z0-9/._~%-]+", href)
    assert unquote_to_bytes(href) == b"../../../music/" + os.fsencode(HOSTILE)


def test_a_library_that_moved_is_linked_where_it_is_now(results: Path) -> None:
    view = collect(results, Path("/media/usb")).tracks[0]
    assert view.audio == f"/media/usb/{view.path}"


def test_a_results_folder_without_features_makes_a_page_without_waveforms(tmp_path: Path) -> None:
    track = Ticket(track_id("a.wav"), "a.wav", "/music/a.wav", 1, 1)
    write_tickets(Scan("/music", (track,), ()), tmp_path)
    write_track(tmp_path, track, seed=1)
    (tmp_path / "features" / f"{track.track}.npz").unlink()
    page = page_of(tmp_path)
    beats, _, _, *waveforms = page.detail(0)
    assert len(beats) == 768 and [len(values) for values in waveforms] == [0] * 3
    assert "mini" not in page.library["tracks"][0]


def test_records_without_a_scan_are_enough(results: Path, tmp_path: Path) -> None:
    for kind in ("bpm", "structure"):
        (tmp_path / kind).symlink_to(results / kind)
    shown = page_of(tmp_path).library["tracks"]
    assert [t["path"] for t in shown] == [t["path"] for t in page_of(results).library["tracks"]]
    assert not any("audio" in t for t in shown)
    file = tmp_path / "mine.csv"
    file.write_text(f"path,bpm\n{shown[0]['path']},99.5\n")
    assert collect(tmp_path, references=[str(file)]).tracks[0].reference.bpm == 99.5


def test_a_track_without_records_yet_is_listed(tmp_path: Path) -> None:
    write_tickets(Scan("/m", (Ticket("a-00000000", "a.wav", "/m/a.wav", 1, 1),), ()), tmp_path)
    (track,) = page_of(tmp_path).library["tracks"]
    assert track["title"] == "a" and "bpm" not in track and "failure" not in track


def test_a_damaged_record_is_shown_as_a_failure_and_the_rest_remains(tmp_path: Path) -> None:
    first, _ = write_library(tmp_path, 2, tmp_path / "music", failing=0)
    (tmp_path / "bpm" / f"{first}.json").write_text('{"schema": "dropgrid/bpm", "sche')
    failures = [t.get("failure") for t in page_of(tmp_path).library["tracks"]]
    assert sum(f is None for f in failures) == 1
    assert [f[0] for f in failures if f] == ["bpm"]


def test_an_empty_results_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="nothing to report on"):
        collect(tmp_path)


def test_a_damaged_evaluation_is_refused_by_name(results: Path, tmp_path: Path) -> None:
    (tmp_path / "bpm").symlink_to(results / "bpm")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "bpm.json").write_text("{")
    with pytest.raises(RecordError, match=r"evaluation/bpm\.json: cannot be read"):
        collect(tmp_path)


def test_references_stand_beside_the_estimates(results: Path, tmp_path: Path) -> None:
    track = next(view.track for view in collect(results).tracks if view.bpm)
    sections = [
        {"start": 0, "end": 10, "label": "intro"},
        {"start": 10, "end": 20, "label": "drop"},
    ]
    annotation = {"track": track, "bpm": 99.5, "beats": [0.5, 8.25, 12], "sections": sections}
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(annotation))
    report = collect(results, references=[str(file)])
    page = Page(build(report, results / "report" / "index.html"))
    index = [view.track for view in report.tracks].index(track)
    shown = page.library["tracks"][index]
    assert shown["refBpm"] == 99.5
    assert shown["refSections"] == [[0, 10, "intro"], [10, 20, "drop"]]
    np.testing.assert_allclose(page.detail(index)[2], [0.5, 8.25, 12], atol=1e-9)


def test_boundaries_without_labels_are_sections_without_labels() -> None:
    reference = Reference("t", structure=((10.0, 20.0), 30.0))
    shown = encode.row(TrackView("t", "t.wav", reference=reference), Path("/r/index.html"))
    assert shown["refSections"] == [[0, 10, None], [10, 20, None], [20, 30, None]]


def test_boundaries_without_an_end_last_to_the_end_of_the_track() -> None:
    bpm = BpmRecord("t", "t.wav", "ok", duration=40.0)
    for boundaries, edges in [((), [0, 40]), ((10.0,), [0, 10, 40]), ((50.0,), [0, 50, 50])]:
        reference = Reference("t", structure=(boundaries, None))
        shown = encode.row(
            TrackView("t", "t.wav", bpm=bpm, reference=reference), Path("/r/i.html")
        )
        assert [s[0] for s in shown["refSections"]] + [shown["refSections"][-1][1]] == edges


def test_what_the_run_took_is_read_from_the_logs(results: Path) -> None:
    track = read_scan(results)["tracks"][0]
    log = results / "logs" / "tracks" / f"{track}.log"
    log.parent.mkdir(parents=True)
    log.write_text("dropgrid: bpm took 1.50 s, cpu 0.25 s, peak 91 MB\n")
    cost = page_of(results).library["cost"]["bpm"]
    assert cost == {"jobs": 1, "seconds": 1.5, "cpu_seconds": 0.25, "peak_mb": 91}


def test_gaps_longer_than_a_word_survive() -> None:
    words = encode.differences([0.0, 30.0, 30.5, 43.107])
    times = np.cumsum(words, dtype=np.int64)[words != encode.SKIP] * encode.TICK
    np.testing.assert_allclose(times, [0.0, 30.0, 30.5, 43.107], atol=1e-9)


def test_the_waveform_follows_the_loudness(results: Path) -> None:
    page = page_of(results)
    index, shown = next((i, t) for i, t in enumerate(page.library["tracks"]) if "bpm" in t)
    columns = page.detail(index)[3] / 255
    loud = [np.median(columns[int(start / shown["duration"] * 10000) + 50 :][:300])
            for start, *_ in shown["sections"]]  # fmt: skip
    assert len(columns) == 10000 and columns.max() == 1
    assert np.argsort(loud)[-2:].tolist() == [5, 2] and np.argmin(loud) == 3  # drops; breakdown


def test_the_kick_is_drawn_where_the_beats_are(results: Path) -> None:
    page = page_of(results)
    index, shown = next((i, t) for i, t in enumerate(page.library["tracks"]) if "bpm" in t)
    kick = page.detail(index)[4]
    beats = page.detail(index)[0]
    time = (np.arange(10000) + 0.5) * shown["duration"] / 10000
    at, between = (kick[np.searchsorted(time, beats[260:380] + shift)] for shift in (0.01, -0.05))
    assert np.median(at / between) > 2


def test_middle_and_high_are_drawn_where_they_sound(tmp_path: Path) -> None:
    """Two seconds, the first half at 1 kHz, the second at 10 kHz."""
    bands = np.full((200, 9), -100.0, np.float16)
    bands[:100, 5] = bands[100:, 8] = -6.0
    attack = np.ones((800, 2), np.float16)
    features = Features(2.0, np.zeros((0, 2), np.float32), {"attack": attack, "bands": bands})
    save(tmp_path / "a.npz", features)
    _, _, middle, high = waveform.read_waveform(tmp_path / "a.npz", 400).T  # type: ignore[union-attr]
    np.testing.assert_allclose(middle[:200], 10 ** (-6 / 20), rtol=1e-3)
    np.testing.assert_allclose(high[200:], 10 ** (-6 / 20), rtol=1e-3)
    assert middle[200:].max() < 1e-4 and high[:200].max() < 1e-4


def test_middle_and_high_share_a_byte() -> None:
    columns = np.column_stack([np.ones(16), np.ones(16), np.arange(16), np.arange(16)[::-1]])
    data = zlib.decompress(
        base64.b64decode(encode.detail(TrackView("t", "t.wav", waveform=columns)))
    )
    assert list(data[-16:]) == [16 * i + 15 - i for i in range(16)]


def test_pooling_keeps_every_peak() -> None:
    loudness = np.zeros(1999)
    loudness[[0, 1000, 1998]] = 1.0
    pooled = waveform.pool(loudness, 400)
    assert len(pooled) == 400
    assert np.flatnonzero(pooled).tolist() == [0, 200, 399]


def test_waveforms_become_coarser_in_very_large_libraries() -> None:
    assert waveform.columns_for(0) == waveform.columns_for(300) == 10_000
    assert waveform.columns_for(2000) == 1500
    assert waveform.columns_for(100_000) == 400


def test_a_miniature_of_fewer_columns_than_it_has_is_stretched() -> None:
    assert waveform.miniature(np.array([1.0, 3.0])).tolist() == [1.0] * 48 + [3.0] * 48


def test_silence_is_a_flat_line() -> None:
    assert not waveform.quantise(np.zeros(4)).any()


def test_a_damaged_features_file_is_not_a_waveform(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut short")
    assert waveform.read_waveform(tmp_path / "a.npz", 9) is None


def test_a_night_long_mix_fits() -> None:
    record = BpmRecord("t", "t.wav", "ok", beats=tuple(np.arange(80_000) * 0.45))
    data = zlib.decompress(base64.b64decode(encode.detail(TrackView("t", "t.wav", bpm=record))))
    assert np.frombuffer(data[:16], "<u4").tolist() == [80_000, 0, 0, 0]


def test_the_command_writes_the_page_and_says_where(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "deep" / "page.html"
    arguments = ["report", "--results", str(results), "--references", "--output", str(page)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{page}: 12 tracks\n"
    assert page.read_bytes() == build(collect(results), page)


def test_a_malformed_reference_is_named_and_no_page_is_written(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, page = tmp_path / "bad.csv", tmp_path / "page.html"
    bad.write_text("path,bpm\na.wav,fast\n")
    arguments = ["report", "--results", str(results), "--references", str(bad)]
    assert main([*arguments, "--output", str(page)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "bad.csv" in message and "bpm" in message
    assert not page.exists()
