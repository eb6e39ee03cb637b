"""Export finished records to DJ software, research tools and players.

Failed tracks are left out and counted on stderr. What is written is the same for the same
records, and each file appears whole or not at all.

examples:
  dropgrid export rekordbox --results results --output collection.xml --bpm-ranges 120 128 136
  dropgrid export jams --results results --output annotations/
  dropgrid export audacity --results results --output labels/ --delay-profile ffmpeg
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..key.notation import NOTATIONS
from .arguments import add_force

HELP = "write records as rekordbox XML, JAMS, .beats, .lab, labels, playlists, tables"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "format", metavar="FORMAT",
        help="rekordbox, jams, beats, lab, audacity, sonic-visualiser, m3u8, csv or parquet",
    )  # fmt: skip
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="the folder of results (default: results)")  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, metavar="PATH",
                        help="a file, or a folder for formats with a file per track")  # fmt: skip
    parser.add_argument("--library", type=Path, metavar="DIR",
                        help="the audio's folder, if it has moved since the analysis")  # fmt: skip
    parser.add_argument(
        "--delay-profile", choices=("libsndfile", "ffmpeg", "rekordbox"),
        help="shift the times of MP3s to this player's sample 0 (default: that of the analysis)",
    )  # fmt: skip
    parser.add_argument(
        "--bpm-ranges", type=float, nargs="+", default=[], metavar="EDGE",
        help="edges of BPM ranges: a playlist for each (rekordbox, m3u8)",
    )  # fmt: skip
    parser.add_argument("--by-key", action="store_true", help="a playlist for each key (m3u8)")
    parser.add_argument(
        "--key-notation", choices=NOTATIONS, default="musical",
        help="write keys as Am, 8A or 1m (rekordbox; default: %(default)s)",
    )  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..base.errors import ConfigError
    from ..export import ExportOptions, export
    from ..settings.options import build_options

    names = ("delay_profile", "bpm_ranges", "by_key", "key_notation")
    values = {name: getattr(arguments, name) for name in names}
    options = build_options(ExportOptions, values, "export")
    try:
        written, left_out = export(
            arguments.format, arguments.results, arguments.output, options, arguments.library,
            arguments.force,
        )  # fmt: skip
    except OSError as error:
        raise ConfigError(f"--output {arguments.output}: {error.strerror}") from error
    print(f"{arguments.output}: {written} tracks")
    for reason, count in left_out.items():
        print(f"dropgrid export: {count} tracks left out: {reason}", file=sys.stderr)
    return 0
