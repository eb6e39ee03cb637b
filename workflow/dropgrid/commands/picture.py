"""Draw the drop map of one track, or one sheet with a row for each track of a library.

A sheet shows 200 tracks; for a larger library, sheet-1.png, sheet-2.png, ... are written.

examples:
  dropgrid picture --features results/features/T.npz --bpm results/bpm/T.json \\
      --structure results/structure/T.json --output T.png
  dropgrid picture --results results --sheet sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from .arguments import add_force

HELP = "draw the drop map of a track, or a sheet of a library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    track = parser.add_argument_group("one track")
    track.add_argument(
        "--features", type=Path, metavar="NPZ", help="the track's file in results/features"
    )
    track.add_argument(
        "--bpm", type=Path, metavar="JSON", help="the track's record in results/bpm"
    )
    track.add_argument("--structure", type=Path, metavar="JSON",
                       help="the track's record in results/structure")  # fmt: skip
    track.add_argument("--output", type=Path, metavar="FILE", help="what to write: .png or .svg")
    library = parser.add_argument_group("a library")
    library.add_argument("--results", type=Path, metavar="DIR", help="the folder of results")
    library.add_argument("--sheet", type=Path, metavar="FILE", help="what to write: .png or .svg")

    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    from ..base.errors import ConfigError
    from ..base.optional_packages import has, lacking

    if not has("matplotlib"):
        raise ConfigError(lacking("a picture", "matplotlib"))
    one = (arguments.features, arguments.bpm, arguments.structure, arguments.output)
    many = (arguments.results, arguments.sheet)
    if all(one) and not any(many):
        return _draw_track(*one, arguments.force)
    if all(many) and not any(one):
        return _draw_sheets(*many, arguments.force)
    raise ConfigError(
        "give either --features, --bpm, --structure and --output, or --results and --sheet"
    )


def _draw_track(features: Path, bpm: Path, structure: Path, output: Path, force: bool) -> int:
    from ..base.errors import RecordError
    from ..features.store import load
    from ..pictures_and_sounds.drop_map import track_picture
    from ..records.model import TrackFailure
    from ..records.store import read_bpm, read_structure

    _check(output, force, (features, bpm, structure))
    found, beats, sections = load(features), read_bpm(bpm), read_structure(structure)
    for result in (found, beats.error, sections.error):
        if isinstance(result, TrackFailure):
            raise RecordError(f"{beats.path}: not analysed ({result.stage}: {result.message})")
    assert not isinstance(found, TrackFailure)
    _write(output, track_picture(found, beats, sections))
    return 0


def _draw_sheets(results: Path, output: Path, force: bool) -> int:
    from ..pictures_and_sounds.sheet import ROWS_PER_SHEET, sheet
    from ..report.collect import collect

    tracks = collect(results).tracks
    _check(output, force)
    parts = range(0, len(tracks), ROWS_PER_SHEET)
    for number, first in enumerate(parts, 1):
        name = f"{output.stem}-{number}{output.suffix}" if len(parts) > 1 else output.name
        _check(output.with_name(name), force)
        _write(output.with_name(name), sheet(tracks[first : first + ROWS_PER_SHEET]))
    return 0


def _check(output: Path, force: bool, inputs: tuple[Path, ...] = ()) -> None:
    from ..base.errors import ConfigError
    from ..results.output_guard import check_output

    if output.suffix.lower() not in (".png", ".svg"):
        raise ConfigError(f"{output}: the name must end in .png or .svg")
    check_output(output, inputs, force=force)


def _write(output: Path, figure: Figure) -> None:
    from ..base.errors import LibraryError
    from ..pictures_and_sounds.figure import image
    from ..results.output_guard import write_output

    try:
        write_output(output, image(figure, output.suffix.lower()))
    except OSError as error:
        raise LibraryError(f"{output}: cannot be written ({error})") from error
    print(output)
