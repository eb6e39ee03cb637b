"""The options of the installed Snakemake: `python -m snakemake_logger_plugin_dropgrid.options`.

What dropgrid.run.command_line is handed, as JSON: option -> how many values it takes. The default
profile has the command line checked with it, before Snakemake parses it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from dropgrid.base.errors import ConfigError
from dropgrid.run import command_line
from dropgrid.run.launch import environment


def options() -> dict[str, str]:
    """Every option, long and short, of Snakemake and of its plugins."""
    from snakemake.cli import get_argument_parser

    return {
        name: "1" if action.nargs is None else str(action.nargs)
        for action in get_argument_parser()._actions
        for name in action.option_strings
    }


def check(arguments: Sequence[str]) -> None:
    """End the program with a line that says what to type where the command line is wrong.

    Where there is no home to write in, Snakemake's caches go to its own folder.
    """
    os.environ.update(environment(Path.cwd(), os.environ))
    try:
        command_line.check(arguments, options())
    except ConfigError as error:
        sys.exit(f"dropgrid: {error}")


if __name__ == "__main__":
    print(json.dumps(options()))
