"""What a process does before it forks others that analyse tracks: import and load, once for all.

Nothing that starts threads may be among it: those do not survive a fork.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from ..base.errors import ModelError
from . import STAGES
from .networks import load_networks


def prepare(
    stages: Collection[str] = tuple(STAGES),
    network: Path | None = None,
    key_network: Path | None = None,
    kept: bool = True,
) -> None:
    """Import what these stages need, load the networks that are named. Raises ModelError.

    kept: features are kept in a folder of results, whose corrections count.
    """
    import threadpoolctl  # noqa: F401

    from ..records import store as record_store  # noqa: F401
    from . import make_records  # noqa: F401

    if kept:
        from ..audio import digests  # noqa: F401
        from ..corrections import per_track  # noqa: F401
        from ..features import cache, store  # noqa: F401

    if "features" in stages:
        import soundfile  # noqa: F401

        from ..audio import direct_ffmpeg
        from ..audio.tag_process import import_formats
        from ..features import extract  # noqa: F401
        from . import make_features  # noqa: F401

        import_formats()
        if kept:  # of many files, some are Ogg
            direct_ffmpeg.libraries()
        if network is not None:
            ensemble, _ = load_networks(network, key_network)
            if ensemble == "librosa":
                from ..features.engines import librosa_onsets

                librosa_onsets.warm_up()
    if "bpm" in stages:
        from .. import rhythm  # noqa: F401
    if "structure" in stages:
        from .. import structure  # noqa: F401
    if "key" in stages:
        from ..key import analysis  # noqa: F401


class Preloader:
    """Prepares a warm server: imports once, the networks again whenever their files change."""

    def __init__(self, network: Path, key_network: Path) -> None:
        self.paths = network, key_network
        self._imported = False
        self._loaded: list[tuple[int, ...]] = []

    def __call__(self, command: bytes) -> bool:
        """Get ready for a sub-command that begins so; whether there was anything to do.

        Networks that cannot be loaded are the job's to complain about.
        """
        news = not self._imported
        if news:
            prepare()
            self._imported = True
        if command == b"f" and (state := self._state()) != self._loaded:
            load_networks.cache_clear()
            self._loaded, news = state, True
            try:
                prepare(["features"], *self.paths)
            except ModelError:
                load_networks.cache_clear()
        return news

    def _state(self) -> list[tuple[int, ...]]:
        """What identifies the files of networks; of one that is missing nothing."""
        found: list[tuple[int, ...]] = []
        for path in self.paths:
            try:
                status = os.stat(path)
            except OSError:
                continue
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return found
