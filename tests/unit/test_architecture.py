"""The rooms of the package and who may import whom: docs/architecture.md in a form that holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "workflow" / "dropgrid"
SHIPPED = "shipped"  # holds no code: the workflow's files, as they lie in an installed package
# From the ground up: a room imports from lower floors only.
FLOORS = (
    ("base", "native"),
    ("records", "settings"),
    ("audio", "jobs", "library"),
    ("features",),
    ("rhythm", "structure", "key"),
    ("apply_corrections", "player_formats"),
    ("stages", "references"),
    ("results",),
    ("correcting",),
    ("run",),
    # None of these knows another.
    ("evaluation", "estimators", "export", "tagging", "pictures_and_sounds", "report", "mixing",
     "demo_music"),
    ("synthetic_benchmark",),
    ("api", "commands"),
)  # fmt: skip
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
EMPTY = ("jobs", "run", "features/engines")  # their start-up is paid by every job


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """What a module of the package imports: parts of the name, from the package's top."""
    here = file.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (("", *alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield ("", *(node.module or "").split("."))
        elif isinstance(node, ast.ImportFrom):
            base = (*here[: len(here) - node.level + 1], *(node.module or "").split("."))
            yield from [p for p in [tuple(filter(None, base))] if p] or (
                (alias.name,) for alias in node.names
            )


@cache
def arrows() -> dict[str, set[str]]:
    """The rooms that each room imports from."""
    found: dict[str, set[str]] = {room: set() for room in FLOOR}
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if room.startswith("__"):
            continue
        found[room] |= {name[0] for name in imports(file) if name[0] and name[0] != "__version__"}
        found[room] -= {room}
    return found


@pytest.mark.parametrize("room", FLOOR)
def test_a_room_imports_from_lower_floors_only(room: str) -> None:
    above = {other for other in arrows()[room] if FLOOR[other] >= FLOOR[room]}
    assert not above, f"{room} imports {above}"


def test_every_room_is_on_a_floor_and_there_is_no_circle() -> None:
    # Files, not folders: a checkout keeps the compiled files of a room that was renamed.
    files = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    rooms = {path.parts[0] for path in files}
    assert {room for room in rooms if not room.startswith("_")} - {SHIPPED} == set(FLOOR)
    list(TopologicalSorter(arrows()).static_order())  # raises CycleError


def test_the_package_never_imports_snakemake() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert not any(name[:2] == ("", "snakemake") for name in imports(file)), file


@pytest.mark.parametrize("folder", EMPTY)
def test_rooms_that_every_job_enters_import_nothing_by_themselves(folder: str) -> None:
    assert (PACKAGE / folder / "__init__.py").read_text() == ""


def test_rooms_import_each_other_by_where_they_are() -> None:
    """Not by name: so that the floors above see every arrow."""
    for file in PACKAGE.rglob("*.py"):
        assert not any(name[:2] == ("", "dropgrid") for name in imports(file)), file


def test_the_document_shows_every_room_on_its_floor() -> None:
    text = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text()
    tree = text[text.index("From the ground up") : text.index("shipped/")].splitlines()[1:]
    names = [line[6:32] for line in tree]  # the column before the descriptions
    order = [word for part in names for word in part.split() if word in FLOOR]
    floors = [FLOOR[room] for room in dict.fromkeys(order)]
    assert set(order) == set(FLOOR) and floors == sorted(floors)
