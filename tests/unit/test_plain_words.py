"""README, documents, help texts and the page keep clear of phrases that stop a native reader."""

from __future__ import annotations

import argparse
import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from dropgrid.commands.main import COMMANDS, parser_of

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "workflow" / "dropgrid" / "report" / "static"
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "config/README.md", *(ROOT / "docs").glob("*.md")])
# One regular expression each; upper and lower case alike.
PHRASES = (
    r"\bthe one\b(?! (that|who|which|with|of|in|on|at|you|whose|without|before|after)\b)",
    r"\b(place|places) of the one\b",
    r"\bones apart\b",
    r"\bknown again\b",
    r"\b(is|are) told\b",
    r"\btold with\b",
    r"\bwhose a folder\b",
    r"\bthat are ours\b",
    r"\bown word\b",
    r"\bleft the library\b",
    r"\bhas a say\b",
    r"\bspeaks? for (?!it(self|s))",
    r"\bsure of\b",
    r"\ba row a track\b",
    r"\bput right\b",
    r"\bfor good\b",
    r"\bby doing it\b",
    r"\b(is heard as|heard as a witness|is felt)\b",
    r"\bno more than it (must|has to)\b",
    r"\bthe doors\b",
    r"\bat hand\b",
    r"\bsays beside\b",
    r"\bwithout end\b",
    r"\bgo far\b",
    r"\bma(de|kes?) (\w+ )?anew\b",
    r"\bof its own(er)? accord\b",
    r"\bunless said otherwise\b",
    r"\bnothing else is stated\b",
    r"\b(a person|somebody|you|is|are|was|were) stated?\b",
    r"\bheld to be\b",
    r"\btells? (of|the scores|us|which|what|how)\b",
    r"\b(not|only|cannot be) (to be )?told\b",
    r"\bnot called by people\b",
    r"\bwhere all goes\b",
    r"\bmost (memory|time) (for|to)\b",
)
JS_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`""",
    re.DOTALL,
)


def found(text: str) -> list[str]:
    """The phrases of the list in a text, however its lines are broken."""
    text = " ".join(text.split())
    return [
        text[max(0, hit.start() - 30) : hit.end() + 30]
        for phrase in PHRASES
        for hit in re.finditer(phrase, text, re.IGNORECASE)
    ]


def helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The help of a parser and of the parsers below it."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from helps(below)


def strings(script: str) -> list[str]:
    """The strings of a JavaScript file, comments left out."""
    return [next(filter(None, hit.groups()), "") for hit in JS_STRING.finditer(script)]


def prose(path: Path) -> str:
    """The docstrings and comments of a module."""
    with path.open("rb") as stream:
        tokens = list(tokenize.tokenize(stream.readline))
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    nodes = ast.walk(ast.parse(path.read_text()))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)]
    return "\n".join(comments + docstrings)


def test_docstrings_do_not_say_ours() -> None:
    ours = re.compile(r"\b[Oo]urs\b")
    modules = sorted((ROOT / "workflow" / "dropgrid").rglob("*.py"))
    named = [path for path in modules if ours.search(path.read_text())]  # in code it is a name
    assert [path for path in named if ours.search(prose(path))] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_are_in_plain_words(path: Path) -> None:
    assert not found(path.read_text())


@pytest.mark.parametrize("command", COMMANDS)
def test_helps_are_in_plain_words(command: str) -> None:
    assert not [hit for text in helps(parser_of([command])) for hit in found(text)]


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_the_page_is_in_plain_words(path: Path) -> None:
    text = path.read_text()
    pieces = strings(text) if path.suffix == ".js" else [text]
    assert not [hit for piece in pieces for hit in found(piece)]


def test_the_list_finds_what_it_names() -> None:
    assert found("the beats lie beside it: put\n  right, for good")
    assert found("blend, ones apart") and found("A record is told with file and field")
    assert found("high on the one |") and not found("the one that is loudest")
    script = "say(\"put right\"); // for good\nlook = `known ${n} again`; at('go far');"
    assert strings(script) == ["put right", "", "known ${n} again", "go far"]
