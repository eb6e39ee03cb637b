"""Where a file lies, as programs of other systems say it: the volume, the folders, the name."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..base.files import WINDOWS
from ..base.text import one_line

DISK = "Macintosh HD"  # what macOS calls the disk it starts from, unless its user says otherwise


def volume_and_folders(file: PurePath) -> tuple[str, list[str], str]:
    """(volume, folders from its top, name) of a file, whichever system its path is of.

    `C:/Music/a.mp3` lies on C:, `/Volumes/USB/a.mp3` on USB, any other path on DISK.
    """
    path = one_line(str(file))
    if match := WINDOWS.match(path):
        *folders, name = re.split(r"[/\\]+", path[match.end() :])
        return match["drive"], folders, name
    *folders, name = path.strip("/").split("/")
    if folders[:1] == ["Volumes"] and len(folders) > 1:
        return folders[1], folders[2:], name
    return DISK, folders, name
