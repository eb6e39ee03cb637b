"""What the command lines of the benchmarks share: the songs, a cache, parts to choose from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parser_of(
    description: str | None, parts: Sequence[str] = (), cache: Path | None = None
) -> argparse.ArgumentParser:
    """A parser with --shared and --cache. description: the module's docstring; parts: what may be
    chosen by name, see chosen_parts; cache: the default folder, if there is one."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if parts:
        parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
        parser.set_defaults(known_parts=tuple(parts))
    parser.add_argument(
        "--shared", type=Path, default=ROOT.parent / "shared", help="the folder of real songs"
    )
    parser.add_argument(
        "--cache", type=Path, default=cache, help="where features are kept from call to call"
    )
    return parser


def chosen_parts(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace
) -> tuple[str, ...]:
    """The parts that were named, all where none was. Ends the program for an unknown name."""
    known: tuple[str, ...] = arguments.known_parts
    if unknown := set(arguments.parts) - set(known):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return tuple(arguments.parts) or known
