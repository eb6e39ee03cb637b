"""The features file: results/features/{track}.npz.

A NumPy archive: arrays `activations` and one `descriptor/<name>` per descriptor, and `about`,
JSON in bytes. The features of a track that failed hold only `about`, with its error. The same
features make the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..base.arrays import opened_arrays
from ..base.errors import RecordError
from ..base.files import write_atomically
from ..records.model import TrackFailure
from . import Features

VERSION = 1
DESCRIPTOR = "descriptor/"


def save(path: Path, result: Features | TrackFailure, origin: str | None = None) -> None:
    """Write features, or why there are none. Raises OSError.

    origin: the name of their inputs (dropgrid.features.cache), where it is certain.
    """
    about: dict[str, Any] = {"version": VERSION}
    if origin is not None:
        about["origin"] = origin
    arrays: dict[str, np.ndarray] = {}
    if isinstance(result, TrackFailure):
        about["error"] = asdict(result)
    else:
        about |= {
            "duration": result.duration,
            "decoder": result.decoder,
            "method": result.method,
            "tags": result.tags,
        }
        arrays["activations"] = result.activations
        arrays |= {DESCRIPTOR + name: array for name, array in result.descriptors.items()}
    arrays["about"] = np.frombuffer(json.dumps(about, allow_nan=False).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    write_atomically(path, stream.getvalue())


def load(path: Path) -> Features | TrackFailure:
    """Read what save wrote. Raises RecordError if the file is missing, damaged or older."""
    try:
        with opened_arrays(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        if about["version"] != VERSION:
            raise RecordError(f"{path}: written by another version of dropgrid; delete it")
        if "error" in about:
            return TrackFailure(**about["error"])
        return Features(
            duration=about["duration"],
            activations=arrays.pop("activations"),
            descriptors={name.removeprefix(DESCRIPTOR): a for name, a in arrays.items()},
            decoder=about["decoder"],
            method=about["method"],
            tags=about["tags"],
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RecordError(f"{path}: cannot be read as features ({error})") from error


def origin_of(path: Path) -> str | None:
    """The origin that features were saved with; None if the file has none or is unreadable."""
    with (
        suppress(OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile),
        opened_arrays(path) as archive,
    ):
        about = json.loads(archive["about"].tobytes())
        return str(about["origin"]) if about["version"] == VERSION else None
    return None


def read_array(path: Path, name: str) -> np.ndarray | None:
    """One array of a features file; None where there is no such file or array."""
    with (
        suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile),
        opened_arrays(path) as archive,
    ):
        return np.asarray(archive[name])
    return None
