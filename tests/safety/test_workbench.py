"""The workbench's server answers its own page alone, and serves nothing but its library."""

from __future__ import annotations

import http.server
import json
import os
import random
import signal
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest
from browser import find_browser, launch_browser
from dropgrid.base.json_documents import json_lines
from dropgrid.library import track_id
from dropgrid.report.workbench.guard import HEADERS
from dropgrid.results.layout import Results
from open_workbench import opened, start
from workbench_of_a_song import ONE, SECRET, SONG, TRACK, stated


def test_only_its_own_host_is_answered(workbench):
    port = workbench.port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}",
                 f"127.0.0.1:{port}.evil.example", f"0.0.0.0:{port}", "[::1]",
                 "x" * 2000):  # fmt: skip
        assert workbench.ask("api/library", Host=host)[0] == 403, host
    assert workbench.ask("api/library", Host="")[0] == 400
    assert workbench.ask("api/library", Host=f"localhost:{port}")[0] == 200


def test_without_the_token_there_is_nothing(workbench):
    token = workbench.token
    for path in ("/", "/api/library", f"/{token[:-1]}/api/library", f"/{token}x/api/library",
                 f"/x/{token}/api/library", f"//{token}/api/library", f"/{token.swapcase()}/",
                 "/favicon.ico", f"/%2e/{token}/api/library", f"/?/{token}/"):  # fmt: skip
        status, _, body = workbench.ask(path)
        assert status == 404, path
        assert token.encode() not in body


def test_pages_of_other_origins_are_refused(workbench, folder):
    body = {"edits": [{"op": "half"}]}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"},
                    {"Origin": f"http://127.0.0.1:{workbench.port + 1}"},
                    {"Origin": f"https://127.0.0.1:{workbench.port}"},
                    {"Sec_Fetch_Site": "cross-site"},
                    {"Sec_Fetch_Site": "same-site"}):  # fmt: skip
        assert workbench.ask(f"{ONE}/edit", body, **headers)[0] == 403, headers
        assert workbench.ask("api/library", **headers)[0] == 403, headers
    assert workbench.ask(f"{ONE}/edit", method="OPTIONS")[0] == 405
    assert stated(folder) == {}
    own = {"Origin": f"http://127.0.0.1:{workbench.port}", "Sec_Fetch_Site": "same-origin"}
    assert workbench.ask(f"{ONE}/edit", body, **own)[0] == 200
    assert stated(folder)[SONG].bpm == 63.0


def test_every_answer_forbids_what_it_can(workbench):
    paths = ("", "static/index.html", "api/library", f"{ONE}/audio", "nothing", "/elsewhere",
             f"{ONE}/peaks")  # fmt: skip
    answers = [workbench.ask(path) for path in paths]
    answers += [workbench.ask("api/library", Host="x"), workbench.ask(f"{ONE}/edit", b"{")]
    for status, headers, _ in answers:
        for name, value in HEADERS.items():
            assert headers[name] == value, (status, name)
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy


def test_what_changes_anything_is_json_of_a_bounded_size(workbench, folder):
    edit = f"{ONE}/edit"
    good = b'{"edits": [{"op": "half"}]}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert workbench.ask(edit, good, Content_Type=kind)[0] == 415, kind
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"[" * 200_000, b'{"edits": NaN}', b"\xff\xfe",
                 b"{}", b'{"edits": []}', b'{"edits": {}}', b'{"edits": [1]}', b'{"edits": [{}]}',
                 b'{"edits": [{"op": "bpm", "bpm": 1e999}]}',
                 b'{"edits": [{"op": "half"}], "revision": "x"}'):  # fmt: skip
        status, _, data = workbench.ask(edit, body)
        assert status == 400, (body[:40], status)
        assert "\n" not in json.loads(data)["error"]
    assert workbench.ask(edit, good, Content_Length=str(2**20 + 1))[0] == 413
    assert workbench.ask(edit, good, Content_Length="-1")[0] in (400, 413)
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        assert workbench.ask(edit, good, method=method)[0] == 405
    assert workbench.ask(edit)[0] == 405
    assert stated(folder) == {}


