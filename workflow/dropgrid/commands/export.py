"""Export finished records to DJ software, research tools and players.

Failed tracks are left out and counted on stderr. What is written is the same for the same
records, and each file appears whole or not at all.

examples:
  dropgrid export --list
  dropgrid export rekordbox --results results --output collection.xml --bpm-ranges 120 128 136
  dropgrid export traktor --results results --output dropgrid.nml --cues drops
  dropgrid export jams --results results --output annotations/
  dropgrid export audacity --results results --output labels/ --delay-profile ffmpeg
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from ..audio.mp3 import INFERRED, LAGS
from ..base.text import counted
from ..export.options import NML_VERSIONS
from ..key.notation import NOTATIONS
from ..player_formats.engine_schema import NEWEST, SCHEMAS
from .arguments import add_cues, add_force, add_results

HELP = "write records in the formats of DJ software, DAWs and research tools"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("format", metavar="FORMAT", nargs="?", help="a format: see --list")
    parser.add_argument("--list", action="store_true", help="list the formats")
    add_results(parser)
    parser.add_argument("--output", type=Path, metavar="PATH",
                        help="a file, or a folder for formats with a file per track")  # fmt: skip
    parser.add_argument(
        "--library", type=Path, metavar="DIR",
        help="the folder of the audio, if it has moved since the analysis",
    )  # fmt: skip
    parser.add_argument(
        "--delay-profile", choices=tuple(LAGS),
        help="shift the times of MP3s to this player's sample 0 (default: that of the program "
        f"the format is for, else that of the analysis; inferred, not measured: {_inferred()})",
    )  # fmt: skip
    parser.add_argument("--min-confidence", type=float, default=0.0, metavar="X",
                        help="leave out tracks below this confidence (default: 0)")  # fmt: skip
    parser.add_argument(
        "--bpm-ranges", type=float, nargs="+", default=[], metavar="EDGE",
        help="edges of BPM ranges, one playlist per range (rekordbox, traktor, m3u8, "
        "serato-crates, usb, engine)",
    )  # fmt: skip
    parser.add_argument(
        "--by-key",
        action="store_true",
        help="one playlist per key (rekordbox, traktor, m3u8, serato-crates, usb, engine)",
    )
    parser.add_argument(
        "--key-notation", choices=NOTATIONS, default="musical",
        help="write keys as Am, 8A, 1m or 'A minor' (rekordbox, traktor, virtualdj, usb; "
        "default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--nml-version", type=int, choices=NML_VERSIONS, default=19,
        help="19: Traktor 2 and 3, one grid marker per track; 20: Traktor 4, one per tempo",
    )  # fmt: skip
    parser.add_argument(
        "--engine-schema", choices=tuple(SCHEMAS), default=NEWEST,
        help="version of a new Engine database (engine; default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--comment", default="{comment}", metavar="TEMPLATE",
        help="the comment that players show, such as '{comment} {camelot} E{energy} out "
        "{mix_out}' (rekordbox, traktor, virtualdj, usb, engine; default: the file's own)",
    )  # fmt: skip
    parser.add_argument(
        "--playlists", nargs="+", default=[], metavar="FILE",
        help="playlists of your own: M3U8 as the page and `dropgrid set` save them, or CSV "
        "(rekordbox, traktor, serato-crates, usb, engine)",
    )  # fmt: skip
    parser.add_argument(
        "--set", metavar="FILE.json",
        help="a set that `dropgrid set --output FILE.json` wrote: a playlist, and cues where each "
        "of its tracks enters and leaves the mix (all formats with cues)",
    )  # fmt: skip
    parser.add_argument(
        "--collection", metavar="FILE.xml",
        help="rekordbox's own XML: a playlist of the tracks that an import would not update, to "
        "remove from the collection first (rekordbox)",
    )  # fmt: skip
    parser.add_argument(
        "--merge", metavar="DATABASE.xml",
        help="VirtualDJ's database.xml: the output is a copy of it with dropgrid's grids and "
        "cues; your own cues stay (virtualdj)",
    )  # fmt: skip
    parser.add_argument(
        "--transcode", action="store_true",
        help="convert FLAC, ALAC, Ogg, Opus and what else old players do not play to AIFF (usb)",
    )  # fmt: skip
    parser.add_argument(
        "--relative", action="store_true",
        help="paths relative to the library's root; put the list there (m3u8)",
    )  # fmt: skip
    add_cues(parser, "rekordbox, traktor, serato, virtualdj, usb, engine")
    parser.add_argument("--verify", action="store_true", help="check a stick (usb, engine)")
    add_force(parser)
    parser.add_argument(
        "--replace", dest="force", action="store_true",
        help="replace a database that another program wrote or a player changed (usb, engine)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import ConfigError
    from ..base.text import printable
    from ..export import export, formats
    from ..export.options import ExportOptions
    from ..settings.options import build_options

    if arguments.list:
        for name, form in formats().items():
            print(f"{name:17s} {form.HELP}{_sample_0(getattr(form, 'PLAYER', None))}")
        return 0
    if arguments.format is None or arguments.output is None:
        raise ConfigError("give a FORMAT and --output PATH; --list names the formats")
    if arguments.verify:
        return _verify(arguments.format, arguments.output)
    names = (field.name for field in dataclasses.fields(ExportOptions))
    values = {name: getattr(arguments, name) for name in names}
    options = build_options(ExportOptions, values, "export")
    remarks: list[str] = []
    try:
        written, left_out = export(
            arguments.format, arguments.results, arguments.output, options, arguments.library,
            arguments.force, _say_how_far, remarks.append,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"--output {arguments.output}: {error.strerror}") from error
    print(f"{arguments.output}: {counted(written, 'track')}")
    for reason, count in left_out.items():
        print(f"dropgrid export: {counted(count, 'track')} left out: {reason}", file=sys.stderr)
    for line in remarks:
        print(f"dropgrid export: {printable(line)}", file=sys.stderr)
    return 0


def _verify(name: str, output: Path) -> int:
    """Check the files of an earlier export; return 1 if any is missing or damaged."""
    from ..base.errors import ConfigError
    from ..base.text import printable
    from ..export import format_of

    form = format_of(name)
    if not hasattr(form, "verify"):
        raise ConfigError(f"--verify: not for {name}")
    wrong = form.verify(output)
    for line in wrong:
        print(printable(line), file=sys.stderr)
    reason = f"{counted(len(wrong), 'file')} wrong" if wrong else "all files are there"
    print(f"{output}: {reason}")
    return 1 if wrong else 0


def _sample_0(player: str | None) -> str:
    """The player whose time an export of MP3s uses, and whether it is inferred; "" if none."""
    if player is None:
        return ""
    return f"; MP3s in {player}'s time{', inferred' if player in INFERRED else ''}"


def _inferred() -> str:
    return ", ".join(INFERRED)


def _say_how_far(count: int) -> None:
    print(f"dropgrid export: {count} tracks read", file=sys.stderr)
