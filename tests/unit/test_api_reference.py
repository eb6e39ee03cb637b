"""The Python reference is that of the code, its examples are true, and nothing public is without
a docstring."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import dropgrid
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path(dropgrid.__file__).parent
WITH_EXAMPLES = ["base.text", "evaluation.tempo", "export.comments", "export.cues", "key.notation",
                 "library", "mixing.score", "mixing.set_files", "results.artefacts"]  # fmt: skip


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec is not None and spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert maker.PAGE.read_text("utf-8") == maker.page(), "run: python docs/make_api.py"
    assert "### `analyze(" in maker.page()


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"dropgrid.{name}"))
    assert found.attempted and not found.failed


def test_all_modules_with_examples_are_tried() -> None:
    names = (name for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], "dropgrid."))
    paths = {name: PACKAGE.parent / (name.replace(".", "/") + ".py") for name in names}
    modules = {
        name.removeprefix("dropgrid.")
        for name, path in paths.items()
        if path.is_file() and ">>>" in path.read_text("utf-8")
    }
    assert modules == set(WITH_EXAMPLES)


def without_docstring(node: ast.AST, place: str) -> Iterator[str]:
    """The public functions, methods and classes below a node that have no docstring."""
    for item in ast.iter_child_nodes(node):
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not item.name.startswith("_"):
            if ast.get_docstring(item) is None:
                yield f"{place}: {item.name}"
            if isinstance(item, ast.ClassDef):
                yield from without_docstring(item, f"{place}: {item.name}")


def test_nothing_public_is_without_docstring() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if "shipped" not in path.parts]
    assert len(paths) > 200
    bare = [
        line
        for path in paths
        for line in without_docstring(ast.parse(path.read_text("utf-8")), str(path))
    ]
    assert bare == []
