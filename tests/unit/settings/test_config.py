"""The configuration: defaults, overrides, and errors a person understands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dropgrid.base.errors import ConfigError
from dropgrid.rhythm import RhythmOptions
from dropgrid.settings.config import complete_config, load_config
from dropgrid.settings.options import build_options
from dropgrid.settings.paths import DEFAULTS
from dropgrid.structure import StructureOptions

ROOT = Path(__file__).resolve().parents[3]


def test_an_option_given_leaves_the_other_defaults_alone():
    config = complete_config({"bpm": {"min_bpm": 70}})
    assert config["bpm"]["min_bpm"] == 70
    assert config["bpm"]["max_bpm"] == load_config()["bpm"]["max_bpm"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"librari": "x"}, r"no option librari \(did you mean library\?\); known: .*library"),
        ({"bpm": {"min": 3}}, "bpm: there is no option min"),
        ({"bpm": {"min_bpm": "slow"}}, "bpm.min_bpm: 'slow' is not a number"),
        ({"bpm": 90}, r"^bpm: 90 is not a set of options in braces, as in 'key=\{"),
        ({"analyses": "bpm"}, "analyses: 'bpm' is not a list in brackets"),
        ({"bpm": {"method": "guess"}}, "bpm.method: 'guess' is not allowed; expected: madmom"),
        ({"max_workers": 0}, "max_workers: 0 is not allowed"),
        ({"default_workers": -2}, "default_workers: -2 is not allowed"),
        ({"analyses": []}, "analyses: "),
        ({"library": 3}, "library: 3 is not allowed; expected: a folder, a list of folders"),
        ({"bpm": {"min_bpm": 100, "max_bpm": 150}}, "bpm.max_bpm: must be at least twice"),
        ({"results": "a{b}"}, "results: "),
    ],
)
def test_a_wrong_option_is_named_with_the_reason(given, reason):
    with pytest.raises(ConfigError, match=reason):
        complete_config(given)


def test_what_a_command_line_hands_on_as_text_is_understood():
    given = {"ignore_metadata": "true", "bpm": {"max_bpm": "200", "method": "librosa"}}
    config = complete_config(given | {"evaluation": {"sample_size": "null"}, "library": "12"})
    assert config["ignore_metadata"] is True
    assert (config["bpm"]["max_bpm"], config["bpm"]["method"]) == (200, "librosa")
    assert config["evaluation"]["sample_size"] is None
    assert config["library"] == "12"


def test_all_wrong_options_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        complete_config({"max_workers": 0, "analyses": ["mood"]})
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_not_a_yaml_mapping_is_named(tmp_path):
    for text in ("a: [", "- a\n", "\xff"):
        (tmp_path / "mine.yaml").write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigError, match=r"mine\.yaml"):
            load_config(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("section", "kind", "elsewhere"),
    [("bpm", RhythmOptions, {"method"}), ("structure", StructureOptions, set())],
)
def test_the_defaults_of_the_file_are_those_of_the_code(section, kind, elsewhere):
    values = {k: v for k, v in load_config()[section].items() if k not in elsewhere}
    assert build_options(kind, values, section) == kind()


def test_an_unknown_option_of_a_stage_is_named():
    with pytest.raises(
        ConfigError, match=r"bpm\.tempo: there is no such option; known: .*min_bpm"
    ):
        build_options(RhythmOptions, {"tempo": 1}, "bpm")


def test_every_option_is_documented():
    documentation = (ROOT / "config" / "README.md").read_text()

    def names(values: dict) -> list[str]:
        nested = [names(v) if isinstance(v, dict) else [k] for k, v in values.items()]
        return [name for group in nested for name in group]

    for name in names(yaml.safe_load(DEFAULTS.read_text())):
        assert f"`{name}`" in documentation, name
