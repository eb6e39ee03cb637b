"""Analyse a few files, one after another, without Snakemake.

Writes OUTPUT/bpm/TRACK.json and OUTPUT/structure/TRACK.json, the same bytes as the workflow.
A file that cannot be analysed gets error records; the exit code is then still 0.
For a library, use the workflow: it runs in parallel, resumes, and never repeats work.

example:
  dropgrid analyze song.flac other.mp3 --output results
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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
    parser.add_argument("--only", choices=("bpm", "structure"), help="write these records alone")


def run(arguments: argparse.Namespace) -> int:
    from ..library import scan_files
    from ..records.store import write_record
    from ..settings.config import load_config
    from ..stages import analyse_track, prepare_network

    config = load_config(arguments.config)
    if arguments.ignore_metadata:
        config["ignore_metadata"] = True
    analyses = [arguments.only] if arguments.only else config["analyses"]
    output: Path = arguments.output
    network = output / "network.onnx"
    if not network.exists():
        warning = prepare_network(network, config["bpm"]["method"])
        if warning:
            print(f"dropgrid analyze: {warning}", file=sys.stderr)
    for ticket in scan_files(arguments.files, arguments.library).tracks:
        bpm, structure = analyse_track(ticket, network, config)
        if "bpm" in analyses:
            write_record(output / "bpm" / f"{ticket.track}.json", bpm)
        if "structure" in analyses:
            write_record(output / "structure" / f"{ticket.track}.json", structure)
        print(_describe(bpm, structure))
    return 0


def _describe(bpm: object, structure: object) -> str:
    from ..records.model import BpmRecord, StructureRecord

    assert isinstance(bpm, BpmRecord) and isinstance(structure, StructureRecord)
    if bpm.error:
        return f"{bpm.path}: {bpm.error.stage}: {bpm.error.message}"
    tempo = "no steady tempo" if bpm.bpm is None else f"{bpm.bpm:.2f} BPM"
    sections = " ".join(section.label for section in structure.sections)
    return f"{bpm.path}: {tempo} (confidence {bpm.confidence or 0:.2f}), {sections}"
