"""What a process does before it forks others that analyse tracks: import and load, once for all.

Nothing that starts threads may be among it: those do not survive a fork.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from . import STAGES
from .networks import load_networks


def prepare(
    stages: Collection[str] = tuple(STAGES),
    network: Path | None = None,
    key_network: Path | None = None,
) -> None:
    """Import what these stages need, load the networks that are named. Raises ModelError."""
    import threadpoolctl  # noqa: F401

    from ..corrections import per_track  # noqa: F401
    from ..features import store  # noqa: F401
    from . import make_records  # noqa: F401

    if "features" in stages:
        import soundfile  # noqa: F401

        from ..audio import digests  # noqa: F401
        from ..audio.tags import import_mutagen
        from ..features import cache, extract  # noqa: F401
        from . import make_features  # noqa: F401

        import_mutagen()
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
