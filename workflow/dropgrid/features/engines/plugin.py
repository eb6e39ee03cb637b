"""Engines that users bring: `bpm.method` names a function from blocks of audio to activations.

    def detect(blocks, rate): ...

blocks: an iterator of float32 arrays (samples,), mono, full scale 1, one after another; rate:
44100, in Hz. Returns activations, (frames,) or (frames, 2), 100 frames a second, frame i centred
on i / 100 s: the probability of a beat that is no downbeat, and of a downbeat (docs/engines.md).

The name is MODULE:FUNCTION, FILE.py:FUNCTION, or an entry point of the group dropgrid.engines.
Only the named module is imported. The function runs in a thread beside the rest of the analysis,
so that a file is decoded once and dropgrid never keeps all of it in memory.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any

import numpy as np

from ...base.errors import EngineError, ModelError
from .. import FRAME_RATE

BUILT_IN = ("madmom", "open", "librosa")
GROUP = "dropgrid.engines"
BLOCKS = 8  # waiting for the function at most
LOOK = 0.2  # seconds between checks that the function still reads blocks
LENGTH = FRAME_RATE  # frames by which the activations may be too few or too many

Detect = Callable[[Iterator[np.ndarray], int], Any]


def is_plugin(method: str) -> bool:
    """Whether a method is a user's function rather than an engine of dropgrid."""
    return method not in BUILT_IN


def absolute(method: str) -> str:
    """The method with the absolute path of its file, if it names a file."""
    where, colon, name = method.rpartition(":")
    return f"{Path(where).absolute()}:{name}" if colon and where.endswith(".py") else method


def load(method: str) -> tuple[Detect, str]:
    """The function that a method names, and its name and version for the records.

    Raises ModelError.
    """
    where, colon, name = method.rpartition(":")
    try:
        if not colon:
            found, version = _entry_point(method)
            return _callable(found, method), f"{method} {version}"
        if where.endswith(".py"):
            found = getattr(_module_of(Path(where)), name, None)
            version = hashlib.sha256(Path(where).read_bytes()).hexdigest()[:8]
            return _callable(found, method), f"{Path(where).name}:{name} {version}"
        module = importlib.import_module(where)
        return _callable(getattr(module, name, None), method), f"{method} {_version(module)}"
    except ModelError:
        raise
    except Exception as error:  # a user's module may raise anything
        raise ModelError(f"bpm.method: {method}: {_line(error)}{_instead(where, name)}") from error


def _instead(where: str, name: str) -> str:
    """The method to use instead for a module in the working folder, where jobs do not look."""
    file = Path(*where.split(".")).with_suffix(".py")
    return f"; as a file: {file}:{name}" if name and file.is_file() else ""


def _entry_point(name: str) -> tuple[Any, str]:
    for point in metadata.entry_points(group=GROUP):
        if point.name == name:
            return point.load(), point.dist.version if point.dist else "unknown"
    known = ", ".join(sorted(p.name for p in metadata.entry_points(group=GROUP))) or "none"
    raise ModelError(
        f"bpm.method: {name}: no such method; {', '.join(BUILT_IN)}, MODULE:FUNCTION, "
        f"FILE.py:FUNCTION, or an installed engine ({GROUP}: {known})"
    )


def _module_of(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"dropgrid_engine_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ModelError(f"bpm.method: {file}: no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _callable(found: Any, method: str) -> Detect:
    if not callable(found):
        raise ModelError(f"bpm.method: {method}: there is no such function")
    return found


def _version(module: Any) -> str:
    """The version of a module's distribution, or its own __version__."""
    top = module.__name__.partition(".")[0]
    with suppress(Exception):
        (distribution,) = set(metadata.packages_distributions()[top])
        return metadata.version(distribution)
    return str(getattr(module, "__version__", "unknown"))


class Engine:
    """A function that analyses one file; `fed` passes it the blocks that the other stages use."""

    def __init__(self, method: str, rate: int) -> None:
        self.function, self.name = load(method)
        self._rate = rate
        self._waiting: Queue[np.ndarray | None] = Queue(BLOCKS)
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="dropgrid engine", daemon=True)

    def fed(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same blocks; the function gets copies of them."""
        self._thread.start()
        try:
            for block in blocks:
                self._hand(np.array(block, np.float32))
                yield block
        finally:
            self._hand(None)

    def activations(self, frames: int) -> np.ndarray:
        """(frames, 2) float32: what the function returned. Raises EngineError, MemoryError."""
        self._thread.join()
        if isinstance(self._error, MemoryError):
            raise self._error
        if self._error is not None:
            raise EngineError(f"{self.name}: {_line(self._error)}") from self._error
        return checked(self._result, frames, self.name)

    def _hand(self, block: np.ndarray | None) -> None:
        while self._thread.is_alive():  # it may return, or fail, before the end
            with suppress(Full):
                self._waiting.put(block, timeout=LOOK)
                return

    def _blocks(self) -> Iterator[np.ndarray]:
        while (block := self._waiting.get()) is not None:
            yield block

    def _run(self) -> None:
        try:
            self._result = self.function(self._blocks(), self._rate)
        except BaseException as error:  # it is raised where the result is requested
            self._error = error


def checked(found: Any, frames: int, name: str) -> np.ndarray:
    """Activations as (frames, 2) float32. Raises EngineError for invalid ones."""
    try:
        values = np.asarray(found, np.float32)
    except (TypeError, ValueError) as error:
        raise EngineError(f"{name}: returned no array of numbers") from error
    if values.ndim == 1:
        values = np.column_stack((values, np.zeros_like(values)))
    if values.ndim != 2 or values.shape[1] != 2:
        raise EngineError(f"{name}: returned shape {values.shape}, not (frames,) or (frames, 2)")
    if abs(len(values) - frames) > LENGTH:
        raise EngineError(
            f"{name}: returned {len(values)} frames of {frames} ({FRAME_RATE} a second)"
        )
    if not np.isfinite(values).all() or values.min(initial=0) < 0 or values.max(initial=0) > 1:
        raise EngineError(f"{name}: returned values outside 0 to 1")
    whole = np.zeros((frames, 2), np.float32)
    whole[: len(values)] = values[:frames]
    return whole


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
