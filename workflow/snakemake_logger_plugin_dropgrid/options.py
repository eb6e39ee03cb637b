"""Read the options of the installed Snakemake, and those this process was started with.

`python -m snakemake_logger_plugin_dropgrid.options` prints the options for
dropgrid.run.command_line as JSON: option -> the number of its values.
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

# Options, by their names in Snakemake's parser, with which it neither runs nor plans jobs.
PRINT_OPTIONS = (
    "lint", "list_rules", "list_target_rules", "print_compilation", "dag", "rulegraph",
    "filegraph", "d3dag", "summary", "detailed_summary", "archive", "unlock", "cleanup_metadata",
    "list_changes", "list_input_changes", "list_params_changes", "list_untracked", "containerize",
    "generate_unit_tests", "delete_all_output", "delete_temp_output", "list_conda_envs",
    "conda_cleanup_envs", "conda_create_envs_only", "container_cleanup_images", "cleanup_shadow",
)  # fmt: skip


class Request(NamedTuple):
    """What the command line of Snakemake requests.

    runs_nothing: no job will run. forced: rules that run however recent their files are.
    only_prints: Snakemake prints something, such as a list, and neither runs nor plans jobs.
    """

    runs_nothing: bool = False
    forced: Collection[str] = ()
    only_prints: bool = False


@functools.cache
def parser() -> ArgumentParser:
    """Snakemake's parser, without profiles. Creating it takes a fifth of a second."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser()


def requested(arguments: Sequence[str] | None = None) -> Request:
    """What Snakemake's command line requests.

    Snakemake makes this known only after it has read all rules. That is too late to plan batches,
    and for files that only a real run may write.

    arguments: by default those of this process. If it is another program that runs workflows,
    they are not Snakemake's, and the result is an empty Request.
    """
    with suppress(SystemExit), redirect_stderr(StringIO()):
        given = parser().parse_args(arguments)
        prints = any(getattr(given, name) not in (None, False) for name in PRINT_OPTIONS)
        prints |= given.report is not None and not given.report_after_run
        forced = {"batch"} if given.forceall else {*given.forcerun}
        return Request(prints or given.dryrun, forced, prints)
    return Request()


def options() -> dict[str, str]:
    """Every option, long and short, of Snakemake and of its plugins."""
    return {
        name: "1" if action.nargs is None else str(action.nargs)
        for action in parser()._actions
        for name in action.option_strings
    }


def check(arguments: Sequence[str]) -> None:
    """Exit with a line that shows how to correct the command line, if it is wrong.

    Without a writable home folder, Snakemake's caches go to its own folder.
    """
    os.environ.update(environment(Path.cwd(), os.environ))
    try:
        command_line.check(arguments, options())
    except ConfigError as error:
        sys.exit(f"dropgrid: {error}")


if __name__ == "__main__":
    print(json.dumps(options()))
