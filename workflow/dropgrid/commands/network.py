"""Copy the installed trained networks, one file for each kind.

A file that begins with `none` stands for no networks (--method open or librosa): the `features`
command then uses the method that the file names. It is an error if networks that are requested are
not installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .arguments import add_force

HELP = "prepare the trained networks (done once)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("output", type=Path, help="where to write them, e.g. results/network.npz")
    parser.add_argument(
        "key_output", type=Path, nargs="?", metavar="key-output",
        help="where to write the key network, e.g. results/key.npz (default: nowhere)",
    )  # fmt: skip
    parser.add_argument(
        "--method", default="madmom", metavar="METHOD",
        help="madmom: its networks; open, librosa: do without; or an engine of your own, "
        "MODULE:FUNCTION (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--key-method", choices=("madmom", "profiles"), default="madmom",
        help="madmom: its key network; profiles: do without (default: %(default)s)",
    )  # fmt: skip

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..results.output_guard import check_output
    from ..stages.networks import prepare_key_network, prepare_network

    for path in filter(None, (arguments.output, arguments.key_output)):
        check_output(path, option="OUTPUT", force=arguments.force)
    prepare_network(arguments.output, arguments.method)
    if arguments.key_output:
        prepare_key_network(arguments.key_output, arguments.key_method)
    return 0
