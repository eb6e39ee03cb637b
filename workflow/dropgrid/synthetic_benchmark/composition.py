"""Compose a piece of the benchmark: a seed and a number alone determine every stroke.

A twin is the same piece with one property changed, so that a failure has a known cause.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arrangement import play
from .draws import draw_chords, draw_curve, draw_form, draw_keys
from .piece import Piece
from .styles import NAMES, STYLES
from .traits import TWINS, draw_traits


def compose(seed: int, number: int, twin: str = "") -> Piece:
    """Compose a piece. The same arguments give the same piece; a twin changes one property."""
    if twin and twin not in TWINS:
        raise ValueError(f"twin {twin!r} is none of {', '.join(TWINS)}")
    random = np.random.default_rng([seed, number])
    style = NAMES[number % len(NAMES)]
    traits = draw_traits(random)
    meter = int(random.choice([3, 5, 7])) if "odd_meter" in traits else 4
    bpm = round(float(STYLES[style].bpm * random.uniform(0.94, 1.07)), int(random.choice([0, 2])))
    if meter == 7:
        bpm = round(bpm * 170 / STYLES[style].bpm, 1)
    form = draw_form(random, meter * 60 / bpm, "odd_phrases" in traits)
    bars = sum(count for _, count in form)
    piece = Piece(
        name=f"{number:04d}" + (f"-{twin}" if twin else ""),
        seed=seed,
        number=number,
        twin=twin,
        style=style,
        bpm=bpm,
        beats_per_bar=meter,
        bars=bars,
        pickup=int(random.integers(1, meter)) if "pickup" in traits else 0,
        start=float(random.choice([0.0, round(random.uniform(0.02, 1.5), 4)])),
        form=form,
        keys=(keys := draw_keys(random, form, "key_change" in traits)),
        chords=draw_chords(random, keys[0][1]),
        traits=traits,
        curve=draw_curve(random, traits, bars, meter, form),
        swing=float(random.uniform(0.2, 0.5)) if "swing" in traits else STYLES[style].swing,
        tuning=float(random.uniform(15, 45) * random.choice([-1, 1]))
        if "detuned" in traits
        else 0.0,
    )
    if twin == "swing":
        piece = replace(piece, swing=0.55 if piece.swing < 0.35 else 0.1)
    if twin == "jump":
        middle = sum(count for _, count in form[: len(form) // 2]) * meter + meter
        piece = replace(piece, curve=replace(piece.curve, jump=(piece.pickup + middle, 0.37)))
    played = play(piece, np.random.default_rng([seed, number, 1]))
    if twin == "without_kick":
        played = [stroke for stroke in played if stroke.layer != "kick"]
    first = -piece.pickup - 1e-9
    kept = [s for s in played if first <= s.beat < bars * meter]
    return replace(piece, strokes=tuple(sorted(kept)))
