"""Exports in general: every format, what is left out, playlists, the command."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import jams
import pytest
from dropgrid.audio.mp3 import LAGS
from dropgrid.base.errors import ConfigError, RecordError
from dropgrid.commands.main import main
from dropgrid.export import export, formats, target
from dropgrid.export.options import ExportOptions
from dropgrid.library import track_id
from dropgrid.records.store import read_key, write_record
from dropgrid.records.track import Track
from dropgrid.settings.config import load_config
from dropgrid.settings.paths import SCHEMAS
from exported_library import HOUSE
from library_of_records import PATHS, bpm_record, structure_record, write_results

FORMATS = [name for name, form in formats().items() if not hasattr(form, "ALONE")]  # no copies
PER_TRACK = ("jams", "beats", "lab", "audacity", "sonic-visualiser")


@pytest.mark.parametrize("name", FORMATS)
def test_failed_tracks_are_left_out_and_counted(results: Path, tmp_path: Path, name: str) -> None:
    written, left_out = export(name, results, tmp_path / "out")
    assert (written, dict(left_out)) == (3, {"failed in the analysis": 1})
    if name in PER_TRACK:
        stems = {path.name.split(".")[0] for path in (tmp_path / "out").iterdir()}
        assert stems == {track_id(path) for path in PATHS} - {track_id("undecodable.flac")}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_records_give_the_same_bytes(results: Path, tmp_path: Path, name: str) -> None:
    def contents(output: Path) -> dict[str, bytes]:
        export(name, results, output)
        files = output.rglob("*") if output.is_dir() else [output]
        return {str(f.relative_to(output)): f.read_bytes() for f in files if f.is_file()}

    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert not list(tmp_path.rglob("*.tmp"))


def test_no_format_writes_a_key_of_low_confidence_and_it_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One rule everywhere: a key below key.min_confidence is not exported."""
    results = write_results(tmp_path / "results")
    path = results / "key" / f"{HOUSE}.json"
    write_record(path, dataclasses.replace(read_key(path), confidence=0.21, sure=False))
    for name in ("rekordbox", "traktor", "virtualdj", "m3u8"):
        output, more = tmp_path / name, ["--by-key"] if name == "m3u8" else []
        command = ["export", name, "--results", str(results), "--output", str(output), *more]
        assert main(command) == 0
        assert "a house.flac: key left out, unsure: 8A? (0.21)" in capsys.readouterr().err
        texts = [f.read_text() for f in ([output] if output.is_file() else output.iterdir())]
        keys = "".join(texts).count({"rekordbox": "Tonality=", "traktor": "MUSICAL_KEY ",
                                     "virtualdj": "Key="}.get(name, "#EXTINF"))  # fmt: skip
        assert keys == (3 if name == "m3u8" else 2)
    assert {f.name for f in (tmp_path / "m3u8").iterdir()} == {"8A.m3u8", "no key.m3u8"}
    export("jams", results, tmp_path / "jams")
    (keys,) = jams.load(str(tmp_path / "jams" / f"{HOUSE}.jams")).search(namespace="key_mode")
    assert keys.data[0].confidence == 0.97, "with its confidence, which JAMS has a word for"


def test_playlists_by_key_hold_the_tracks_of_each(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "lists", ExportOptions(by_key=True))
    (playlist,) = (tmp_path / "lists").iterdir()
    assert playlist.name == "8A.m3u8"
    assert playlist.read_text().count("#EXTINF") == 3


def test_what_is_spooled_comes_back_from_memory_and_from_the_disk(monkeypatch) -> None:
    from dropgrid.export import spool

    for most in (spool.IN_MEMORY, 10):
        monkeypatch.setattr(spool, "IN_MEMORY", most)
        kept = spool.Spool()
        for number in range(1000):
            kept.add(b"%d\n" % number)
        assert kept.added == 1000
        assert b"".join(kept) == b"".join(kept) == b"".join(b"%d\n" % i for i in range(1000))
        assert bool(kept._file._rolled) == (most == 10)


def test_an_export_holds_one_track_at_a_time(results: Path, tmp_path: Path, monkeypatch) -> None:
    """What is alive of the tracks while they are written: no more than two at once."""
    import gc
    import weakref

    import dropgrid.export as room

    alive: list[weakref.ref] = []
    most = 0
    gc.collect()
    gc.freeze()  # what the other tests hold: to look through it again and again takes long

    def watched(folder: Path, name: str, *arguments: object) -> Track:
        nonlocal most
        gc.collect()
        record = dataclasses.replace(bpm_record(PATHS[0]), track=name)
        alive.append(weakref.ref(record))
        most = max(most, sum(reference() is not None for reference in alive))
        return Track(Path("/music/a.flac"), record, structure_record(PATHS[0]))

    monkeypatch.setattr(room, "track_ids", lambda results: [f"t-{n:08}" for n in range(12)])
    monkeypatch.setattr(room, "read_track", watched)
    try:
        for name in FORMATS:
            if not hasattr(formats()[name], "render_table"):
                most = 0
                assert export(name, results, tmp_path / name)[0] == 12
                assert most <= 3, name
    finally:
        gc.unfreeze()


def test_the_library_may_have_moved(results: Path, tmp_path: Path) -> None:
    export("m3u8", results, tmp_path / "all.m3u8", library=Path("/new place"))
    assert "/new place/a house.flac\n" in (tmp_path / "all.m3u8").read_text()


