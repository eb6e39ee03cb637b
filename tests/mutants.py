"""Whether the unit tests notice: every operator, number and condition changed, one at a time.

    .venv/bin/python tests/mutants.py rhythm/fit.py jobs library.py [--sample 20]

Each mutant of a file of the package is tried in a copy of it, against the unit tests of its room.
It survives if they pass; survivors are printed with their line. No part of `make test`: hours.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("workflow/dropgrid")
TOKENS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    """Changes of a node itself: (field, index in it or None, what to put there)."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in TOKENS:
        yield "op", None, TOKENS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        yield from (("ops", i, TOKENS[type(token)]()) for i, token in enumerate(node.ops))
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and not _denies(node.test):
        yield "test", None, ast.UnaryOp(ast.Not(), node.test)
    for field, value in ast.iter_fields(node):
        for i, own in enumerate(value if isinstance(value, list) else [value]):
            place = i if isinstance(value, list) else None
            if getattr(node, "arg", "") in ("frozen", "usedforsecurity"):
                continue  # makes no difference
            if isinstance(own, ast.UnaryOp) and isinstance(own.op, ast.Not | ast.USub):
                yield field, place, own.operand
            elif isinstance(own, ast.Expr) and isinstance(own.value, ast.Call):
                yield field, place, ast.Pass()
            elif isinstance(own, ast.Constant) and isinstance(own.value, int | float):
                yield field, place, ast.Constant(_other(own.value))


def _denies(test: ast.expr) -> bool:
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _other(value: int | float) -> int | float:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value * 1.5 or 1.0


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """All mutants of a module: what was changed ("line 7: old -> new"), and its new text."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for field, place, put in changes(node):
            other = copy.deepcopy(tree)
            changed = next(n for i, n in enumerate(ast.walk(other)) if i == number)
            line = getattr(node, "lineno", "?")
            if place is None:
                setattr(changed, field, put)
            else:
                was = getattr(changed, field)[place]
                line = getattr(was, "lineno", line)
                getattr(changed, field)[place] = put
            said = [ast.unparse(n).splitlines()[0] for n in (node, changed)]
            if said[0] == said[1] and place is not None:  # in the body of a longer statement
                said = [ast.unparse(n) for n in (was, put)]
            yield (
                f"line {line}: {said[0]}  ->  {said[1]}",
                ast.unparse(ast.fix_missing_locations(other)),
            )


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
    parser.add_argument("--sample", type=int, help="mutants of each file, chosen by a fixed seed")
    arguments = parser.parse_args()
    import numpy  # noqa: F401  once for all children
    import pytest  # noqa: F401

    for name in arguments.of:
        tests = ROOT / "tests/unit" / Path(name).parts[0]
        tests = tests if tests.is_dir() else tests.with_name(f"test_{Path(name).stem}.py")
        top = ROOT / PACKAGE / name
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            own = sorted(tests.glob(f"test_*{path.stem}.py"))  # the likeliest to fail come first
            try_all(
                path.relative_to(ROOT), [str(test) for test in (*own, tests)], arguments.sample
            )


def try_all(path: Path, tests: list[str], sample: int | None) -> None:
    """Try the mutants of a file, and print those that survive and how many do not."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder)
        shutil.copytree(ROOT / "workflow", copied / "workflow")
        began = time.monotonic()
        if not passes(tests, copied, 600):
            sys.exit(f"{tests[0]}: the tests must pass before anything is changed")
        seconds = 10 + 4 * (time.monotonic() - began)
        found = list(mutants((ROOT / path).read_text()))
        if sample is not None and sample < len(found):
            found = random.Random(0).sample(found, sample)
        survived = 0
        for said, text in found:
            (copied / path).write_text(text)
            if passes(tests, copied, seconds):
                survived += 1
                print(f"  survived: {path}: {said}", flush=True)
        print(f"{path}: {len(found) - survived} of {len(found)} killed", flush=True)


if __name__ == "__main__":
    main()
