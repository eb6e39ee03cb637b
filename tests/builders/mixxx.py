"""A real Mixxx, without a window: it scans a folder of music, and tests read its database.

Mixxx is no part of the environment: `apt-get install --no-install-recommends mixxx
libqt5sql5-sqlite` installs it; without it the tests that need it are skipped.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

INSTALL = "apt-get install --no-install-recommends mixxx libqt5sql5-sqlite"
# It makes its tables version by version; the next start continues where the last one ended.
READY = "select 1 from sqlite_master where name = 'directories'"
SCANNED = "select 1 from library limit 1"
PATIENCE = 300  # seconds
SETTLED = 30  # seconds until scanned tracks are in the database, on a busy machine
STARTS = 3  # a start that was ended while it made tables may have lost the folder
TRACK = """
    select t.location, samplerate, bpm, beats_version, beats, bpm_lock, key, replaygain, l.id
    from library l join track_locations t on l.location = t.id
"""


def found() -> str | None:
    """The program, None if it is not installed."""
    return shutil.which("mixxx")


def scan(music: Path, home: Path) -> Path:
    """Let Mixxx scan a folder with new settings below home; return its database."""
    settings = home / "settings"
    settings.mkdir(parents=True)
    (settings / "mixxx.cfg").write_text(
        "\n[Config]\nVersion 2.3.3\n\n[Library]\nRescanOnStartup 1\n"
    )
    database = settings / "mixxxdb.sqlite"
    _run(settings, home, lambda _: bool(_asked(database, READY)))  # it makes its tables
    for _ in range(STARTS):
        connection = sqlite3.connect(database)
        connection.execute("insert or ignore into directories values (?)", (str(music),))
        connection.commit()
        connection.close()
        _run(settings, home, lambda log: "Scan took" in log.read_text(errors="replace"), database)
        if _asked(database, SCANNED):
            break
    return database


def rows(database: Path) -> dict[str, dict]:
    """The row of each file in the database, by file name."""
    connection = sqlite3.connect(database)
    names = [line.split()[-1] for line in TRACK.split("from")[0].split("select")[1].split(",")]
    tracks = {}
    for row in connection.execute(TRACK):
        values = dict(zip([name.split(".")[-1] for name in names], row, strict=True))
        values["cues"] = connection.execute(
            "select type, position, length, hotcue, label, color from cues where track_id = ?"
            " order by hotcue", (values["id"],),
        ).fetchall()  # fmt: skip
        tracks[Path(values["location"]).name] = values
    connection.close()
    return tracks


def _run(settings: Path, home: Path, is_done, database: Path | None = None) -> None:
    """Run Mixxx until it is done and the scanned tracks are in the database, then end it."""
    log = home / "log"
    environment = {**os.environ, "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = ["mixxx", "--settingsPath", f"{settings}/", "--safeMode", "--logLevel", "debug"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            end = time.monotonic() + PATIENCE
            while not is_done(log):
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                assert time.monotonic() < end, f"Mixxx is not done after {PATIENCE} s"
                time.sleep(0.1)
            end = time.monotonic() + SETTLED
            while database and not _asked(database, SCANNED) and time.monotonic() < end:
                time.sleep(0.1)
            time.sleep(0.5)
        finally:
            process.kill()
            process.wait()


def _asked(database: Path, question: str) -> list:
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return []
