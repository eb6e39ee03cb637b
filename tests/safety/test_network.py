"""Nothing that dropgrid does touches the network, and it writes only where it says.

Items C1 to C3 of the table in README.md beside this file.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from audio_containers import MORE_CONTAINERS, write_audio
from dropgrid.audio.ffmpeg import FFMPEG_ONLY
from dropgrid.audio.reader import Reader
from dropgrid.base.errors import DecodeError
from dropgrid.library import AUDIO_SUFFIXES
from dropgrid.tagging.change import audio_digest
from dropgrid.tagging.plan import TagError
from tracing import Trace, strace_works, trace

pytestmark = pytest.mark.alone

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 {}\r\nt=0 0\r\n"
    "m=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{}/a.ts\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile /etc/hostname\n"
ROOT = Path(__file__).resolve().parents[2]
TRACERS = ["strace", "audit"]


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
@pytest.mark.parametrize("text", [SDP, HLS, CONCAT], ids=["sdp", "hls", "concat"])
def test_a_list_of_addresses_that_is_named_as_music_is_refused_at_once(
    tmp_path: Path, suffix: str, text: str
) -> None:
    path = tmp_path / f"song{suffix}"
    path.write_text(text.format("239.1.2.3" if suffix == ".m4a" else "127.0.0.1", 50004))
    with pytest.raises(DecodeError, match=r"no audio in any known format|sample rate of 0 Hz"):
        list(Reader(path))
    with suppress(TagError):  # some it takes for raw audio, by the name
        audio_digest(path)


def test_such_a_list_opens_no_socket(tmp_path: Path) -> None:
    if not strace_works():
        pytest.skip("strace cannot trace here: sockets of a library cannot be seen")
    for suffix, address in ((".mp3", "127.0.0.1"), (".m4a", "239.1.2.3")):
        (tmp_path / f"song{suffix}").write_text(SDP.format(address, 50004))
    code = (
        "import sys; from pathlib import Path; from dropgrid.audio.reader import Reader\n"
        "from dropgrid.tagging.change import audio_digest\n"
        "for name in sys.argv[1:]:\n"
        "    for read in (lambda path: list(Reader(path)), audio_digest):\n"
        "        try: read(Path(name))\n"
        "        except Exception as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, *sorted(tmp_path.iterdir())]
    found = trace(command, tmp_path / "log", tmp_path, dict(os.environ), "strace")
    assert found.code == 0
    assert not found.sockets and not found.talks


def test_the_containers_that_ffmpeg_may_read_are_those_it_is_needed_for(tmp_path: Path) -> None:
    import av

    for kind in ("m4a", "wma", "mp3", "flac", "ogg", "opus", "wav", "aiff", *MORE_CONTAINERS):
        path = write_audio(tmp_path / f"a.{kind}")
        with path.open("rb") as stream, av.open(stream, options=FFMPEG_ONLY) as container:
            assert container.streams.audio
        assert len(audio_digest(path)) == 64
    with pytest.raises(av.FFmpegError):
        av.open(str(tmp_path / "a.m4a"), options=FFMPEG_ONLY)  # not even the protocol `file`


@pytest.mark.parametrize("by", TRACERS)
def test_the_tracer_sees_sockets_and_files(tmp_path: Path, by: str) -> None:
    if by == "strace" and not strace_works():
        pytest.skip("strace cannot trace here")
    code = (
        "import os, socket, subprocess, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 9))\n"
        "os.mkdir('made'); os.chdir('made'); open('file', 'w').close(); os.rename('file', 'b')\n"
        "subprocess.run([sys.executable, '-c', 'open(\"../child\", \"w\")'])\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    found = trace([sys.executable, "-c", code], tmp_path / "log", home, dict(os.environ), by)
    assert found.code == 0
    assert len(found.sockets) == 1 and len(found.talks) == 1
    names = {
        path.relative_to(home).as_posix() for path in found.outside() if path.is_relative_to(home)
    }
    assert names == {"made", "made/file", "made/b", "child"}


ANALYSE = """
import sys, time
from dropgrid.api import analyze
for name in sys.argv[1:]:
    assert analyze(name).ok
time.sleep(12)  # a library's telemetry once waited for ten seconds
assert analyze(sys.argv[1]).ok
"""


@pytest.fixture
def music(tmp_path: Path, songs: Path) -> Path:
    folder = tmp_path / "music"
    shutil.copytree(songs, folder)
    return folder


def environment_of(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A home and a temporary folder of their own, so that what is written there is seen."""
    for name in ("home", "tmp", "work"):
        (tmp_path / name).mkdir()
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "ORT_DISABLE_TELEMETRY"):
        environment.pop(name, None)
    return tmp_path / "work", environment


def tracer() -> str:
    """strace where it works; otherwise what Python itself can see, and a note of this."""
    if strace_works():
        return "strace"
    print("strace cannot trace here: only what Python does is seen, not what libraries do")
    return "audit"


@pytest.mark.slow
def test_analysis_opens_no_socket_and_writes_nothing_outside_also_after_a_while(
    tmp_path: Path, music: Path
) -> None:
    work, environment = environment_of(tmp_path)
    command = [sys.executable, "-c", ANALYSE, music / "house.flac", music / "other.ogg"]
    found: Trace = trace(command, tmp_path / "log", work, environment, tracer())
    assert found.code == 0
    assert found.sockets == [] and found.talks == []
    assert found.outside(tmp_path / "tmp") == []


@pytest.mark.slow
def test_a_run_of_the_workflow_talks_to_no_one_and_writes_only_where_it_says(
    tmp_path: Path, music: Path
) -> None:
    work, environment = environment_of(tmp_path)
    # Snakemake's plug-in for Slurm, when it is imported, asks the cluster what it is: by DNS,
    # where the programs are installed but no cluster is. That is not what is looked at here.
    scontrol = tmp_path / "no-slurm" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text("#!/bin/sh\nexit 1\n")
    scontrol.chmod(0o755)
    environment["PATH"] = f"{scontrol.parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores",
               "2", "--config", f"library={music}", f"results={tmp_path / 'results'}"]  # fmt: skip
    found = trace(command, tmp_path / "log", work, environment, tracer())
    assert found.code == 0
    assert found.talks == []
    # Snakemake's own: urllib3, when it is imported, asks whether there is IPv6 at all.
    assert len(found.sockets) <= 1 and not any("SOCK_DGRAM" in call for call in found.sockets)
    state = tmp_path / "home/.local/state/dropgrid"
    declared = (work / ".snakemake", tmp_path / "home/.cache/snakemake", state)
    above = {tmp_path / "home/.cache", state.parent, state.parent.parent, work}
    outside = found.outside(tmp_path / "results", tmp_path / "tmp", *declared)
    assert [path for path in outside if path not in above] == []
