"""Access to the workbench: only its user learns the address, and no one can block that user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest
from browser import find_browser, launch_browser
from open_workbench import Workbench, opened

# s for the head of a request, where the limit itself is tested. On a busy machine a head that is
# sent at once may take longer: what must be answered is tried again with more.
HEADS = (1.5, 10.0, 60.0)


@pytest.fixture(scope="module")
def results(tmp_path_factory, songs, dropgrid) -> Path:
    """A folder of results of one song."""
    folder = tmp_path_factory.mktemp("door")
    (folder / "music").mkdir()
    shutil.copy(songs / "other.ogg", folder / "music")
    done = dropgrid("run", folder / "music", "--results", folder / "results", "analysis")
    assert done.returncode == 0, done.stderr
    return folder / "results"


@pytest.fixture
def workbench(results) -> Iterator[Workbench]:
    with opened(results) as running:
        yield running


BROWSER = """#!/bin/sh
printf '%s\\n' "$@" > "{folder}/arguments"
touch "{folder}/called"
sleep 300
"""


@pytest.fixture
def with_a_browser(results, tmp_path) -> Iterator[tuple[Workbench, Path]]:
    """A workbench that opened a browser which returns when its window is closed, as some do."""
    program = tmp_path / "browser"
    program.write_text(BROWSER.format(folder=tmp_path))
    program.chmod(0o755)
    environment = {**os.environ, "BROWSER": str(program), "DISPLAY": ":9"}
    process = subprocess.Popen(
        [sys.executable, "-m", "dropgrid", "open", "--results", str(results)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    workbench = Workbench(process, process.stdout.readline().strip())
    try:
        while not (tmp_path / "called").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.02)
        yield workbench, tmp_path
    finally:
        workbench.end()
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            if str(program).encode() in _read(line):
                os.kill(int(line.parent.name), 9)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def command_lines() -> bytes:
    """What every user of this machine can read of its processes."""
    return b"\n".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_command_line_shows_the_address_and_the_browser_reads_it_from_a_private_file(
    with_a_browser,
):
    workbench, folder = with_a_browser
    [told] = (folder / "arguments").read_text().splitlines()
    assert told.startswith("file://") and workbench.token not in told
    assert workbench.token.encode() not in command_lines()
    page = Path(told.removeprefix("file://"))
    assert page.stat().st_mode & 0o777 == 0o600
    assert f'url={workbench.address}"' in page.read_text()
    # It is served while the browser's command has not returned, and ends all the same.
    assert workbench.json("api/library")["tracks"]
    workbench.end()
    assert not page.exists()


def test_what_a_killed_one_left_is_removed_and_a_file_of_the_users_is_not(results, with_a_browser):
    workbench, _ = with_a_browser
    mine = results / "corrections" / "workbench-mine.html"
    mine.write_text("<p>mine")
    workbench.process.kill()
    workbench.process.wait()
    left = set((results / "corrections").glob("workbench-*.html")) - {mine}
    assert len(left) == 1
    environment = {**os.environ, "BROWSER": "true", "DISPLAY": ":9"}
    command = [sys.executable, "-m", "dropgrid", "open", "--results", str(results)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    second = Workbench(process, process.stdout.readline().strip())
    try:
        assert second.json("api/library")["tracks"]
        assert not left & set((results / "corrections").glob("*.html")) and mine.exists()
    finally:
        second.end()
        mine.unlink()


def test_a_real_browser_gets_from_the_private_file_to_the_page(with_a_browser):
    if find_browser() is None:
        pytest.skip("no browser")
    workbench, folder = with_a_browser
    with launch_browser() as browser:
        page = browser.new_page()
        page.goto((folder / "arguments").read_text().strip())
        page.wait_for_url(workbench.address)
        page.wait_for_selector("text=other.ogg", timeout=300_000)


def test_only_a_tab_that_goes_to_the_page_itself_may_come_from_elsewhere(workbench):
    tab = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert workbench.ask("", **tab, Sec_Fetch_Dest="document")[0] == 200
    assert workbench.ask("", **tab, Sec_Fetch_Dest="iframe")[0] == 403
    assert workbench.ask("", **tab)[0] == 403
    assert workbench.ask("", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")[0] == 403
    for path in ("api/library", "api/corrections", "static/page.html", "/", f"/{'x' * 32}/"):
        assert workbench.ask(path, **tab, Sec_Fetch_Dest="document")[0] == 403, path


def connection(workbench: Workbench, said: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", workbench.port), timeout=600)
    if said:
        made.sendall(said)
    return made


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: "], ids=["nothing", "half"]
)
def test_connections_that_ask_for_nothing_do_not_keep_the_owner_out(workbench, said):
    held = [connection(workbench, said) for _ in range(400)]
    try:
        for _ in range(5):
            assert workbench.json("api/library")["tracks"]
    finally:
        for each in held:
            each.close()


def hasty(results: Path, head: float) -> AbstractContextManager[Workbench]:
    """A workbench that waits for a request no longer than `head`, for news for twice as long."""
    return opened(results, limits=(head, 2 * head), wait=False)


def test_a_request_whose_head_does_not_end_is_ended(results):
    """However often it sends another byte, and not before its time."""
    with hasty(results, HEADS[0]) as workbench:
        began = time.monotonic()
        with connection(workbench, b"GET / HTTP/1.1\r\n") as slow, pytest.raises(OSError):
            while True:
                slow.sendall(b"X")
                time.sleep(0.05)
        assert time.monotonic() - began >= HEADS[0]


def news_twice(workbench: Workbench) -> bool:
    """Whether news that do not come are waited for twice on one connection, and answered."""
    ask = (
        f"GET /{workbench.token}/api/changes?since=1000 HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{workbench.port}\r\n\r\n"
    )
    with connection(workbench) as made, made.makefile("rb") as answers:
        for _ in range(2):
            with suppress(OSError):  # of a connection that was ended
                made.sendall(ask.encode())
            if not answers.readline().startswith(b"HTTP/1.1 200"):
                return False
            length = 0
            while (line := answers.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            answers.read(length)
    return True


def test_a_page_that_waits_for_news_is_not_ended(results):
    """An answer may take any time, and the connection is used again."""
    for head in HEADS:
        with hasty(results, head) as workbench:
            if news_twice(workbench):
                return
    raise AssertionError("ended, however long a request may take")
