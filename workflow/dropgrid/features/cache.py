"""Reuse features of the same audio, made with the same networks and options.

A features file has a second name (hard link) by its origin, results/cache/{origin}.npz, which
takes no disk space. A track with edited tags, renamed or not, is not decoded again: it gets the
features of its audio, with the new tags. On a file system without hard links there is no cache,
and such a track is decoded.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..base.errors import RecordError
from . import Features
from .store import load, origin_of


def origin(audio: str, network: Path, key_network: Path | None, options: Mapping[str, Any]) -> str:
    """A name for the inputs of features: a digest of the audio, and one of networks and options.

    network, key_network: the networks' files; options: of the stage. Raises OSError.
    """
    maker = hashlib.blake2b(digest_size=20)
    for path in filter(None, (network, key_network)):
        maker.update(hashlib.blake2b(path.read_bytes()).digest())
    maker.update(json.dumps([key_network is not None, dict(options)], sort_keys=True).encode())
    return f"{audio}-{maker.hexdigest()}"


def find(cache: Path, name: str) -> Features | None:
    """The features of that origin; None where there are none, or none that can be read."""
    path = cache / f"{name}.npz"
    if origin_of(path) != name:
        return None
    with suppress(RecordError):
        found = load(path)
        return found if isinstance(found, Features) else None
    return None


def keep(cache: Path, name: str, features: Path) -> None:
    """Give a features file a second name, its origin; none where that cannot be."""
    path = cache / f"{name}.npz"
    temporary = cache / f".{name}.npz.{os.getpid()}.tmp"
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        try:
            os.link(features, temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)  # of the same file, a rename leaves both names
