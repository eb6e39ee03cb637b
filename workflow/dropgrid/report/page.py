"""Build the page: template, styles, scripts and data in a single file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import __version__
from ..base.colours import SECTION_COLOURS, SECTION_COLOURS_ON_DARK
from ..jobs.usage_log import Use
from ..results.metric_names import BEATS, BOUNDARIES, BPM, IN_GROUPS, KEY, STRUCTURE
from . import encode
from .bundle import bundle
from .collect import Evaluation, Report

STYLES = ("base.css", "library.css", "deck.css", "editor.css", "pages.css")


def build(report: Report, page: Path) -> bytes:
    """The page as UTF-8. page: its path, for the relative paths of the audio.

    Its content security policy allows only its own script to run and only audio to be fetched.
    """
    style = _palette() + "".join(_static(name) for name in STYLES)
    script = bundle("page_main.js", _static)
    policy = (
        "default-src 'none'; img-src data:; media-src file: http: https: blob:; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    parts = {
        "head": head(
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            f"<style>{style}</style>"
        ),
        "script": script,
        "library": encode.script_json(_library(report, page)),
        "details": "\n".join(encode.detail(view) for view in report.tracks),
        "evaluation": encode.script_json(evaluations_json(report.evaluations, report.systems)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _static("page.html")).encode("utf-8")


def head(more: str) -> str:
    """The head of the page, for a file and for the server. more: HTML to add."""
    return _static("head.html").replace("{{more}}", more)


def _library(report: Report, page: Path) -> dict[str, Any]:
    return {
        "version": __version__,
        "keys": encode.keys(),
        "tick": encode.TICK,
        "tracks": [encode.row(view, page) for view in report.tracks],
        "cost": costs_json(report.cost),
    }


def costs_json(cost: Mapping[str, Use]) -> dict[str, Any]:
    """The cost of the stages as JSON values for the page."""
    return {stage: asdict(use) for stage, use in cost.items()}


def evaluations_json(evaluations: Sequence[Evaluation], systems: Evaluation) -> dict[str, Any]:
    """The evaluations as JSON values for the page, with plots as data URLs."""
    if not evaluations:
        return {"documents": []}

    names = {
        "bpm": BPM, "beats": BEATS, "downbeats": BEATS, "structure": STRUCTURE, "key": KEY,
        "tempo": BPM, "boundaries": BOUNDARIES, "drops": STRUCTURE,
    }  # fmt: skip
    documents = [
        {"task": evaluation.task, "values": evaluation.values, "plots": _pictures(evaluation)}
        for evaluation in evaluations
    ]
    return {
        "names": names, "in_groups": IN_GROUPS, "documents": documents,
        "systems": dict(systems.values), "system_plots": _pictures(systems),
    }  # fmt: skip


def _pictures(evaluation: Evaluation) -> list[list[str]]:
    """[description, data URL] of each plot."""
    return [
        [name.replace("_", " "), "data:image/svg+xml;base64," + _base64(svg.encode())]
        for name, svg in evaluation.plots
    ]


def _palette() -> str:
    light = "".join(f"--{label}:{colour};" for label, colour in SECTION_COLOURS.items())
    dark = "".join(f"--{label}:{colour};" for label, colour in SECTION_COLOURS_ON_DARK.items())
    return f":root{{{light}}}\n:root[data-theme=dark]{{{dark}}}\n"


def _digest(text: str) -> str:
    return "sha256-" + _base64(hashlib.sha256(text.encode()).digest())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _static(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")
