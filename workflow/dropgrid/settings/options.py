"""Build the options of a stage: a frozen dataclass whose defaults are dropgrid's defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from ..base.errors import ConfigError

Options = TypeVar("Options")


def build_options(kind: type[Options], values: Mapping[str, Any], section: str) -> Options:
    """An instance of the options dataclass kind from a section of the configuration.

    Lists become tuples. The dataclass's own __post_init__ checks ranges by raising ValueError.
    Raises ConfigError naming the section and the option: unknown, or out of range.
    """
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            raise ConfigError(
                f"{section}.{name}: there is no such option; known: {', '.join(sorted(names))}"
            )
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{section}: {error}") from error


def check_ranges(edges: Sequence[float]) -> None:
    """Raise ValueError unless the edges ascend and their BPM ranges have different names."""
    if len(edges) == 1 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"bpm_ranges: needs two edges or more, ascending; not {edges}")
    if len(set(map(range_name, edges[:-1], edges[1:]))) < len(edges) - 1:
        raise ValueError(
            f"bpm_ranges: edges so close that ranges would have the same name: {edges}"
        )


def range_name(low: float, high: float) -> str:
    """The name of a BPM range, for playlists and files."""
    return f"{low:g}-{high:g}"
