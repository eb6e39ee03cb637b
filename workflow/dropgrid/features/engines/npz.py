"""Network weights on disk: NumPy archives of plain arrays only."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...base.arrays import opened_arrays
from ...base.errors import ModelError


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An archive of float32 arrays: always the same bytes."""
    stream = io.BytesIO()
    contiguous = {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}
    np.savez(stream, **contiguous)  # type: ignore[arg-type]
    return stream.getvalue()


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an archive. Raises ModelError if it cannot be read."""
    try:
        with opened_arrays(path) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: cannot be loaded as the networks ({error})") from error
