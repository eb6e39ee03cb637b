"""Options that several sub-commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..records.cue_template import PRESETS, STANDARD, template


def add_force(parser: argparse.ArgumentParser) -> None:
    """The option --force of every command with an output: see dropgrid.results.output_guard."""
    parser.add_argument(
        "--force", action="store_true",
        help="overwrite files that dropgrid did not write, and accept the name of a song; "
        "never overwrite what the command reads",
    )  # fmt: skip


def add_corrections(parser: argparse.ArgumentParser) -> None:
    """The option --corrections of the commands that change the user's file of corrections."""
    parser.add_argument(
        "--corrections", type=Path, metavar="FILE.json",
        help="your file of corrections (default: that of the last run, otherwise "
        "corrections.json in the results)",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """The option --threads of the commands that read audio."""
    parser.add_argument(
        "--threads", type=_threads, default=1, metavar="N",
        help="threads per track; the results are the same (default: 1)",
    )  # fmt: skip


def _threads(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: one thread at least is needed")
    return number


def add_cues(parser: argparse.ArgumentParser, where: str) -> None:
    """The option --cues: the cues on the pads (dropgrid.records.cue_template)."""
    parser.add_argument(
        "--cues", type=_cues, default=STANDARD, metavar="TEMPLATE",
        help=f"what goes on the pads ({where}): {', '.join(PRESETS)}; a YAML file with a list of "
        "moments, or the list itself: '[first_downbeat, drop_1 - 16 bars, drop_1, mix_out]' "
        "(default: %(default)s)",
    )  # fmt: skip


def _cues(text: str) -> str | tuple[Any, ...]:
    """The name of a preset, or the entries of a list, given directly or in a file."""
    if text in PRESETS:
        return text
    import yaml

    named = not text.lstrip().startswith("[")
    try:
        if named and not Path(text).is_file():
            template(text)  # its message lists the valid names
        found = yaml.safe_load(Path(text).read_text(encoding="utf-8") if named else text)
        if named and isinstance(found, dict):  # a whole configuration, or its section
            found = found.get("export", found).get("cues")
        if not isinstance(found, list | str):
            raise ValueError(f"{text}: holds no list of cues")
        template(found)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, AttributeError) as error:
        raise argparse.ArgumentTypeError(" ".join(str(error).split())) from error
    return found if isinstance(found, str) else tuple(found)


def add_results(parser: argparse._ActionsContainer, what: str = "the folder of results") -> None:
    """The option --results: the results folder of a run, `results` by default."""
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR",
        help=f"{what} (default: %(default)s)",
    )  # fmt: skip
