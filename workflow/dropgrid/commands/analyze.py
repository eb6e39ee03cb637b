"""Analyse a few files, one after another, without Snakemake.

Writes OUTPUT/bpm/TRACK.json, OUTPUT/structure/TRACK.json and OUTPUT/key/TRACK.json, the same bytes
as the workflow.
Each file is analysed in its own process, so that it cannot harm the others. A file that cannot be
analysed gets error records and is listed at the end; the exit code is then 1.
For a library, use the workflow: it runs in parallel, resumes, and never repeats work.

example:
  dropgrid analyze song.flac other.mp3 --output results
"""

from __future__ import annotations

import argparse
import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..base.text import fault, printable
from ..records.model import ANALYSES, TrackFailure
from ..records.ticket import Ticket
from .arguments import add_force, add_threads

HELP = "analyse a few files, one after another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an audio file")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where the records go"
    )
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder that track ids and paths are relative to "
        "(default: the deepest folder that contains all files)",
    )  # fmt: skip
    parser.add_argument("--config", type=Path, metavar="YAML", help="options, as for the workflow")
    parser.add_argument("--ignore-metadata", action="store_true", help="do not use BPM tags")
    parser.add_argument("--only", choices=ANALYSES, help="write only this record")
    parser.add_argument("--memory-mb", type=int, metavar="MB", help="memory limit per file")
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="time limit per file"
    )  # fmt: skip
    add_threads(parser)
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..library import scan_files
    from ..results.layout import Results
    from ..results.output_guard import check_folder, check_output
    from ..results.ownership import claim_new
    from ..settings.config import load_config
    from ..stages import preload
    from ..stages.networks import prepare_key_network, prepare_network

    config = load_config(arguments.config)
    if arguments.ignore_metadata:
        config["ignore_metadata"] = True
    analyses = [arguments.only] if arguments.only else config["analyses"]
    tickets = scan_files(arguments.files, arguments.library).tracks
    check_folder(arguments.output)
    files = Results(arguments.output)
    records = {
        ticket.track: {name: files.record(name, ticket.track) for name in analyses}
        for ticket in tickets
    }
    networks = files.network, files.key_network
    for path in (*networks, *(path for paths in records.values() for path in paths.values())):
        check_output(path, arguments.files, force=arguments.force)
    with suppress(OSError):  # a disk error is reported for each file
        claim_new(arguments.output)
    for path, prepare, section in zip(
        networks, (prepare_network, prepare_key_network), ("bpm", "key"), strict=True
    ):
        if not path.exists():
            prepare(path, config[section]["method"])
    preload.prepare(network=networks[0], key_network=networks[1], kept=False)
    gc.freeze()  # imported modules need no garbage collection
    failed: list[str] = []
    for ticket in tickets:
        code, line = _analyse(ticket, networks, config, records[ticket.track], arguments)
        if code > 1:  # interrupted, or no file could be analysed
            print(f"dropgrid analyze: {line}", file=sys.stderr)
            return code
        failed += [line] * code
        if not code:
            print(line, flush=True)
    for line in failed:
        print(f"dropgrid analyze: {line}", file=sys.stderr)
    return 1 if failed else 0


def _analyse(
    ticket: Ticket,
    networks: tuple[Path, Path],
    config: dict[str, Any],
    records: dict[str, Path],
    arguments: argparse.Namespace,
) -> tuple[int, str]:
    """Write a file's records in a separate process; return (exit code, message about the file)."""
    from ..jobs.policy import decide
    from ..jobs.process import supervised

    def work() -> None:
        from ..records.store import write_record
        from ..stages import analyse_track

        for record in analyse_track(ticket, *networks, config, arguments.threads):
            analysis = record.SCHEMA.rpartition("/")[2]
            if analysis in records:
                write_record(records[analysis], record)

    outcome = supervised(work, memory_mb=arguments.memory_mb, seconds=arguments.time_limit)
    decision = decide(outcome, last_attempt=True)
    failure = outcome.failure
    if failure is None:
        return (decision.exit_code, "interrupted") if outcome.signal else _described(records)
    line = f"{printable(ticket.path)}: {failure.stage}: {printable(failure.message)}"
    if not decision.record:
        return decision.exit_code, line
    try:
        _record_failure(ticket, failure, records)
    except OSError as error:
        return 1, f"{line} (cannot be recorded: {fault(error)})"
    return 1, line


def _record_failure(ticket: Ticket, failure: TrackFailure, records: dict[str, Path]) -> None:
    from ..records.store import write_record
    from ..results.library_reader import KINDS

    for name, path in records.items():
        write_record(path, KINDS[name](ticket.track, ticket.path, "error", error=failure))


def _described(records: dict[str, Path]) -> tuple[int, str]:
    """(1 if the file failed, a line with the results), from its records."""
    from ..records.passages import passages
    from ..results.library_reader import READERS

    found = {name: READERS[name](path) for name, path in records.items()}
    path = printable(next(iter(found.values())).path)
    for record in found.values():
        if record.error:
            return 1, f"{path}: {record.error.stage}: {printable(record.error.message)}"
    parts = []
    if bpm := found.get("bpm"):
        tempo = "no steady tempo" if bpm.bpm is None else f"{bpm.bpm:.2f} BPM"
        parts.append(f"{tempo} (confidence {bpm.confidence or 0:.2f})")
    if key := found.get("key"):
        parts.append("no key" if key.key is None else f"{key.key} ({key.camelot})")
    if structure := found.get("structure"):
        parts.append("; ".join(passage.text for passage in passages(structure.sections)))
    return 0, f"{path}: {', '.join(parts)}"
