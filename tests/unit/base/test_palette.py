"""The colours, measured: contrast, and distance under the common colour-vision deficiencies."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from dropgrid.base.colours import SECTION_COLOURS, SECTION_COLOURS_ON_DARK
from dropgrid.records.model import LABELS

# Machado, Oliveira, Fernandes 2009, severity 1; linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
STYLE = (files("dropgrid.report") / "static" / "base.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#\w{6})", block))
    for block in re.findall(r":root[^{]*{([^}]*)}", STYLE)
)
THEMES = [
    pytest.param(SECTION_COLOURS, LIGHT, id="light"),
    pytest.param(SECTION_COLOURS_ON_DARK, DARK, id="dark"),
]


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    low, high = sorted(float(LUMINANCE @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    matrix = [[0.4124, 0.3576, 0.1805], LUMINANCE, [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_label_has_its_colour() -> None:
    assert tuple(SECTION_COLOURS) == tuple(SECTION_COLOURS_ON_DARK) == LABELS


@pytest.mark.parametrize(("sections", "theme"), THEMES)
def test_sections_stand_out_from_their_background(sections: dict, theme: dict) -> None:
    for colour in sections.values():
        assert min(contrast(colour, theme[name]) for name in ("back", "panel")) >= 3


@pytest.mark.parametrize(("sections", "theme"), THEMES)
@pytest.mark.parametrize("vision", VISION)
def test_sections_differ_for_every_eye(sections: dict, theme: dict, vision: str) -> None:
    seen = [lab(np.array(VISION[vision]) @ linear(colour)) for colour in sections.values()]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 9  # CIE76; 2.3 is seen


@pytest.mark.parametrize(("sections", "theme"), THEMES)
def test_text_is_readable_on_every_surface(sections: dict, theme: dict) -> None:
    for ink in ("ink", "soft", "faint", "good", "warn", "bad"):
        for surface in ("back", "panel", "raised", "choose"):
            assert contrast(theme[ink], theme[surface]) >= 4.5, (ink, surface)
