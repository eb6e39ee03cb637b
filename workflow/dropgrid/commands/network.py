"""Take the trained networks from the installed madmom and keep them as one file.

A file that says `none` means that there are none: the `features` command then works without
them, on librosa's onset strength. That happens by choice (--method librosa) or, with a warning,
where madmom's networks cannot be had.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .arguments import add_force

HELP = "prepare the trained networks (done once)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, help="where to write them, e.g. results/network.onnx")
    parser.add_argument(
        "--method", choices=("madmom", "librosa"), default="madmom",
        help="madmom: its networks; librosa: do without (default: %(default)s)",
    )  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..results.outputs import check_output
    from ..stages import prepare_network

    check_output(arguments.output, option="OUTPUT", force=arguments.force)
    warning = prepare_network(arguments.output, arguments.method)
    if warning:
        print(f"dropgrid network: {warning}", file=sys.stderr)
    return 0
