"""What a template of pads may hold, and how what is wrong in it is named."""

from __future__ import annotations

import pytest
from dropgrid.records.cue_template import MAX_NAME, PADS, PRESETS, Pad, template


def test_presets_fill_eight_pads_and_standard_is_none() -> None:
    assert template("standard") is None
    for preset in PRESETS[1:]:
        assert len(template(preset)) == PADS
    assert template("drops")[1] == Pad("drop", 1, -16, "bar")


@pytest.mark.parametrize(
    ("entry", "pad"),
    [
        ("drop", Pad("drop")), (" drop_12 ", Pad("drop", 12)), ("empty", None),
        ("mix_out+1000beats", Pad("mix_out", 1, 1000, "beat")),
        ("drop_1 - 1 bar", Pad("drop", 1, -1, "bar")),
        ({"at": "drop", "name": "x" * MAX_NAME}, Pad("drop", name="x" * MAX_NAME)),
        ({"at": "drop", "colour": "#ABCDEF"}, Pad("drop", colour="#abcdef")),
        ({"at": "empty"}, None),
    ],
)  # fmt: skip
def test_an_entry_is_a_moment_with_offset_name_and_colour(entry, pad) -> None:
    assert template([entry]) == (pad,)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("dropz", "no preset 'dropz' (did you mean drops?)"), ([], "0 entries"),
        (["drop"] * 9, "9 entries"), ([3], "neither a moment nor a mapping"),
        ([{"at": "drop", "nam": "x"}], "no 'nam' (did you mean name?)"),
        (["drop_0"], "is not a moment"), (["dropp"], "did you mean drop"),
        (["mix_in_2"], "there is only one mix_in"), (["drop + 1001 bars"], "at most 1000"),
        ([{"at": "drop", "name": "  "}], "not a text of 1 to 40"),
        ([{"at": "drop", "name": "x" * 41}], "not a text of 1 to 40"),
        ([{"at": "drop", "colour": "red"}], "not a colour such as"),
        ([{"at": "empty", "name": "x"}], "an empty pad has no name"),
        ([{"at": "empty", "colour": "#000000"}], "an empty pad has no name"),
        ([{"name": "x"}], "None is not a moment"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(value, reason) -> None:
    with pytest.raises(ValueError) as raised:
        template(value)
    assert reason in str(raised.value)
