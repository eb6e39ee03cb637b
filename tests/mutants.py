"""Whether the unit tests notice: every operator, number and condition changed, one at a time.

    .venv/bin/python tests/mutants.py rhythm/fit.py jobs library.py [--sample 20 --seed 1]

Each mutant of a file of the package is tried in a copy of it, against the unit tests of its room.
It survives if they pass; survivors are printed with their line. No part of `make test`: hours.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("workflow/dropgrid")
TOKENS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[Any, Any, Any]]:
    """Changes of a node itself: what holds the part (a list or a dict), its key, the new part."""
    fields = vars(node)
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in TOKENS:
        yield fields, "op", TOKENS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        yield from ((node.ops, i, TOKENS[type(token)]()) for i, token in enumerate(node.ops))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        if not isinstance(node.test, ast.UnaryOp):  # else it is changed below
            yield fields, "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.keyword) and node.arg in ("frozen", "usedforsecurity"):
        return  # makes no difference
    for name, value in ast.iter_fields(node):
        parts = dict(enumerate(value)) if isinstance(value, list) else {name: value}
        held = value if isinstance(value, list) else fields
        for key, part in parts.items():
            if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not | ast.USub):
                yield held, key, part.operand
            elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
                yield held, key, ast.Pass()
            elif isinstance(part, ast.Constant) and isinstance(part.value, bool):
                yield held, key, ast.Constant(not part.value)
            elif isinstance(part, ast.Constant) and isinstance(part.value, int):
                yield held, key, ast.Constant(part.value + 1)
            elif isinstance(part, ast.Constant) and isinstance(part.value, float):
                yield held, key, ast.Constant(part.value * 1.5 or 1.0)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """All mutants of a module: what was changed ("line 7: old -> new"), and its new text."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for held, key, new in changes(node):
            old = held[key]
            whole = isinstance(old, ast.operator | ast.boolop | ast.cmpop | ast.expr)
            line = getattr(node if whole else old, "lineno", getattr(old, "lineno", "?"))
            said = _first_line(node if whole else old)
            held[key] = new
            said += f"  ->  {_first_line(node if whole else new)}"
            yield f"line {line}: {said}", ast.unparse(ast.fix_missing_locations(tree))
            held[key] = old


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def passes(tests: list[str], copied: Path, seconds: float) -> bool:
    """Whether tests pass, within seconds, on the package in a copy of the checkout.

    In a session of its own, two processes down: some tests send signals to their parent.
    """
    first = os.fork()
    if first == 0:
        os.setsid()
        second = os.fork()
        if second:
            os._exit(1 if os.waitpid(second, 0)[1] else 0)
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(quiet, descriptor)
        sys.path.insert(0, str(copied / "workflow"))
        os.environ |= {"PYTHONPATH": sys.path[0], "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
        os._exit(int(pytest.main([*options, "-m", "not slow", *tests])))
    until = time.monotonic() + seconds
    ended = status = 0
    while not ended and time.monotonic() < until:
        time.sleep(0.05)
        ended, status = os.waitpid(first, os.WNOHANG)
    if not ended:
        os.killpg(first, signal.SIGKILL)
        os.waitpid(first, 0)
    return bool(ended) and status == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("of", nargs="+", help="rooms or files below workflow/dropgrid")
    parser.add_argument("--sample", type=int, help="so many mutants of each room, by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    arguments = parser.parse_args()
    import numpy  # noqa: F401  once for all children
    import pytest  # noqa: F401

    for name in arguments.of:
        tests = ROOT / "tests/unit" / Path(name).parts[0]
        tests = tests if tests.is_dir() else tests.with_name(f"test_{Path(name).stem}.py")
        top = ROOT / PACKAGE / name
        files = sorted(top.rglob("*.py")) if top.is_dir() else [top]
        found = [(file.relative_to(ROOT), *m) for file in files for m in mutants(file.read_text())]
        if arguments.sample is not None and arguments.sample < len(found):
            found = random.Random(arguments.seed).sample(found, arguments.sample)
        try_all(name, found, tests)


def try_all(room: str, found: list[tuple[Path, str, str]], tests: Path) -> None:
    """Try mutants of a room (file, change, new text), print those that survive and how many don't.

    The tests of a mutant's own file come first: they are the likeliest to fail.
    """
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder)
        shutil.copytree(ROOT / "workflow", copied / "workflow")
        began = time.monotonic()
        if not passes([str(tests)], copied, 1200):
            sys.exit(f"{tests}: the tests must pass before anything is changed")
        seconds = 10 + 4 * (time.monotonic() - began)
        survived = 0
        for path, change, text in found:
            whole = (copied / path).read_text()
            (copied / path).write_text(text)
            own = sorted(tests.glob(f"test_*{path.stem}.py")) if tests.is_dir() else []
            if passes([*map(str, own), str(tests)], copied, seconds):
                survived += 1
                print(f"  survived: {path}: {change}", flush=True)
            (copied / path).write_text(whole)
        print(f"{room}: {len(found) - survived} of {len(found)} killed", flush=True)


if __name__ == "__main__":
    main()
