"""A folder of pieces: FOLDER/audio, FOLDER/truth (JAMS) and FOLDER/benchmark.json.

For every piece the manifest contains the SHA-256 of its 16-bit samples before any codec, and its
levels: the RMS of each second in dB, to 0.01. Digests may differ between machines, because
processors differ in the last bits before samples are rounded to 16 bits. The audio then counts as
the same if its levels agree within TOLERANCE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..base.errors import ConfigError
from ..base.files import write_atomically
from ..base.json_documents import json_lines
from ..base.strict_json import loads
from ..demo_music.containers import encode
from ..results.output_guard import check_folder, check_output
from .composition import compose
from .piece import Piece
from .rendering import RATE, render
from .traits import TWINS
from .truth import document

MANIFEST, AUDIO, TRUTH = "benchmark.json", "audio", "truth"
SCHEMA = "dropgrid/benchmark"
TOLERANCE = 0.05  # dB
MOST = 10_000  # pieces
OFTEN = 10  # pieces between two writings of the manifest
BLOCK = RATE  # samples of a level


def wanted(seed: int, tracks: int, twins: bool = True) -> Iterator[tuple[int, str]]:
    """(number, twin) of all pieces. A piece that already has a trait has no twin of that trait."""
    for number in range(tracks):
        traits = compose(seed, number).traits if twins else ()
        yield number, ""
        for twin in TWINS if twins else ():
            if twin not in traits:
                yield number, twin


def make(
    folder: Path,
    seed: int,
    tracks: int,
    twins: bool = True,
    threads: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Write a benchmark and return its manifest. Existing pieces that match are kept.

    Raises ConfigError for a folder with other contents, OSError.
    """
    if not 1 <= tracks <= MOST:
        raise ConfigError(f"--tracks {tracks}: from 1 to {MOST}")
    if seed < 0:
        raise ConfigError(f"--seed {seed}: at least 0")
    check_folder(folder, "DIR")
    check_output(folder / MANIFEST, option="DIR")
    before = _before(folder, seed)
    if before is None and any((folder / name).exists() for name in (AUDIO, TRUTH)):
        raise ConfigError(f"{folder}: holds something else; name an empty folder")
    for name in (AUDIO, TRUTH):
        (folder / name).mkdir(parents=True, exist_ok=True)
    known = {piece["name"]: piece for piece in (before or {}).get("pieces", [])}
    jobs = list(wanted(seed, tracks, twins))
    write = partial(_write, folder, seed, known)
    found: list[dict[str, Any]] = []
    about = {
        "schema": SCHEMA, "schema_version": 1, "version": __version__, "seed": seed,
        "tracks": tracks, "twins": twins, "rate": RATE,
    }  # fmt: skip

    def note() -> dict[str, Any]:
        values = about | {"pieces": found}
        write_atomically(folder / MANIFEST, json_lines(values))
        return values

    note()  # so that the folder is known as dropgrid's, should this be interrupted
    with ProcessPoolExecutor(threads) as pool:
        for count, made in enumerate(pool.map(write, jobs), 1):
            found.append(made)
            tell(f"{count} of {len(jobs)}: {made['file']}")
            if count % OFTEN == 0:
                note()
    return note()


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a benchmark. Raises ConfigError."""
    try:
        values = loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: no benchmark ({error})") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise ConfigError(f"{folder / MANIFEST}: not of a benchmark")
    return values


def same_audio(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the manifest entries of two machines describe the same audio, by digest or
    levels."""
    if one["digest"] == other["digest"]:
        return True
    levels, others = one["levels"], other["levels"]
    return len(levels) == len(others) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(levels, others, strict=True)
    )


def levels(samples: np.ndarray) -> tuple[float, ...]:
    """RMS of each second of int16 samples, in dB of full scale."""
    whole = samples.astype(np.float64).mean(axis=1) / 32768
    edges = range(0, len(whole), BLOCK)
    means = np.array([float(np.mean(whole[at : at + BLOCK] ** 2)) for at in edges])
    return tuple(float(v) for v in np.round(10 * np.log10(np.maximum(means, 1e-12)), 2) + 0.0)


def _before(folder: Path, seed: int) -> dict[str, Any] | None:
    """The manifest in the folder, if its version and seed match; None if there is none."""
    if not (folder / MANIFEST).exists():
        return None
    values = read(folder)
    same = values.get("seed") == seed and values.get("version") == __version__
    return values if same else {"pieces": []}


def _write(
    folder: Path, seed: int, known: dict[str, Any], wanted: tuple[int, str]
) -> dict[str, Any]:
    piece = compose(seed, *wanted)
    file = f"{piece.name}{_suffix(piece)}"
    before = known.get(piece.name)
    there = (folder / AUDIO / file).exists() and (folder / TRUTH / f"{piece.name}.jams").exists()
    if before is not None and there and before["file"] == file:
        return dict(before)
    samples = render(piece)
    data = encode(samples.astype(np.float32) / 32768, RATE, file[file.rindex(".") :])
    write_atomically(folder / AUDIO / file, data)
    write_atomically(folder / TRUTH / f"{piece.name}.jams", document(piece, file))
    return {
        "name": piece.name,
        "file": file,
        "digest": hashlib.sha256(samples.tobytes()).hexdigest(),
        "levels": list(levels(samples)),
        "style": piece.style,
        "traits": list(piece.traits),
        "twin": piece.twin,
        "twin_of": f"{piece.number:04d}" if piece.twin else "",
    }


def _suffix(piece: Piece) -> str:
    if piece.twin == "mp3":
        return ".mp3"
    if "lossy" in piece.traits:
        return (".ogg", ".mp3")[piece.number % 2]
    return ".flac"
