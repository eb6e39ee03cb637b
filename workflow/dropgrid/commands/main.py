"""The `dropgrid` command: finds the sub-command's module and runs it.

Each sub-command is a module of dropgrid.commands with HELP, add_arguments(parser) and
run(arguments) -> exit code. Only the called module is imported, because the workflow starts this
command several times for every track.

Exit codes: 0 done (failed tracks are recorded, not fatal), 1 the job failed and may be tried
again, 2 the request itself is wrong, 130 and 143 ended by SIGINT and SIGTERM.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import shlex
import sys
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from .. import __version__
from ..base.errors import DropgridError
from ..base.text import fault, printable, suggestion

# Commands for users, in the order of --help; commands for the jobs of the workflow.
PUBLIC = (
    "run list open correct next set export tag demo watch analyze summary retry prune duplicates "
    "report picture sonify evaluate estimate benchmark".split()
)
STEPS = "scan network features bpm structure key batch serve table check".split()
COMMANDS = (*PUBLIC, *STEPS)
THREAD_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code. Expected errors print one line on stderr."""
    gc.set_threshold(100_000, 20)  # the modules of a command need no garbage collection
    _open_streams()
    argv = list(sys.argv[1:] if argv is None else argv)
    for name in THREAD_POOLS:  # before numpy is imported; one track, one core
        os.environ.setdefault(name, "1")
    if not argv:
        parser_of(argv).print_help()
        return 2
    if argv[0] not in COMMANDS and not argv[0].startswith("-"):
        print(f"dropgrid: {_unknown(argv)}", file=sys.stderr)
        return 2
    arguments = _handed_on(argv) or parser_of(argv).parse_args(argv)
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()  # now, while a full disk can still be reported
        return code
    except DropgridError as error:
        print(f"dropgrid {arguments.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the output has closed the pipe, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # disk or permission: an error of the machine, not of the request
        print(f"dropgrid {arguments.command}: {fault(error)}", file=sys.stderr)
        return 1


def _unknown(argv: Sequence[str]) -> str:
    """The message for a command line that does not begin with a command."""
    word, near = printable(argv[0]), suggestion(argv[0], PUBLIC)
    if not near and os.path.isdir(argv[0]):
        near = f" (did you mean dropgrid run {shlex.join(argv)}?)"
    return f"there is no command {word}{near}; dropgrid --help lists the commands"


def _handed_on(argv: Sequence[str]) -> argparse.Namespace | None:
    """The arguments of a sub-command that passes unknown arguments to another program."""
    if argv[:1] not in (["run"], ["watch"]) or {"-h", "--help"} & set(argv):
        return None
    module = importlib.import_module(f".{argv[0]}", __package__)
    return argparse.Namespace(command=argv[0], words=argv[1:], run=module.run)


def _open_streams() -> None:
    """Replace closed standard streams with the null device.

    Otherwise the next opened file would get their descriptor, and messages would go into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free descriptor: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def parser_of(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for a command line; imports only the called sub-command."""
    return _parser(argv[0] if argv and argv[0] in COMMANDS else None)


@cache
def _parser(called: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dropgrid",
        usage="dropgrid COMMAND ...",
        description="Exact beat grids and drop maps for folders of electronic dance music.\n\n"
        "  dropgrid run ~/Music     analyse your music; the results go into ./results\n"
        "  dropgrid list            print what was found\n"
        "  dropgrid open            look at the results, listen to them, correct them",
        epilog="dropgrid COMMAND --help explains a command. Commands that the workflow calls by "
        f"itself:\n{', '.join(STEPS)}.",
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=18),
    )
    parser.add_argument("--version", action="version", version=f"dropgrid {__version__}")
    subparsers = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, prog="dropgrid"
    )
    for name in (called,) if called else COMMANDS:
        module: Any = importlib.import_module(f".{name}", __package__)
        subparser = subparsers.add_parser(
            name, description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **({} if name in STEPS else {"help": module.HELP}),
        )  # fmt: skip
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser
