"""The path of a file in the form that DJ programs use: volume, folders, name."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..base.files import WINDOWS
from ..base.text import one_line

DISK = "Macintosh HD"  # the default name of the startup disk on macOS


def volume_and_folders(file: PurePath) -> tuple[str, list[str], str]:
    """(volume, folders from its root, name) of a file, for paths of any operating system.

    `C:/Music/a.mp3` is on C:, `/Volumes/USB/a.mp3` on USB, any other path on DISK.
    """
    path = one_line(str(file))
    if match := WINDOWS.match(path):
        *folders, name = re.split(r"[/\\]+", path[match.end() :])
        return match["drive"], folders, name
    *folders, name = path.strip("/").split("/")
    if folders[:1] == ["Volumes"] and len(folders) > 1:
        return folders[1], folders[2:], name
    return DISK, folders, name
