"""One lock file for everybody: pip, conda and what the project says it needs agree."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import dropgrid
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def read_requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


LOCK = [r for r in read_requirements("requirements.lock") if not r.marker or r.marker.evaluate()]
PINS = {requirement.name.lower().replace("_", "-"): requirement for requirement in LOCK}


def test_every_line_of_the_lock_pins_one_version_and_names_no_address():
    for requirement in LOCK:
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert requirement.url is None
    assert "://" not in (ROOT / "requirements.lock").read_text()
    assert "--" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_satisfies_every_direct_requirement():
    for requirement in read_requirements("requirements.in"):
        pin = PINS[requirement.name.lower().replace("_", "-")]
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), requirement


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_the_lock_satisfies_what_the_wheel_and_its_extras_ask_for():
    asked = [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]
    for requirement in map(Requirement, asked):
        if requirement.name == "dropgrid-models":  # made here, not fetched
            continue
        pin = PINS[requirement.name.lower().replace("_", "-")]
        version = str(pin.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), requirement


def imported() -> set[str]:
    """The packages that the wheel's code imports anywhere, but Python's and its own."""
    found = set()
    for file in (ROOT / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.partition(".")[0])
    ours = {"dropgrid", "snakemake_logger_plugin_dropgrid", "__future__"}
    return found - set(sys.stdlib_module_names) - ours


def test_everything_the_code_imports_is_asked_for():
    asked = {Requirement(r).name for r in PROJECT["dependencies"]}
    asked |= {Requirement(r).name for extra in set(EXTRAS) - {"dev"} for r in EXTRAS[extra]}
    modules = {name.lower().replace("-", "_") for name in asked} - {"pyyaml"} | {"yaml"}
    assert imported() <= modules


def test_the_lock_is_made_from_what_the_project_asks_for_and_nothing_else():
    asked = [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]
    names = {Requirement(r).name.lower() for r in asked} - {"dropgrid-models"}
    direct = {r.name.lower() for r in read_requirements("requirements.in")}
    # One follows from Snakemake, the other only helps to find versions that go together.
    assert names ^ direct == {"snakemake-interface-logger-plugins", "contourpy"}


def test_the_networks_are_made_with_the_pinned_packages():
    text = (ROOT / "packaging" / "models" / "pyproject.toml").read_text()
    for name in ("cython", "numpy"):
        made_with = re.search(rf'"({name}==[\d.]+)"', text)
        assert made_with
        assert Requirement(made_with[1]).specifier == PINS[name].specifier


def test_conda_users_get_the_same_pins_and_the_same_networks():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    [pip] = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip == ["--requirement requirements.lock", "./packaging/models", "--editable ."]
    by_conda = {Requirement(i).name for i in environment["dependencies"] if isinstance(i, str)}
    assert not by_conda & set(PINS), "pinned twice"


def test_conda_and_pip_users_need_the_same_python():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    [python] = [i for i in environment["dependencies"] if str(i).startswith("python")]
    project = (ROOT / "pyproject.toml").read_text()
    lowest = re.search(r'requires-python = ">=([\d.]+)"', project)
    assert lowest and Requirement(python).specifier.contains(lowest[1])


def test_madmom_is_built_with_the_pinned_cython_and_numpy():
    text = (ROOT / "packaging" / "madmom" / "pyproject.toml").read_text()
    for name in ("cython", "numpy"):
        built_with = re.search(rf'"({name}==[\d.]+)"', text)
        assert built_with
        assert Requirement(built_with[1]).specifier == PINS[name].specifier


@pytest.mark.parametrize("name", sorted(PINS))
def test_what_is_installed_is_what_the_lock_says(name):
    assert metadata.version(name) == str(PINS[name].specifier).removeprefix("==")


def test_the_rules_environment_is_this_version():
    environment = yaml.safe_load((ROOT / "workflow" / "envs" / "dropgrid.yaml").read_text())
    [pip] = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    [asked] = map(Requirement, pip)
    assert str(asked.specifier) == f"=={PROJECT['version']}" == f"=={dropgrid.__version__}"
    assert asked.extras <= set(EXTRAS)
    [python] = [i for i in environment["dependencies"] if str(i).startswith("python")]
    assert Requirement(python).specifier.contains(PROJECT["requires-python"].removeprefix(">="))


def test_one_version_everywhere():
    version = dropgrid.__version__
    assert PROJECT["version"] == version
    places = ("CITATION.cff", "CHANGELOG.md", "docs/install.md", "workflow/envs/dropgrid.yaml")
    for place in places:
        assert version in (ROOT / place).read_text(), place
