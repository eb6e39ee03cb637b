"""Compare the results with references: tempo, beats, downbeats and sections.

Writes OUTPUT/{bpm,beats,structure}.json with 95 % intervals and baselines, a CSV row for every
track, summary.md and plots. References may be BPM tags, CSV/TSV, JSON, JAMS, .beats/.txt, .lab,
rekordbox XML, Traktor NML, Mixxx's database, or folders of them; a malformed one is named with
its line, and nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .arguments import add_force, add_results

HELP = "compare the results with references"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_results(parser)
    parser.add_argument(
        "--references", nargs="*", default=["tags"], metavar="PATH",
        help="files or folders, the most trusted first; the word `tags` means the BPM tags of "
        "the audio files, `serato` the grids Serato wrote into them (default: tags)",
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
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: RESULTS/evaluation")

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from ..base.errors import LibraryError
    from ..base.optional_packages import has, lacking
    from ..evaluation.score import EvaluationOptions, gather
    from ..evaluation.write import check_evaluation, write_evaluation
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
    if not has("matplotlib"):
        print(lacking("a plot of the evaluation", "matplotlib"))
    return 0
