"""The options of the installed Snakemake, and which of them this process was started with.

`python -m snakemake_logger_plugin_dropgrid.options` prints what dropgrid.run.command_line is
handed, as JSON: option -> how many values it takes.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from dropgrid.base.errors import ConfigError
from dropgrid.run import command_line
from dropgrid.run.launch import environment

# What Snakemake is asked, by the names of its parser, that neither runs nor plans a job.
LOOKS = (
    "lint", "list_rules", "list_target_rules", "print_compilation", "dag", "rulegraph",
    "filegraph", "d3dag", "summary", "detailed_summary", "archive", "unlock", "cleanup_metadata",
    "list_changes", "list_input_changes", "list_params_changes", "list_untracked", "containerize",
    "generate_unit_tests", "delete_all_output", "delete_temp_output", "list_conda_envs",
    "conda_cleanup_envs", "conda_create_envs_only", "container_cleanup_images", "cleanup_shadow",
)  # fmt: skip


class Asked(NamedTuple):
    """looks: no job is to run; forced: rules whose jobs are to run whatever their files' ages.
    answers: Snakemake prints what it was asked for, such as a list, and neither runs nor plans."""

    looks: bool = False
    forced: Collection[str] = ()
    answers: bool = False


@functools.cache
def parser() -> ArgumentParser:
    """Snakemake's parser, without profiles; it takes a fifth of a second to make."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser()


def asked(arguments: Sequence[str] | None = None) -> Asked:
    """What Snakemake was asked that it tells the rules only when all of them have been read: too
    late for batches, and for what only a real run may write.

    arguments: default: of this process. It may be somebody's program that runs workflows, and has
    no command line of Snakemake's: nothing is known then.
    """
    with suppress(SystemExit), redirect_stderr(StringIO()):
        given = parser().parse_args(arguments)
        answers = any(getattr(given, name) not in (None, False) for name in LOOKS)
        answers |= given.report is not None and not given.report_after_run
        forced = {"batch"} if given.forceall else {*given.forcerun}
        return Asked(answers or given.dryrun, forced, answers)
    return Asked()


def options() -> dict[str, str]:
    """Every option, long and short, of Snakemake and of its plugins."""
    return {
        name: "1" if action.nargs is None else str(action.nargs)
        for action in parser()._actions
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
