"""Writes docs/api.md from the docstrings: `python docs/make_api.py`.

What it lists is what scripts and notebooks import. tests/unit/test_api_reference.py holds that the
page is current and that the examples in docstrings are true.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).with_name("api.md")
MODULES = (
    "api", "library", "results.frames", "results.library_reader", "results.layout",
    "results.artefacts", "records.model", "records.store", "records.track", "records.passages",
    "structure.queries", "key.notation", "apply_corrections.model", "apply_corrections.edits",
    "evaluation.tempo", "evaluation.beats", "evaluation.structure", "evaluation.key",
    "evaluation.bootstrap", "references.annotation", "references.collect", "export",
)  # fmt: skip
HEAD = """# Python reference

Made from the docstrings by `python docs/make_api.py`; a test holds that it is current.
Start with `dropgrid.api`, which has what a notebook needs;
[architecture.md](architecture.md) says where everything else is.

"""


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join(_module(f"dropgrid.{name}") for name in MODULES)


def _module(name: str) -> str:
    module = importlib.import_module(name)
    lines = [f"## {name}", "", _text(module), ""]
    for item in public(module):
        lines += [f"### `{_head(item)}`", "", _text(item), ""]
        for method in _methods(item):
            lines += [f"- `{_head(method)}`: {_first(method)}"]
        lines += [""] * bool(_methods(item))
    return "\n".join(lines)


def public(module: ModuleType) -> list[object]:
    """The classes and functions that a module defines, in its order."""
    found = [
        item
        for name, item in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(item) or inspect.isfunction(item))
        and item.__module__ == module.__name__
    ]
    return sorted(found, key=lambda item: inspect.getsourcelines(item)[1])


def _methods(item: object) -> list[object]:
    if not inspect.isclass(item):
        return []
    members = [(name, member) for name, member in vars(item).items() if not name.startswith("_")]
    plain = [(name, getattr(member, "fget", None) or member) for name, member in members]
    return [member for _, member in plain if inspect.isfunction(member)]


def _head(item: object) -> str:
    """The name with what is handed in, without types: those are in the code."""
    name: str = item.__name__  # type: ignore[attr-defined]
    if inspect.isclass(item):
        if not dataclasses.is_dataclass(item):
            return name
        return f"{name}({', '.join(field.name for field in dataclasses.fields(item))})"
    assert inspect.isfunction(item)
    shown = []
    for parameter in inspect.signature(item).parameters.values():
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = parameter.default
        plain = default is None or isinstance(default, str | int | float | tuple)
        ending = "" if default is parameter.empty else f"={default!r}" if plain else "=..."
        if parameter.name != "self":
            shown.append(f"{star}{parameter.name}{ending}")
    return f"{name}({', '.join(shown)})"


def _first(item: object) -> str:
    return " ".join((inspect.getdoc(item) or "").partition("\n\n")[0].split())


def _text(item: object) -> str:
    """A docstring as text; examples, tables and what is indented stand in blocks of code."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n", inspect.getdoc(item) or ""):
        if ">>>" not in block and not re.search(r"^\S+ {2,}\S|^ {2,}", block, re.M):
            found.append(block)
        elif found and found[-1].endswith("\n```"):  # one block, with a line between
            found[-1] = found[-1].removesuffix("```") + f"\n{textwrap.dedent(block)}\n```"
        else:
            found.append(f"```\n{textwrap.dedent(block)}\n```")
    return "\n\n".join(found)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {len(page().splitlines())} lines")
