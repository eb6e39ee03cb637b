"""Import modules and load networks before forking workers.

Nothing here may start threads: they do not survive a fork.
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
    """Import the modules of these stages and load these networks. Raises ModelError.

    kept: whether features are stored in a folder of results, whose corrections apply.
    """
    import threadpoolctl  # noqa: F401

    from ..records import store as record_store  # noqa: F401
    from . import make_records  # noqa: F401

    if kept:
        from ..apply_corrections import per_track  # noqa: F401
        from ..audio import digests  # noqa: F401
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
        """Prepare for a sub-command with these first arguments; return whether work was needed.

        Networks that cannot be loaded are reported by the job.
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
        """The identity of the files of networks, without those that are missing."""
        found: list[tuple[int, ...]] = []
        for path in self.paths:
            try:
                status = os.stat(path)
            except OSError:
                continue
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return found
