"""The coded audio of a file, apart from the tags around it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..base.errors import DecodeError
from .ffmpeg import FFMPEG_ONLY


def packet_digest(path: Path) -> str:
    """Digest of a file's compressed audio, packet by packet. Raises DecodeError, OSError."""
    import av

    digest = hashlib.sha256()
    try:
        with (
            path.open("rb") as stream,
            av.open(stream, "r", options=FFMPEG_ONLY, metadata_errors="replace") as container,
        ):
            for packet in container.demux(audio=0):
                digest.update(bytes(packet))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise DecodeError(f"{path}: its audio cannot be checked ({error})") from error
    return digest.hexdigest()
