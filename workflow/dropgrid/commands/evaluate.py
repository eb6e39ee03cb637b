"""Compare the results with references: tempo, beats, downbeats and sections.

Writes OUTPUT/{bpm,beats,structure}.json with 95 % intervals and baselines, a CSV row for every
track, summary.md and plots. References may be BPM tags, CSV/TSV, JSON, JAMS, .beats/.txt, .lab,
rekordbox XML, Traktor NML, Mixxx's database, or folders of them; a malformed one is reported
with its line, and nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import add_force, add_results

if TYPE_CHECKING:
    from ..evaluation.score import EvaluationOptions

HELP = "compare the results with references"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_results(parser)
    parser.add_argument(
        "--references", nargs="*", default=["tags"], metavar="PATH",
        help="files or folders, the most trusted first; the word `tags` means the BPM tags of "
        "the audio files, `serato` the grids that Serato wrote into them (default: tags)",
    )  # fmt: skip
    parser.add_argument(
        "--library", metavar="DIR",
        help="the library's root, for absolute paths in references (default: as scanned)",
    )  # fmt: skip
    parser.add_argument(
        "--sample-size", type=int, metavar="N", help="evaluate only N tracks, drawn at random"
    )
    parser.add_argument(
        "--sample-seed", type=int, default=0, metavar="S",
        help="seed of the draw and of the confidence intervals (default: 0)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="processes (default: 1)"
    )
    parser.add_argument(
        "--estimates", nargs="*", default=[], metavar="NAME=PATH", type=_named_path,
        help="other systems' answers to score with dropgrid's: a file or folder in any format "
        "of references; writes systems.md and systems.json",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: RESULTS/evaluation")

    add_force(parser)


def _named_path(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path) or name == "dropgrid":
        raise argparse.ArgumentTypeError(f"{text}: not NAME=PATH with a name of its own")
    return name, path


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import LibraryError
    from ..base.optional_packages import has, lacking
    from ..evaluation.score import EvaluationOptions, gather
    from ..evaluation.write import check_evaluation, remove_systems, write_evaluation
    from ..results.layout import Results
    from ..settings.options import build_options

    if not arguments.results.is_dir():
        raise LibraryError(f"{arguments.results}: there is no such folder of results")
    options = build_options(
        EvaluationOptions,
        {
            "references": arguments.references,
            "sample_size": arguments.sample_size,
            "sample_seed": arguments.sample_seed,
        },
        "evaluation",
    )
    output = arguments.output or Results(arguments.results).evaluation
    check_evaluation(output, arguments.references, arguments.force)
    gathered = gather(arguments.results, options, arguments.library, arguments.threads)
    write_evaluation(output, gathered, options)
    print(
        f"{gathered.evaluated} tracks evaluated, {len(gathered.left_out)} references left out, "
        f"{len(gathered.without_reference)} tracks without one: {output / 'summary.md'}"
    )
    if arguments.estimates:
        _compare(arguments, options, output)
    else:
        remove_systems(output)
    if not has("matplotlib"):
        print(lacking("a plot of the evaluation", "matplotlib"))
    return 0


def _compare(arguments: argparse.Namespace, options: EvaluationOptions, output: Path) -> None:
    """Score the answers of other systems and of dropgrid."""
    from ..base.errors import ConfigError
    from ..evaluation.score import gather_systems
    from ..evaluation.systems import PRODUCT
    from ..evaluation.write import write_systems

    estimates = dict(arguments.estimates)
    if len(estimates) < len(arguments.estimates):
        raise ConfigError("--estimates: a name is given twice")
    found, left_out = gather_systems(arguments.results, options, estimates, arguments.library)
    names = [PRODUCT, *estimates]
    write_systems(output, found, names, options.sample_seed, arguments.force)
    print(
        f"{len(names)} systems side by side, {len(left_out)} answers of no track: "
        f"{output / 'systems.md'}"
    )
