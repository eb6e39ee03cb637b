"""EDM-grids: electronic tracks composed and rendered on the spot, with exact truth, to compare
systems on.

styles       what the 15 styles play
timeline     where each beat lies: steady, drifting, ramped, played by hand, cut
composition  a piece from a seed and a number; its twins
traits       what can make a piece hard
draws        what chance decides: sections, keys, chords, tempo
arrangement  every stroke
piece        a piece and its truth
sounds, rendering   a piece as audio
truth        a piece as JAMS
make         a folder of pieces, with digests of their samples
score        systems' answers against a folder, and by cause
loader       the folder from Python, as mirdata does it
"""

from __future__ import annotations
