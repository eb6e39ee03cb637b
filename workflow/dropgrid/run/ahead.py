"""What a process does before it forks others that analyse tracks: import and load, once for all.

Nothing that starts threads may be among it: those do not survive a fork.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..stages import STAGES
from ..stages.networks import load_networks


def prepare(
    stages: Collection[str] = tuple(STAGES),
    network: Path | None = None,
    key_network: Path | None = None,
) -> None:
    """Import what these stages need, load the networks that are named. Raises ModelError."""
    import threadpoolctl  # noqa: F401

    from ..corrections import slices  # noqa: F401
    from ..features import store  # noqa: F401
    from ..stages import records  # noqa: F401

    if "features" in stages:
        import soundfile  # noqa: F401

        from ..audio import identity  # noqa: F401
        from ..audio.tags import import_mutagen
        from ..features import extract, reuse  # noqa: F401
        from ..stages import listening  # noqa: F401

        import_mutagen()
        if network is not None:
            ensemble, _ = load_networks(network, key_network)
            if ensemble == "librosa":
                from ..features.engines import onsets

                onsets.warm_up()
    if "bpm" in stages:
        from .. import rhythm  # noqa: F401
    if "structure" in stages:
        from .. import structure  # noqa: F401
    if "key" in stages:
        from ..key import analysis  # noqa: F401
