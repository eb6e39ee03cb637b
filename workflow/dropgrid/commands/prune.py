"""Delete cached data of tracks that are no longer in the library, or list it.

Data of tracks that are in the library is kept, and so are files that dropgrid did not write. If
the file of a removed track comes back, it is analysed again.

examples:
  dropgrid prune --results results --dry-run     # only list
  dropgrid prune --results results
"""

from __future__ import annotations

import argparse

from .arguments import add_results

HELP = "delete cached data of tracks no longer in the library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    parser.add_argument("--dry-run", action="store_true", help="list what would be removed")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.text import counted, printable
    from ..results.ownership import check_claim
    from ..results.prune import left_over, remove

    check_claim(arguments.results, [])
    found = left_over(arguments.results)
    for left in found:
        print(printable(str(left.path)))
    kept = [left.track for left in found if left.path.suffix != ".log"]
    tracks = len({track for track in kept if track is not None})
    gone = f"{counted(tracks, 'track')} no longer in your folder"
    if arguments.dry_run:
        size = sum(left.size for left in found)
        print(f"{gone}; {counted(len(found), 'file')}, {_megabytes(size)}, would be removed")
    else:
        print(f"{gone}; {counted(len(found), 'file')} removed, {_megabytes(remove(found))}")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
