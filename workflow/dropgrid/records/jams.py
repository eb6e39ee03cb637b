"""Write JAMS documents, for exports and evaluations.

Source: Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR
research", ISMIR 2014; schema 0.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import __version__

VERSION = "0.3.5"


def observation(time: float, duration: float, value: Any, confidence: float | None = None) -> Any:
    """An observation: times in seconds."""
    return {
        "time": round(time, 6),
        "duration": round(duration, 6),
        "value": value,
        "confidence": confidence,
    }


def annotation(namespace: str, duration: float, data: list[Any], tools: str) -> dict[str, Any]:
    """An annotation of a whole track. tools: what made it."""
    return {
        "namespace": namespace,
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": __version__,
            "corpus": "",
            "annotation_tools": tools,
            "annotation_rules": "",
            "validation": "",
            "data_source": "program",
        },
        "data": data,
        "sandbox": {},
        "time": 0.0,
        "duration": duration,
    }


def document(
    track: str,
    duration: float,
    annotations: list[Any],
    texts: Mapping[str, str],
    sandbox: Mapping[str, Any],
) -> bytes:
    """The file of a track. texts: its title, artist and release. sandbox: other data.

    Its beginning and its identifier show that dropgrid wrote it (results.output_guard).
    """
    values = {
        "annotations": annotations,
        "file_metadata": {
            **{name: texts.get(name, "") for name in ("title", "artist", "release")},
            "duration": duration,
            "identifiers": {"dropgrid": track},
            "jams_version": VERSION,
        },
        "sandbox": {"dropgrid": dict(sandbox)},
    }
    return json.dumps(values, allow_nan=False).encode() + b"\n"
