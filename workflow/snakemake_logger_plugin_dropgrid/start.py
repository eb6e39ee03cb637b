"""Start Snakemake for `dropgrid run`, by `python -m`.

Snakemake's own entry point does the same, but first prints which profiles it reads, and reports a
wrong option with the usage of all 150 options. Arguments: those of Snakemake, targets first,
profiles with full paths.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

PROGRAM = "dropgrid run"


def profiles(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """The profiles in use; later ones override earlier ones."""
    named = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    named.add_argument("--profile", action="append")
    named.add_argument("--workflow-profile", default="none")
    given, _ = named.parse_known_args(arguments)
    general = given.profile or [environ.get("SNAKEMAKE_PROFILE") or "none"]
    return [name for name in (*general, given.workflow_profile) if name != "none"]


def main(arguments: Sequence[str] | None = None) -> bool:
    """Run the workflow and return whether it succeeded. Exit if the arguments are wrong."""
    from snakemake import cli
    from snakemake.exceptions import CliException, print_exception

    arguments = sys.argv[1:] if arguments is None else arguments
    parser = cli.get_argument_parser(profiles=profiles(arguments))
    parser.prog, parser.usage = PROGRAM, argparse.SUPPRESS
    try:
        return bool(cli.args_to_api(parser.parse_args(arguments), parser))
    except CliException as error:
        sys.exit(f"{PROGRAM}: {error}")
    except Exception as error:
        print_exception(error)
        return False


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
