"""A Traktor collection with one track, from which tests read grids and cues."""

from __future__ import annotations

from pathlib import Path

NML = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<NML VERSION="20"><COLLECTION ENTRIES="1">
<ENTRY TITLE="a" LOCK="1"><LOCATION DIR="/:Users/:me/:" FILE="a.mp3" VOLUME="Disk"></LOCATION>
<INFO PLAYTIME="8" PLAYTIME_FLOAT="8.0" GENRE="House"></INFO><TEMPO BPM="120.000000"></TEMPO>
<CUE_V2 NAME="AutoGrid" TYPE="4" START="1250.000000" HOTCUE="-1"><GRID BPM="120.0"></GRID></CUE_V2>
<CUE_V2 NAME="AutoGrid" TYPE="4" START="5250.000000" HOTCUE="-1"><GRID BPM="60.0"></GRID></CUE_V2>
<CUE_V2 NAME="Intro" TYPE="0" START="0.000000" HOTCUE="0"></CUE_V2>
<CUE_V2 NAME="Drop 1" TYPE="0" START="5250.000000" HOTCUE="1"></CUE_V2>
</ENTRY></COLLECTION></NML>
"""


def nml(folder: Path, text: str = NML) -> Path:
    path = folder / "collection.nml"
    path.write_text(text)
    return path
