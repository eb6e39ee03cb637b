"""The colours of the sections, the same in every picture and on the report page.

Chosen to stay apart under the common colour-vision deficiencies and to reach a contrast of
3:1 against their background (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

SECTION_COLOURS = {  # on white
    "intro": "#7d8a9c",
    "buildup": "#bb7f00",
    "main": "#3d8b37",
    "drop": "#dc2f6c",
    "breakdown": "#2a74d0",
    "outro": "#3f4a5b",
}
SECTION_COLOURS_ON_DARK = {
    "intro": "#93a1b5",
    "buildup": "#f2b632",
    "main": "#8fe388",
    "drop": "#ff5585",
    "breakdown": "#4c9bff",
    "outro": "#637088",
}
