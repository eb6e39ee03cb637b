"""What is written into tags, and what is left alone."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import mutagen
import pytest
from audio_containers import CONTAINERS, decoded, write_audio
from dropgrid.audio.tags import read_tags
from dropgrid.records.ticket import Ticket, read_ticket, ticket_json
from dropgrid.records.track import Track
from dropgrid.tagging.backup import Backup, Entry, read_backup, write_backup
from dropgrid.tagging.change import apply
from dropgrid.tagging.fields import Answers, exact, rounded, sound_check, with_drops
from dropgrid.tagging.plan import Change, TagError, TagOptions, open_tags, plan
from dropgrid.tagging.restore import restore
from library_of_records import bpm_record
from mutagen.id3 import ID3, TBPM, TIT2, TPE1, TYER
from tracks_to_tag import BPM, COMMENT, all_tags, tag_by_hand, track_of

EVERYTHING = TagOptions(comment=True, key="camelot", gain=True, sound_check=True)


def planned(path: Path, options: TagOptions = COMMENT) -> Change:
    change = plan(track_of(path), options, path.parent)
    assert isinstance(change, Change), change
    return change


def put_back(change: Change) -> None:
    """Restore a file from the backup that a change would have left."""
    entry = Entry(change.track, change.file, change.had_tags, {})
    entry.add(change)
    done = restore(entry, Path(change.file).parent, Path(change.file).parent / "no results")
    assert done.changed and not done.reasons and done.kept is None


@pytest.fixture(params=CONTAINERS)
def song(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_audio(tmp_path / f"My song #1 & ü.{request.param}")


@pytest.mark.parametrize("by_hand", [False, True], ids=["untagged", "tagged"])
def test_tags_are_written_and_restored_and_audio_stays(song: Path, by_hand: bool) -> None:
    if by_hand:
        tag_by_hand(song)
    audio, tags = decoded(song), all_tags(song)

    change = planned(song)
    apply(change)
    assert decoded(song) == audio
    assert read_tags(song, include_own=True).bpm == BPM
    assert "[drops 0:08 0:19]" in "".join(all_tags(song).values())
    ours = {key.lower() for key in change.new}
    kept = {key: value for key, value in tags.items() if key.lower() not in ours}
    assert kept.items() <= all_tags(song).items()

    put_back(change)
    assert decoded(song) == audio
    assert all_tags(song) == tags


def test_own_tags_are_not_evidence_and_later_tags_of_the_user_are(song: Path) -> None:
    apply(planned(song, EVERYTHING))
    assert (read_tags(song).bpm, read_tags(song).key) == (None, "")
    file, _, fields = open_tags(song)
    wanted = fields.wanted(Answers(bpm=140.0, key="5B"))
    for key, value in wanted.items():
        if "DROPGRID" not in key:  # as another program changes a tempo and a key
            fields.put(key, value)
    file.save()
    assert (read_tags(song).bpm, read_tags(song).key) == (140.0, "5B")


def test_what_the_file_said_before_stays_its_own_evidence(song: Path) -> None:
    file, _, fields = open_tags(song)
    for key, value in fields.wanted(Answers(bpm=BPM, key="Am")).items():
        if "DROPGRID" not in key:
            fields.put(key, value)
    file.save()
    assert plan(track_of(song), TagOptions(key="musical"), song.parent) == "already tagged so"
    assert (read_tags(song).bpm, read_tags(song).key) == (BPM, "Am")


def test_a_tempo_of_the_user_wins_over_a_tempo_of_dropgrid(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.mp3")
    apply(planned(path))
    file = mutagen.File(path)
    file.tags.add(TBPM(encoding=0, text="129"))
    file.save()
    assert read_tags(path).bpm == 129.0


@pytest.mark.parametrize(
    ("container", "key", "value"),
    [("mp3", "TBPM", "128"), ("wav", "TXXX:BPM", "127.96"), ("m4a", "tmpo", "[128]"),
     ("flac", "BPM", "['127.96']"), ("opus", "bpm", "['127.96']"),
     ("wma", "WM/BeatsPerMinute", "127.96")],
)  # fmt: skip
def test_integer_fields_are_rounded_and_float_fields_are_not(
    tmp_path: Path, container: str, key: str, value: str
) -> None:
    path = write_audio(tmp_path / f"song.{container}")
    apply(planned(path, TagOptions()))
    tags = mutagen.File(path).tags
    written = tags[key][0] if container == "wma" else tags[key]
    assert str(written) == value


def test_key_and_gain_are_written_and_restored_and_audio_stays(song: Path) -> None:
    tag_by_hand(song)
    audio, tags = decoded(song), all_tags(song)
    change = planned(song, EVERYTHING)
    apply(change)
    assert decoded(song) == audio
    plain_text = read_tags(song, include_own=True)
    assert (plain_text.bpm, plain_text.key) == (BPM, "8A")
    written = {name.lower(): text for name, text in all_tags(song).items()}
    gains = [text for name, text in written.items() if "replaygain_track_gain" in name]
    peaks = [text for name, text in written.items() if "replaygain_track_peak" in name]
    if song.suffix == ".opus":
        assert gains == peaks == []
        assert written["r128_track_gain"] == "['-3648']"
    else:
        (gain,), (peak,) = gains, peaks
        assert "-9.25 dB" in gain and "0.977237" in peak
    assert ("----:com.apple.itunes:itunnorm" in written) == (song.suffix == ".m4a")
    put_back(change)
    assert decoded(song) == audio
    assert all_tags(song) == tags


def test_opus_loses_a_replaygain_it_must_not_have(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.opus")
    file = mutagen.File(path)
    file.tags.update({"REPLAYGAIN_TRACK_GAIN": ["-3.00 dB"], "R128_TRACK_GAIN": ["7"]})
    file.save()
    before = all_tags(path)
    change = planned(path, TagOptions(gain=True))
    apply(change)
    assert mutagen.File(path).tags["R128_TRACK_GAIN"] == ["-3648"]
    assert "REPLAYGAIN_TRACK_GAIN" not in mutagen.File(path).tags
    put_back(change)
    assert all_tags(path) == before


def test_sound_check_is_the_gain_in_hexadecimal_words() -> None:
    loudness = bpm_record("a").loudness
    assert loudness is not None
    words = (sound_check(loudness) or "").split()
    assert len(words) == 10 and all(len(word) == 8 for word in words)
    assert int(words[0], 16) == round(1000 * 10 ** (9.25 / 10))


def test_a_key_or_a_gain_is_written_where_no_tempo_is(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.flac")
    track = track_of(path, source="metadata")
    change = plan(track, TagOptions(key="musical"), tmp_path)
    assert isinstance(change, Change)
    assert change.new == {"INITIALKEY": ["Am"], "DROPGRID_KEY": ["Am"]}
    unsure = dataclasses.replace(track, key=dataclasses.replace(track.key, sure=False))
    missed: list[str] = []
    reason = plan(unsure, TagOptions(key="musical"), tmp_path, missed=missed.append)
    assert reason == "the tempo comes from the tag"
    assert missed == ["key left out, unsure: 8A? (0.95)"]
    change = plan(unsure, TagOptions(gain=True), tmp_path)
    assert isinstance(change, Change)
    assert change.new["REPLAYGAIN_TRACK_GAIN"] == ["-9.25 dB"]


@pytest.mark.parametrize(
    ("container", "frame"),
    [("mp3", "TKEY"), ("m4a", "----:com.apple.iTunes:initialkey"), ("flac", "initialkey"),
     ("wma", "WM/InitialKey")],
)  # fmt: skip
def test_the_key_is_where_players_look_for_it(tmp_path: Path, container: str, frame: str) -> None:
    path = write_audio(tmp_path / f"song.{container}")
    apply(planned(path, TagOptions(key="musical")))
    value = mutagen.File(path).tags[frame]
    first = value if container == "mp3" else value[0]
    assert (first.decode() if isinstance(first, bytes) else str(first)) == "Am"


def test_tempos_are_written_as_people_type_them() -> None:
    assert [rounded(bpm) for bpm in (127.49, 127.5, 128.5)] == [127, 128, 129]
    assert [exact(bpm) for bpm in (128.0, 127.96, 100.0, 87.49951)] == [
        "128",
        "127.96",
        "100",
        "87.5",
    ]


def test_a_tempo_that_is_left_out_beside_a_key_is_reported(tmp_path: Path) -> None:
    track = track_of(write_audio(tmp_path / "song.flac"), confidence=0.41)
    missed: list[str] = []
    change = plan(track, TagOptions(key="musical"), tmp_path, missed=missed.append)
    assert isinstance(change, Change) and "BPM" not in change.new
    assert missed == [f"tempo left out, unsure: {BPM:.2f} BPM (0.41)"]


def test_the_command_fails_where_a_file_could_not_be_read_and_lists_what_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dropgrid.commands.main import main
    from library_of_records import PATHS, write_results

    music = tmp_path / "music"
    music.mkdir()
    results = write_results(tmp_path / "results", music)
    good, broken = (write_audio(music / name) for name in PATHS[:2])
    broken.write_bytes(b"RIFF\0\0\0\0WAVE" + bytes(3))
    command = ["tag", "write", "--results", str(results), "--min-confidence", "0.98", "--gain"]
    for more in (["--dry-run"], []):
        assert main([*command, *more]) == 1
        plain_text = capsys.readouterr().err
        assert f"{PATHS[1]}: its tags cannot be read" in plain_text
        assert f"{PATHS[0]}: tempo left out, unsure: 128.00 BPM (0.97)" in plain_text
    assert "REPLAYGAIN_TRACK_GAIN" in mutagen.File(good).tags
    assert main([*command, "--library", str(music)]) == 1


def test_a_drop_is_rounded_to_its_second_not_cut() -> None:
    assert with_drops("", [14.9998, 59.5, 14.4998]) == "[drops 0:15 1:00 0:14]"


def test_the_users_comment_stays_and_dropgrids_is_renewed() -> None:
    assert with_drops("", [8.2, 61.0]) == "[drops 0:08 1:01]"
    assert with_drops("Nice [drops 0:08] tune", [600.0]) == "Nice tune [drops 10:00]"
    assert with_drops("Nice [drops 0:08]", []) == "Nice"


def test_id3_stays_in_its_version(tmp_path: Path) -> None:
    for version in (3, 4):
        path = write_audio(tmp_path / f"v{version}.mp3")
        tags = ID3()
        tags.add(TYER(encoding=0, text="1999"))
        tags.add(TPE1(encoding=1, text=["A", "B"]))
        tags.save(path, v2_version=version, v23_sep=None)
        apply(planned(path))
        after = ID3(path, translate=False)
        assert after.version[:2] == (2, version)
        assert (after["TYER"].text, after["TPE1"].text) == (["1999"], ["A", "B"])


def test_an_id3v1_tag_survives(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "old.mp3")
    tags = ID3()
    tags.add(TIT2(encoding=0, text="Old title"))
    tags.save(path, v1=2)
    with path.open("rb+") as stream:  # leave the ID3v1 tag alone, at the end
        data = stream.read()
        stream.seek(0)
        stream.write(data[data.index(b"\xff\xfb") :])
        stream.truncate()
    audio = decoded(path)
    apply(planned(path))
    assert path.read_bytes()[-128:].startswith(b"TAGOld title")
    assert read_tags(path).title == "Old title"
    assert decoded(path) == audio


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confidence": 0.89}, "confidence below 0.9"),
        ({"source": "metadata"}, "the tempo comes from the tag"),
        ({"bpm": None}, "no tempo was found"),
    ],
)
def test_tracks_are_left_alone_for_a_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    path = write_audio(tmp_path / "song.flac")
    track = track_of(path)
    assert track.bpm is not None
    record = dataclasses.replace(track.bpm, **changes)
    assert plan(Track(path, record, None), TagOptions(), tmp_path) == reason


def test_files_that_cannot_be_tagged_say_why(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no audio at all " * 99)
    assert "its tags cannot be read" in str(
        plan(track_of(tmp_path / "text.mp3"), TagOptions(), tmp_path)
    )
    (tmp_path / "raw.pcm").write_bytes(bytes(999))
    assert plan(track_of(tmp_path / "raw.pcm"), TagOptions(), tmp_path) == "its format has no tags"
    gone = plan(track_of(tmp_path / "gone.mp3"), TagOptions(), tmp_path)
    assert gone == "the file is not there, or may not be written"


def test_what_is_written_already_is_not_written_again(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.flac")
    apply(planned(path))
    assert plan(track_of(path), COMMENT, tmp_path) == "already tagged so"


def test_a_file_whose_tags_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.ogg")
    change = planned(path)
    tag_by_hand(path)
    before = path.read_bytes()
    with pytest.raises(TagError, match="have changed since"):
        apply(change)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["song.ogg"]


def test_a_file_whose_audio_would_change_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dropgrid.tagging import change as tagchange

    path = write_audio(tmp_path / "song.wav")
    change, before = planned(path), path.read_bytes()
    save = tagchange._save

    def damage(file: Any, **options: Any) -> None:
        save(file, **options)
        with Path(file.filename).open("rb+") as stream:
            stream.seek(2000)
            stream.write(b"\1\2\3\4")

    monkeypatch.setattr(tagchange, "_save", damage)
    with pytest.raises(TagError, match="its audio would not stay the same"):
        apply(change)
    assert path.read_bytes() == before


def test_mode_and_links_are_kept(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.flac")
    path.chmod(0o640)
    os.utime(path, (1, 1))
    link = tmp_path / "link.flac"
    link.symlink_to(path)
    apply(planned(link))
    assert link.is_symlink() and read_tags(path, include_own=True).bpm == BPM
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_mtime > 1


def test_the_track_need_not_be_analysed_again(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "song.flac")
    change = planned(path)
    ticket = tmp_path / "results" / "tracks" / f"{change.track}.json"
    ticket.parent.mkdir(parents=True)
    status = path.stat()
    before = Ticket(change.track, "song.flac", str(path), status.st_size, status.st_mtime_ns)
    ticket.write_bytes(ticket_json(before))
    os.utime(ticket, (1, 1))
    apply(change, results=tmp_path / "results")
    after = read_ticket(ticket)
    assert (after.size, after.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert after.mtime_ns != before.mtime_ns and ticket.stat().st_mtime == 1


def test_a_backup_keeps_what_was_there_before_the_first_time(tmp_path: Path) -> None:
    first = Change("t", "/a", False, {"BPM": None}, {"BPM": ["128"]})
    second = Change("t", "/a", True, {"BPM": ["128"]}, {"BPM": ["127"]})
    edited = Change("t", "/a", True, {"BPM": ["99"]}, {"BPM": ["128"]})
    path = tmp_path / "b.json"
    backup = Backup(path)
    backup.add(first)
    backup.add(second)
    written = [{"BPM": ["128"]}, {"BPM": ["127"]}]
    expected = {"/a": Entry("t", "/a", False, {"BPM": None}, written)}
    assert read_backup(path) == backup.entries == expected
    Backup(path).add(edited)
    assert read_backup(path)["/a"].old == {"BPM": ["99"]}
    write_backup(path, read_backup(path).values())
    assert read_backup(path)["/a"].old == {"BPM": ["99"]}
    write_backup(path, [])
    assert not path.exists()
