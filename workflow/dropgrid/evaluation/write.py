"""Writes an evaluation; computes everything first, so that an error leaves no partial output."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..results.output_guard import check_folder, check_output, is_own_output, write_output
from . import documents as tables
from . import systems_report as report
from .plots import KINDS, NAMES, plots
from .score import EvaluationOptions, Gathered
from .summary import markdown
from .systems import METRICS, Case
from .systems_plots import system_plots

TASKS = ("bpm", "beats", "structure", "key")
NAMES_OF_FILES = (
    *(f"{task}.{kind}" for task in TASKS for kind in ("json", "csv")),
    "downbeats.csv", "left_out.csv", "summary.md",
    *(f"{name}.{kind}" for name in NAMES for kind in KINDS),
)  # fmt: skip


def check_evaluation(folder: Path, references: Sequence[str], force: bool = False) -> None:
    """Raise ConfigError if a file that an evaluation writes or removes is not dropgrid's."""
    check_folder(folder)
    for name in NAMES_OF_FILES:
        check_output(folder / name, map(Path, references), force=force)


SYSTEMS = (
    "systems.json", "systems.md",
    *(f"systems_{task}.{kind}" for task in METRICS for kind in KINDS),
)  # fmt: skip


def write_systems(
    folder: Path, found: Sequence[Case], names: Sequence[str], seed: int, force: bool = False
) -> None:
    """Write the comparison of systems. Raises ConfigError, OSError."""
    for name in SYSTEMS:
        check_output(folder / name, force=force)
    values = report.document(found, names, seed)
    files = {
        "systems.json": tables.json_bytes(values),
        "systems.md": report.markdown(values).encode("utf-8", "backslashreplace"),
    }
    files |= system_plots(values)
    remove_systems(folder, files)
    for name, data in files.items():
        write_output(folder / name, data)


def remove_systems(folder: Path, keep: Collection[str] = ()) -> None:
    """Remove files of an earlier comparison that this one does not write."""
    for name in SYSTEMS:
        if name not in keep and is_own_output(folder / name):
            (folder / name).unlink(missing_ok=True)


def write_evaluation(folder: Path, gathered: Gathered, options: EvaluationOptions) -> None:
    """Write the documents, tables, summary and plots; remove plots that no longer apply."""
    documents = tables.documents(gathered, options)
    rows = gathered.rows
    files = {f"{task}.json": tables.json_bytes(values) for task, values in documents.items()}
    files |= {
        "bpm.csv": tables.rows_csv(rows.bpm),
        "beats.csv": tables.rows_csv(rows.beats),
        "downbeats.csv": tables.rows_csv(rows.downbeats),
        "structure.csv": tables.rows_csv(rows.structure),
        "key.csv": tables.rows_csv(rows.key),
        "left_out.csv": tables.left_out_csv(gathered),
        "summary.md": markdown(documents, gathered),
    }
    files |= plots(rows.bpm, documents)
    for plot in (f"{name}.{kind}" for name in NAMES for kind in KINDS):
        if plot not in files:
            (folder / plot).unlink(missing_ok=True)
    for name, data in files.items():
        write_output(folder / name, data)
