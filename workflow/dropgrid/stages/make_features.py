"""Compute the features of a file, or reuse those of the same audio, and store them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..base.errors import DecodeError, TrackError
from ..base.threads import on_one_thread
from ..features import Features
from ..records.identity import Identity, write_identity
from ..records.ticket import Ticket
from .networks import load_networks


def save_features(
    ticket: Ticket, files: Mapping[str, Path], options: Mapping[str, Any], threads: int
) -> None:
    """Compute a track's features, or take those that its audio has already, and save them.

    In a folder of results they are saved with what they come from, and the track's identity
    beside them: last, and the old one is gone first, so that none is ever of other features. A
    file that changes while it is read has none.
    """
    from ..features import cache, store

    network, key_network = files["network"], files.get("key_network")
    compute = partial(compute_features, ticket, network, key_network, options, threads)
    if "identity" not in files:
        return store.save(files["output"], compute())
    files["identity"].unlink(missing_ok=True)
    looked_at = _identify(ticket)
    if looked_at is None:
        return store.save(files["output"], compute())
    origin = cache.origin(looked_at.audio, network, key_network, options)
    known = cache.find(files["cache"], origin)
    if known is None:
        found = compute()
    else:
        print("dropgrid: this audio is known; only its tags were read", flush=True)
        found = dataclasses.replace(known, tags=_tags(Path(ticket.file)))
    if _look(ticket.file) != (looked_at.size, looked_at.mtime_ns):
        return store.save(files["output"], found)
    store.save(files["output"], found, origin)
    cache.keep(files["cache"], origin, files["output"])
    return write_identity(files["identity"], looked_at)


@on_one_thread
def compute_features(
    ticket: Ticket,
    network: Path,
    key_network: Path | None = None,
    options: Mapping[str, Any] = MappingProxyType({}),
    threads: int = 1,
) -> Features:
    """Decode a track and compute its features. Raises TrackError, ModelError, OSError.

    network, key_network: as prepare_network and prepare_key_network wrote them. options: see
    feature_options. threads: that may work at a time.
    """
    from ..features.extract import extract

    file = Path(ticket.file)
    ensemble, key_net = load_networks(network, key_network)
    try:
        features = extract(file, ensemble, key_net, options.get("true_peak", False), threads)
    except FileNotFoundError as error:
        raise DecodeError("the file is no longer there") from error
    except OSError as error:  # forbidden, a link into itself, a failing disk
        raise DecodeError(f"the file cannot be read ({error.strerror or error})") from error
    except TrackError as error:  # records name the path within the library, not this machine's
        message = str(error).removeprefix(f"{file}: ").replace(str(file), file.name)
        raise type(error)(message) from error
    return dataclasses.replace(features, tags=_tags(file))


def _identify(ticket: Ticket) -> Identity | None:
    """The identity of a ticket's file; None if it cannot be read or changes meanwhile."""
    from ..audio.digests import audio_digest, sample_digest, whole_digest

    file = Path(ticket.file)
    before = _look(ticket.file)
    if before is None:
        return None
    try:
        digests = whole_digest(file), sample_digest(file), audio_digest(file)
    except OSError:  # reading it for its features will say why
        return None
    return Identity(ticket.track, ticket.path, *before, *digests)


def _look(file: str) -> tuple[int, int] | None:
    """Size and modification time of a file; None if it cannot be accessed."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _tags(file: Path) -> dict[str, Any]:
    from ..audio import tag_process
    from ..audio.tags import read_tags

    try:
        return dataclasses.asdict(read_tags(file))
    finally:
        tag_process.close(forks_only=True)  # a job reads no other file's
