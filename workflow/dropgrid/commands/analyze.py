"""Analyse a few files, one after another, without Snakemake.

Writes OUTPUT/bpm/TRACK.json, OUTPUT/structure/TRACK.json and OUTPUT/key/TRACK.json, the same bytes
as the workflow.
A file that cannot be analysed gets error records; the exit code is then still 0.
For a library, use the workflow: it runs in parallel, resumes, and never repeats work.

example:
  dropgrid analyze song.flac other.mp3 --output results
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..records.model import ANALYSES, BpmRecord, KeyRecord, StructureRecord

HELP = "analyse a few files in this process"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an audio file")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where the records go"
    )
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder that track ids and paths are relative to "
        "(default: the deepest that holds all files)",
    )  # fmt: skip
    parser.add_argument("--config", type=Path, metavar="YAML", help="options, as for the workflow")
    parser.add_argument(
        "--ignore-metadata", action="store_true", help="never take the answer from a BPM tag"
    )
    parser.add_argument("--only", choices=ANALYSES, help="write these records alone")


def run(arguments: argparse.Namespace) -> int:
    from ..library import scan_files
    from ..records.store import write_record
    from ..settings.config import load_config
    from ..stages import analyse_track, prepare_key_network, prepare_network

    config = load_config(arguments.config)
    if arguments.ignore_metadata:
        config["ignore_metadata"] = True
    analyses = [arguments.only] if arguments.only else config["analyses"]
    output: Path = arguments.output
    network, key_network = output / "network.onnx", output / "key.onnx"
    for path, prepare, section in (
        (network, prepare_network, "bpm"),
        (key_network, prepare_key_network, "key"),
    ):
        warning = None if path.exists() else prepare(path, config[section]["method"])
        if warning:
            print(f"dropgrid analyze: {warning}", file=sys.stderr)
    for ticket in scan_files(arguments.files, arguments.library).tracks:
        records = analyse_track(ticket, network, key_network, config)
        for record in records:
            analysis = record.SCHEMA.rpartition("/")[2]
            if analysis in analyses:
                write_record(output / analysis / f"{ticket.track}.json", record)
        print(_describe(*records))
    return 0


def _describe(bpm: BpmRecord, structure: StructureRecord, key: KeyRecord) -> str:
    if bpm.error:
        return f"{bpm.path}: {bpm.error.stage}: {bpm.error.message}"
    tempo = "no steady tempo" if bpm.bpm is None else f"{bpm.bpm:.2f} BPM"
    tonality = "no key" if key.key is None else f"{key.key} ({key.camelot})"
    sections = " ".join(section.label for section in structure.sections)
    return f"{bpm.path}: {tempo} (confidence {bpm.confidence or 0:.2f}), {tonality}, {sections}"