def test_a_body_without_a_length_ends_at_the_same_bound(workbench, folder):
    with socket.create_connection(("127.0.0.1", workbench.port), timeout=200) as connection:
        head = (
            f"POST /{workbench.token}/{ONE}/edit HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{workbench.port}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())
        sent = 0
        try:
            while sent < 64 * 2**20:
                connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
                connection.setblocking(False)
                try:
                    if answer := connection.recv(100):
                        break
                except BlockingIOError:
                    answer = b""
                finally:
                    connection.setblocking(True)
        except OSError:  # closed by the other side
            answer = b"HTTP/1.1 413"
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 8 * 2**20
    assert workbench.json("api/library")["tracks"]


def test_no_path_leads_out_of_what_is_served(workbench):
    words = ["..", "%2e%2e", "%252e%252e", ".%2e", "%2f", "%5c", "\\", "", ".", "%00", "~", "api",
             "static", "tracks", TRACK, "audio", "secret.txt", "music", "results", "etc", "passwd",
             "index.html", "waveform?columns=1", "C:", "%c0%ae", "corrections.json", "audio.wav",
             "..;", "page.html%00.js", ".dropgrid"]  # fmt: skip
    generator = random.Random(1)
    known = {"", "static/index.html", "static/page.html", "api/library", "api/corrections", ONE,
             f"{ONE}/audio", f"{ONE}/audio.wav", f"{ONE}/waveform?columns=1"}  # fmt: skip
    answered = set()
    for _ in range(1500):
        path = "/".join(generator.choices(words, k=generator.randint(1, 6)))
        if generator.random() < 0.5:
            path = generator.choice(["static/", f"{ONE}/", "api/tracks/", "api/"]) + path
        status, _, body = workbench.ask(f"/{workbench.token}/{path}")
        assert SECRET not in body and b"root:" not in body, path
        if status == 200:
            answered.add(path)
        else:
            assert status in (400, 404, 405), (status, path)
    assert answered <= known, answered - known


def test_audio_comes_whole_in_ranges_and_not_beyond(workbench, analysed):
    song = (analysed / "music" / SONG).read_bytes()
    status, headers, body = workbench.ask(f"{ONE}/audio")
    assert (status, body, headers["content-type"]) == (200, song, "audio/flac")
    for said, first, last in (
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
    ):
        status, headers, body = workbench.ask(f"{ONE}/audio", Range=said)
        assert (status, body) == (206, song[first:last])
        assert headers["content-range"].endswith(f"/{len(song)}")
    assert workbench.ask(f"{ONE}/audio", Range=f"bytes={len(song)}-")[0] == 416
    many = "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 40_000, 2))
    assert workbench.ask(f"{ONE}/audio", Range=many[:12_000])[0] in (200, 206, 400, 416, 431)
    assert workbench.ask(f"{ONE}/audio", Range="bytes=x")[0] in (200, 400, 416)
    status, headers, body = workbench.ask(f"{ONE}/audio.wav", Range="bytes=0-43")
    assert (status, body[:4], headers["content-type"]) == (206, b"RIFF", "audio/wav")


@pytest.mark.parametrize("way", ["file", "link", "ending"])
def test_a_forged_ticket_gets_no_file_that_is_not_music(folder, way):
    """A results folder may come from anybody."""
    target = folder / "secret.txt"
    named = folder / "here" / SONG
    named.parent.mkdir()
    if way == "link":
        named.symlink_to(target)
    elif way == "ending":
        named = target
    else:
        named = Path("/etc/passwd")
    ticket = Results(folder / "results").ticket(TRACK)
    values = {**json.loads(ticket.read_text()), "file": str(named)}
    values["path"] = SONG if way == "link" else named.name
    ticket.write_text(json.dumps(values))
    with opened(folder / "results") as workbench:
        for path in ("audio", "audio.wav", "peaks?start=0&end=1&columns=10"):
            status, _, body = workbench.ask(f"{ONE}/{path}")
            assert status in (404, 415), (path, status)
            assert SECRET not in body and b"root:" not in body


def test_a_file_that_is_not_audio_does_not_bring_it_down(folder):
    music = folder / "here"
    music.mkdir()
    (music / SONG).write_bytes(random.Random(3).randbytes(100_000))
    with opened(folder / "results", "--library", str(music)) as workbench:
        status, _, body = workbench.ask(f"{ONE}/audio.wav")
        assert status == 415
        assert str(folder) not in json.loads(body)["error"]
        assert workbench.json("api/library")["tracks"]


def test_a_second_workbench_gets_the_address_of_the_first(folder, workbench):
    second = start(folder / "results")
    _, said = second.communicate(timeout=200)
    assert second.returncode == 2
    assert workbench.address in said and len(said.splitlines()) == 1
    lock = folder / "results" / "corrections" / "workbench.lock"
    assert lock.stat().st_mode & 0o077 == 0  # the address is a secret
    workbench.end(signal.SIGKILL)
    with opened(folder / "results") as other:
        assert other.json("api/library")["tracks"]


def test_a_large_library_is_served_before_all_of_it_is_read(folder):
    results = Results(folder / "results")
    scan = json.loads(results.scan.read_text())
    for n in range(800):
        path = f"copy {n}.flac"
        track = track_id(path)
        scan["tracks"].append(track)
        for kind in ("tracks", "bpm", "structure", "key"):
            values = json.loads((results.folder / kind / f"{TRACK}.json").read_text())
            copy = {**values, "track": track, "path": path}
            if kind == "bpm" and n < 799:  # not the same music
                _, parts = values["fingerprint"].split("-")
                copy["fingerprint"] = f"{100_000 + 100 * n}-{parts}"
            if kind == "tracks":
                copy["file"] = str(Path(values["file"]).with_name(path))
            (results.folder / kind / f"{track}.json").write_bytes(json_lines(copy))
        os.link(results.features(TRACK), results.features(track))
    results.scan.write_bytes(json_lines(scan))
    last = scan["tracks"][-1]
    with opened(folder / "results", wait=False) as workbench:
        first = workbench.json("api/library")
        assert len(first["tracks"]) == 801 and first["unread"] > 0
        # Requests and changes in the meantime are served at once, and stay.
        assert workbench.json(f"api/tracks/{last}")["bpm"]["bpm"] == 126.0
        assert workbench.edit(last, {"op": "half"})["row"]["bpm"] == 63.0
        rows = {row["id"]: row for row in first["tracks"]}
        since, unread = first["revision"], first["unread"]
        while unread:
            news = workbench.json(f"api/changes?since={since}")
            assert news["unread"] <= unread and news["revision"] > since, (news, since)
            since, unread = news["revision"], news["unread"]
            rows |= {row["id"]: row for row in news["tracks"]}
        workbench.settled(last)
        assert workbench.json("api/library")["unread"] == 0
    tempi = [row.get("bpm") for track, row in rows.items() if track not in (last, TRACK)]
    assert len(tempi) == 799 and set(tempi) == {126.0}
    assert rows[last]["bpm"] == 63.0 and rows[last]["path"] == "copy 799.flac"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_at_once_and_quietly_though_a_page_waits(folder, number):
    """For an hour, far longer than this test waits for the end."""
    with opened(folder / "results", limits=(3600, 3600)) as workbench:
        ask = workbench.ask
        threading.Thread(target=lambda: ask("api/changes?since=1000"), daemon=True).start()
        server = psutil.Process(workbench.process.pid)
        while not [c for c in server.net_connections() if c.status == psutil.CONN_ESTABLISHED]:
            time.sleep(0.01)
        assert workbench.end(number) in (0, 130, -number)
        assert workbench.process.stderr.read() == ""


@pytest.fixture(scope="module")
def browser():
    if find_browser() is None:
        pytest.skip("no browser")
    with launch_browser() as running:
        yield running


ATTACK = """async ([address, track]) => {
  const said = {};
  const attempt = async (name, work) => {
    try { said[name] = await work(); } catch (error) { said[name] = "refused"; }
  };
  const edit = `${address}api/tracks/${track}/edit`;
  const body = JSON.stringify({edits: [{op: "half"}]});
  await attempt("read", async () => (await (await fetch(`${address}api/library`)).text()).length);
  await attempt("write", async () => (await fetch(edit, {method: "POST", body,
    headers: {"Content-Type": "application/json"}})).status);
  await attempt("plain", async () => {
    await fetch(edit, {method: "POST", mode: "no-cors", body}); return "sent"; });
  await attempt("beacon", async () => String(navigator.sendBeacon(edit, body)));
  await attempt("image", () => new Promise((yes, no) => {
    const image = new Image(); image.onload = () => yes("loaded"); image.onerror = no;
    image.src = `${address}api/library`; }));
  await attempt("script", () => new Promise((yes, no) => {
    const script = document.createElement("script"); script.onload = () => yes("loaded");
    script.onerror = no; script.src = `${address}static/workbench.js`;
    document.head.append(script); }));
  await attempt("audio", () => new Promise((yes, no) => {
    const audio = new Audio(`${address}api/tracks/${track}/audio`);
    audio.oncanplay = () => yes("plays"); audio.onerror = no; }));
  const frame = document.createElement("iframe"); frame.src = address;
  document.body.append(frame);
  const form = document.createElement("form"); form.method = "post"; form.action = edit;
  form.enctype = "text/plain"; form.target = "away";
  const field = document.createElement("input"); field.name = body; form.append(field);
  const away = document.createElement("iframe"); away.name = "away";
  document.body.append(away, form); form.submit();
  await new Promise((done) => setTimeout(done, 500));
  return said;
}"""


def test_a_page_of_another_origin_neither_reads_nor_writes_though_it_knows_the_token(
    browser, workbench, folder, tmp_path
):
    (tmp_path / "evil.html").write_text("<!doctype html><title>evil</title><body></body>")
    handler = http.server.SimpleHTTPRequestHandler
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = browser.new_page()
        page.goto(f"http://localhost:{server.server_address[1]}/evil.html")
        said = page.evaluate(ATTACK, [workbench.address, TRACK])
        page.close()
    finally:
        server.shutdown()
        server.server_close()
    assert {said[name] for name in ("read", "write", "image", "script", "audio")} == {"refused"}
    assert stated(folder) == {}


def test_a_name_that_is_made_to_point_here_is_refused(workbench):
    """DNS rebinding: the page's own origin becomes this server, by its Host it is known."""
    for path in ("", "api/library", f"{ONE}"):
        own = f"evil.example:{workbench.port}"
        status, _, body = workbench.ask(path, Host=own, Origin=f"http://{own}",
                                        Sec_Fetch_Site="same-origin")  # fmt: skip
        assert status == 403 and b"tracks" not in body
