"""Names that break tables, run as formulas, or look like others: every reader has the same rows.

Item E3 of forged.md beside this file.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from dropgrid.base.csv_tables import as_cell, csv_bytes, from_cell, read_csv
from dropgrid.base.text import decodable, encodable
from dropgrid.commands.main import main
from dropgrid.evaluation.documents import rows_csv
from dropgrid.library import scan
from hypothesis import given
from hypothesis import strategies as st
from library_of_records import PATHS, write_results

NAMES = [
    "b\rad.ogg", "a\nb.ogg", "a\r\nb.ogg", "\rlead.ogg", 'q"uote,.ogg', "=1+1", "+1", "-1", "-a",
    "@SUM(A1)", "\t=1", "'=1", "''-x", "'tis.ogg", "caf\udce9.ogg", "\\udce9", "\\\\udce9",
    "\\\udcff", "AC\\DC", "-7.5", "1e5", "", " ", "\\ud", "é",
]  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [[i, name, None, -1.5] for i, name in enumerate(NAMES)]
    (tmp_path / "t.csv").write_bytes(csv_bytes(("n", "name", "none", "x"), rows))
    return tmp_path / "t.csv"


def test_python_and_pandas_read_the_rows_that_were_written(table):
    with table.open(newline="", encoding="utf-8") as stream:
        python = [row["name"] for row in csv.DictReader(stream)]
    frame = pd.read_csv(table, keep_default_na=False, dtype={"name": str})
    assert python == list(frame["name"]) == [as_cell(name) for name in NAMES]
    assert list(frame["n"]) == list(range(len(NAMES))) and set(frame["x"]) == {-1.5}


def test_dropgrid_reads_back_what_it_wrote(table):
    assert [row["name"] for row in read_csv(table)] == NAMES
    assert {row["none"] for row in read_csv(table)} == {""}


@given(st.text(st.characters() | st.sampled_from("\\ud89cef'=-+@\r\n\t\udcff\udce9")))
def test_any_text_comes_back(text):
    assert from_cell(as_cell(text)) == text
    assert decodable(encodable(text)) == text
    encodable(text).encode()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_a_formula(name):
    cell = as_cell(name)
    if cell[:1] in tuple("=+-@\t\r"):
        float(cell)  # a number, and no formula


def test_a_byte_and_what_is_spelt_like_it_are_two_names():
    assert len({as_cell(name) for name in NAMES}) == len(NAMES)


@pytest.mark.skipif(shutil.which("libreoffice") is None, reason="no LibreOffice here")
def test_libreoffice_reads_the_same_rows(table, tmp_path):
    command = ["libreoffice", "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(table)], check=True, timeout=600)
    assert len(pd.read_excel(tmp_path / "t.xlsx")) == len(NAMES)


def test_the_library_table_its_export_and_the_failures_keep_such_names(tmp_path, capsys):
    results = write_results(tmp_path / "results")
    for kind in ("bpm", "structure", "tracks"):
        for file in (results / kind).iterdir():
            text = file.read_text().replace(PATHS[0], "=b\\rad\\udce9.flac")
            file.write_text(text.replace(PATHS[2], "@c\\rut.flac"))
    assert main(["table", str(results)]) == 0
    output = tmp_path / "t.csv"
    assert main(["export", "csv", "--results", str(results), "--output", str(output)]) == 0
    name = "=b\rad\udce9.flac"
    for path, rows in ((results / "library.csv", 4), (output, 3)):
        assert len(pd.read_csv(path)) == rows
        assert [row["path"] for row in read_csv(path)].count(name) == 1
    assert [row["path"] for row in read_csv(results / "failures.csv")] == ["@c\rut.flac"]
    assert main(["check", str(results / "failures.csv")]) == 1
    assert "\n@c\\rut.flac: decode: " in capsys.readouterr().err
    assert (results / "library.csv").read_bytes().count(b"\r") == 2  # the two names, quoted


def test_the_library_table_is_a_list_of_the_same_files(tmp_path):
    name = "-it's =1\r\udcff.wav"
    (tmp_path / name).write_bytes(b"")
    rows = [["x-01234567", name, "ok"]]
    (tmp_path / "library.csv").write_bytes(csv_bytes(("track", "path", "status"), rows))
    assert [track.path for track in scan(str(tmp_path / "library.csv")).tracks] == [name]


def test_the_tables_of_an_evaluation_keep_such_names():
    row = {"track": "x", "path": "=a\rb", "genre": "-", "reference": "", "system": "dropgrid"}
    assert rows_csv([row]).endswith(b"x,\"'=a\rb\",'-,,dropgrid,,\n")