def test_missing_records_are_reported(results: Path, tmp_path: Path) -> None:
    only_bpm = tmp_path / "only bpm"
    only_bpm.mkdir()
    (only_bpm / "bpm").symlink_to(results / "bpm")
    with pytest.raises(ConfigError, match="contains no structure records"):
        export("lab", only_bpm, tmp_path / "out")
    with pytest.raises(
        ConfigError, match="does not contain the path of the audio; give --library"
    ):
        export("rekordbox", only_bpm, tmp_path / "out.xml")
    with pytest.raises(RecordError, match="holds no records; run the workflow first"):
        export("lab", tmp_path / "nothing", tmp_path / "out")
    assert export("beats", only_bpm, tmp_path / "out")[0] == 3


def test_the_command_counts_on_stdout_and_says_what_is_missing_on_stderr(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "labels"
    assert main(["export", "lab", "--results", str(results), "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{output}: 3 tracks\n"
    assert said.err == "dropgrid export: 1 track left out: failed in the analysis\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mp4"], "mp4: not a format; known: audacity, beats"),
        (
            ["m3u8", "--bpm-ranges", "120"],
            "export: bpm_ranges: needs two edges or more",
        ),
        (["m3u8", "--bpm-ranges", "128", "120"], "export: bpm_ranges: needs two edges or more"),
        (
            ["csv", "--delay-profile", "ffmpeg"],
            "--delay-profile: the csv table has the times of the records",
        ),
    ],
)
def test_wrong_requests_are_explained(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    command = [
        "export",
        *arguments[:1],
        "--results",
        str(results),
        "--output",
        str(tmp_path / "o"),
    ]
    assert main(command + arguments[1:]) == 2
    assert message in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "labels"
    assert main(["export", "lab", "--results", str(results), "--output", str(output)]) == 2
    assert f"--output {output}: is not a folder" in capsys.readouterr().err


def test_the_workflow_passes_each_format_the_options_that_matter_to_it() -> None:
    plain, chosen = ExportOptions(), ExportOptions("ffmpeg", bpm_ranges=(120.0, 127.5))
    assert target("m3u8", plain) == ("library.m3u8", "")
    assert target("m3u8", chosen) == ("playlists", "--delay-profile ffmpeg --bpm-ranges 120 127.5")
    assert target("rekordbox", chosen)[0] == "rekordbox.xml"
    assert target("lab", chosen) == ("lab", "--delay-profile ffmpeg")
    assert target("csv", chosen) == ("library.csv", "")


def test_a_name_no_playlist_can_hold_is_given_as_an_address() -> None:
    from dropgrid.export.m3u8 import render

    file = Path(os.fsdecode(b"/m/line\nbreak \xff.wav"))
    track = Track(file, None, structure_record("line break.wav"))
    count, files = render([track], ExportOptions())
    assert count == 1
    assert b"".join(files[""]).splitlines()[3] == b"file:///m/line%0Abreak%20%FF.wav"


def test_a_new_format_is_one_file(results: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "count_of_drops.py").write_text(
        'NAME = "drop-count"\nHELP = "how many drops"\nFILE = "drops.txt"\n'
        'NEEDS = frozenset({"structure"})\nOPTIONS = ("by_key",)\n\n\n'
        "def render(tracks, options):\n"
        "    counts = [len(track.structure.drops) for track in tracks]\n"
        '    return len(counts), {"": str(sum(counts)).encode()}\n'
    )
    import dropgrid.export

    monkeypatch.setattr(dropgrid.export, "__path__", [*dropgrid.export.__path__, str(tmp_path)])
    formats.cache_clear()
    try:
        assert target("drop-count", ExportOptions(by_key=True)) == ("drops.txt", "--by-key")
        output = str(tmp_path / "drops.txt")
        assert main(["export", "drop-count", "--results", str(results), "--output", output]) == 0
        assert (tmp_path / "drops.txt").read_text() == "6"
    finally:
        formats.cache_clear()


def test_the_list_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(formats())
    assert all(len(line) < 140 and line[18:] for line in lines)
    (traktor,) = [line for line in lines if line.startswith("traktor ")]
    assert traktor.endswith("; MP3s in traktor's time, inferred")


def test_tracks_of_low_confidence_are_left_out_and_counted(results: Path, tmp_path: Path) -> None:
    written, left_out = export(
        "lab", results, tmp_path / "lab", ExportOptions(min_confidence=0.98)
    )
    assert (written, dict(left_out)) == (
        0, {"confidence below 0.98": 3, "failed in the analysis": 1},
    )  # fmt: skip


def test_the_configuration_knows_the_players_and_the_options() -> None:
    schema = json.loads((SCHEMAS / "config.schema.json").read_text())
    known = schema["properties"]["export"]["properties"]
    assert set(known) == {field.name for field in dataclasses.fields(ExportOptions)}
    assert known["delay_profile"]["enum"] == [None, *LAGS]
    assert load_config()["export"] == {
        f.name: list(f.default) if isinstance(f.default, tuple) else f.default
        for f in dataclasses.fields(ExportOptions)
    }


def test_an_export_imports_no_other_format() -> None:
    code = (
        "import sys; from dropgrid.export import format_of; format_of('rekordbox'); "
        "print(*(m for m in sys.modules if m.startswith('dropgrid.export.')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "dropgrid.export.rekordbox" in told.stdout.split()
    assert not {"dropgrid.export.engine", "dropgrid.export.traktor"} & set(told.stdout.split())
