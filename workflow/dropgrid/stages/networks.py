"""The trained networks for the stages: files, or the name of a method without networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ModelError
from ..base.files import write_atomically

if TYPE_CHECKING:
    from ..features.engines.front_end import Ensemble
    from ..features.engines.key_network import Network as KeyNetwork

# In place of the networks' file: what finds the beats instead, by method.
NO_NETWORKS = {
    "open": b"none: rises of bands instead\n",
    "librosa": b"none: librosa's onset strength instead\n",
    "profiles": b"none: pitch classes instead\n",
}
ENGINE = b"none: engine "  # and then the method and what records call it, a line each
LONGEST = 4096  # bytes of what stands in place of the networks


def prepare_network(path: Path, method: str) -> None:
    """Write madmom's networks to path, or NO_NETWORKS. Raises ModelError, OSError."""
    from ..features.engines import beat_weights, model_files

    if method == "madmom":
        return beat_weights.prepare(path)
    if method == "librosa":
        model_files.check_librosa()
    if method not in NO_NETWORKS:
        from ..features.engines import plugin

        method = plugin.absolute(method)
        _, name = plugin.load(method)
        return write_atomically(path, ENGINE + f"{method}\n{name}\n".encode())
    return write_atomically(path, NO_NETWORKS[method])


def prepare_key_network(path: Path, method: str) -> None:
    """Write madmom's key network to path, or NO_NETWORKS. Raises ModelError, OSError."""
    from ..features.engines import key_weights

    if method == "profiles":
        write_atomically(path, NO_NETWORKS[method])
    else:
        key_weights.prepare(path)


def maker(method: str) -> str:
    """The beat method, with the version of a user's engine: a new version recomputes features."""
    if method == "madmom" or method in NO_NETWORKS:
        return method
    from ..features.engines import plugin

    return plugin.load(method)[1]


def check_networks(config: Mapping[str, Any]) -> None:
    """Raise ModelError, with instructions, if the requested methods are not installed."""
    from ..features.engines import beat_weights, key_weights, llvm, model_files
    from ..native import compiled

    if compiled() is None:
        networks = "madmom" in (config["bpm"]["method"], config["key"]["method"])
        llvm.check("scipy", *(["llvmlite"] if networks else []))
    if config["bpm"]["method"] == "madmom":
        model_files.check(beat_weights.NAME, beat_weights.MODELS)
    elif config["bpm"]["method"] == "librosa":
        model_files.check_librosa()
    elif config["bpm"]["method"] != "open":
        from ..features.engines import plugin

        plugin.load(config["bpm"]["method"])
    if config["key"]["method"] == "madmom":
        model_files.check(key_weights.NAME, key_weights.MODEL)


@lru_cache(maxsize=2)
def load_networks(
    network: Path, key_network: Path | None
) -> tuple[Ensemble | str, KeyNetwork | None]:
    """The networks in these files, or the name of a method without networks.

    They are cached for further tracks and for processes forked from this one. Raises ModelError.
    """
    from ..features.engines import beat_ensemble as networks
    from ..features.engines import key_network as key_networks

    ensemble = _instead_of(network) or networks.load(network)
    if key_network is None or _instead_of(key_network):
        return ensemble, None
    return ensemble, key_networks.load(key_network)


def _instead_of(network: Path) -> str | None:
    """The method without networks that their file names, if it does. Raises ModelError."""
    try:
        with network.open("rb") as file:
            head = file.read(LONGEST)
    except OSError as error:
        raise ModelError(f"{network}: cannot be read ({error.strerror})") from error
    if head.startswith(ENGINE):
        return head.removeprefix(ENGINE).decode().partition("\n")[0]
    return next((method for method, text in NO_NETWORKS.items() if text == head), None)
