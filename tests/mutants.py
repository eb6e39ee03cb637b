"""Mutation testing: change operators, numbers and conditions one by one, and run the unit tests.

    .venv/bin/python tests/mutants.py rhythm/fit.py jobs library.py [--sample 20 --seed 1] [--near]

Each mutant of a file is tested in a copy of the package with the unit tests of its room: first the
tests that call the changed function, shortest first, then the others, until one fails. The mutant
survives if all pass; survivors are printed with their line. This takes hours, so `make test` does
not include it. With --near only the tests of the first group run: this takes minutes, and the
number of killed mutants is a lower bound.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("workflow/dropgrid")
# Rooms whose loops exist in C and in Python: test_native.py compares the two.
COMPILED = ("audio", "features", "rhythm")
PATIENCE = 30, 8  # a mutant hangs after this many seconds plus this multiple of the usual time
TOKENS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip

# A function: its file below the checkout, and its first line, which may be a decorator.
Function = tuple[str, int]


class Mutant(NamedTuple):
    """A change of a file of the package."""

    path: Path  # below the checkout
    line: int
    change: str  # "old  ->  new"
    text: str  # of the whole file
    function: Function | None  # around the change, if any


def changes(node: ast.AST) -> Iterator[tuple[Any, Any, Any]]:
    """Changes of a node itself: the container of a part (list or dict), its key, the new part."""
    fields = vars(node)
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in TOKENS:
        yield fields, "op", TOKENS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        yield from ((node.ops, i, TOKENS[type(token)]()) for i, token in enumerate(node.ops))
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        if not isinstance(node.test, ast.UnaryOp):  # those are changed below
            yield fields, "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.keyword) and node.arg in ("frozen", "usedforsecurity"):
        return  # makes no difference
    for name, value in ast.iter_fields(node):
        parts = dict(enumerate(value)) if isinstance(value, list) else {name: value}
        holder = value if isinstance(value, list) else fields
        for key, part in parts.items():
            if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not | ast.USub):
                yield holder, key, part.operand
            elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
                yield holder, key, ast.Pass()
            elif isinstance(part, ast.Constant) and isinstance(part.value, bool):
                yield holder, key, ast.Constant(not part.value)
            elif isinstance(part, ast.Constant) and isinstance(part.value, int):
                yield holder, key, ast.Constant(part.value + 1)
            elif isinstance(part, ast.Constant) and isinstance(part.value, float):
                yield holder, key, ast.Constant(part.value * 1.5 or 1.0)


def mutants(path: Path) -> Iterator[Mutant]:
    """All mutants of a file of the checkout (a path below it)."""
    tree = ast.parse((ROOT / path).read_text())
    inside = dict(_functions(tree, None))
    for node in list(ast.walk(tree)):
        for holder, key, new in changes(node):
            old = holder[key]
            whole = isinstance(old, ast.operator | ast.boolop | ast.cmpop | ast.expr)
            line = getattr(node if whole else old, "lineno", getattr(old, "lineno", 0))
            change = _first_line(node if whole else old)
            holder[key] = new
            change += f"  ->  {_first_line(node if whole else new)}"
            text = ast.unparse(ast.fix_missing_locations(tree))
            holder[key] = old
            first = inside[node]
            function = None if first is None else (str(path), first)
            yield Mutant(path, line, change, text, function)


def _functions(node: ast.AST, first: int | None) -> Iterator[tuple[ast.AST, int | None]]:
    """Every node, with the first line of the function that contains it in its body, if any."""
    yield node, first
    for name, value in ast.iter_fields(node):
        inner = first
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name == "body":
            inner = min(part.lineno for part in [node, *node.decorator_list])
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _functions(part, inner)


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


@dataclass(eq=False)
class Calls:
    """A plugin of pytest that records the duration of each test and the functions it calls.

    The calls of a fixture count for every test that uses it, also if it is made only once.
    """

    copied: Path
    tests: dict[str, tuple[float, set[Function]]] = field(default_factory=dict)
    _of_fixtures: dict[Any, set[Function]] = field(default_factory=dict)
    _now: list[set[CodeType]] = field(default_factory=list)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> None:
        if self._now:
            self._now[-1].add(frame.f_code)

    @contextlib.contextmanager
    def _recording(self) -> Iterator[set[Function]]:
        codes: set[CodeType] = set()
        recorded: set[Function] = set()
        self._now.append(codes)
        sys.settrace(self._trace)
        threading.settrace(self._trace)
        try:
            yield recorded
        finally:
            self._now.remove(codes)
            top = f"{self.copied}{os.sep}"
            recorded |= {
                (code.co_filename.removeprefix(top), code.co_firstlineno)
                for code in codes
                if code.co_filename.startswith(top)
            }

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        with self._recording() as recorded:
            result = yield
        self._of_fixtures[fixturedef] = recorded
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        began = time.monotonic()
        with self._recording() as recorded:
            result = yield
        for fixtures in item._fixtureinfo.name2fixturedefs.values():
            recorded |= self._of_fixtures.get(fixtures[-1], set())
        self.tests[item.nodeid] = time.monotonic() - began, recorded
        return result

    def write(self, path: Path) -> None:
        """Write the tests with their seconds and functions, and all imported modules."""
        path.write_text(
            json.dumps(
                {
                    "tests": {name: [t, sorted(calls)] for name, (t, calls) in self.tests.items()},
                    "modules": [name for name, module in sys.modules.items() if module],
                }
            )
        )


@dataclass(eq=False)
class Chosen:
    """A plugin of pytest that runs only the named tests, in their order."""

    names: list[str]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        rank = {name: i for i, name in enumerate(self.names)}
        items[:] = sorted((i for i in items if i.nodeid in rank), key=lambda i: rank[i.nodeid])


def run(arguments: list[str], copied: Path, seconds: float, plugin: Calls | Chosen) -> str:
    """Run tests on the package in a copy of the checkout: "passed", "failed" or "hung".

    They run in a separate session, in a grandchild: some tests send signals to their parent.
    """
    first = os.fork()
    if first == 0:
        os.setsid()
        second = os.fork()
        if second:
            os._exit(1 if os.waitpid(second, 0)[1] else 0)
        os._exit(_pytest(arguments, copied, plugin))
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            time.sleep(0.01)
            ended, status = os.waitpid(first, os.WNOHANG)
            if ended:
                return "failed" if status else "passed"
        return "hung"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(first, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(first, 0)


def _pytest(arguments: list[str], copied: Path, plugin: Calls | Chosen) -> int:
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    sys.path.insert(0, str(copied / "workflow"))
    os.environ |= {"PYTHONPATH": sys.path[0], "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = isinstance(plugin, Chosen)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler",
               "-m", "not slow or smoke", "--rootdir", str(ROOT),
               "--basetemp", str(copied / "tests")]  # fmt: skip
    code = int(pytest.main([*options, *arguments], plugins=[plugin]))
    if isinstance(plugin, Calls):
        plugin.write(copied / "calls.json")
    return code


class Baseline:
    """The unit tests of a room: the duration of each, and the functions it calls."""

    def __init__(self, tests: list[Path], copied: Path) -> None:
        if run(list(map(str, tests)), copied, 3600, Calls(copied)) != "passed":
            sys.exit(f"{tests[0]}: the tests fail without any change")
        recorded = json.loads((copied / "calls.json").read_text())
        self.seconds = {name: seconds for name, (seconds, _) in recorded["tests"].items()}
        self.calls = {
            name: {(path, line) for path, line in calls}
            for name, (_, calls) in recorded["tests"].items()
        }
        _import(recorded["modules"])

    def steps(self, mutant: Mutant, near_only: bool) -> Iterator[list[str]]:
        """Names of the tests to run on a mutant, step by step."""
        if mutant.function:
            near = [name for name, calls in self.calls.items() if mutant.function in calls]
        else:
            path = str(mutant.path)
            near = [name for name, calls in self.calls.items() if path in {p for p, _ in calls}]
        near.sort(key=lambda name: self.seconds[name])
        yield near
        if not near_only:
            yield [name for name in self.seconds if name not in set(near)]

    def outcome(self, mutant: Mutant, copied: Path, near_only: bool) -> str:
        """Test a mutant whose text is in the copy: "passed", "failed" or "hung"."""
        for names in filter(None, self.steps(mutant, near_only)):
            files = sorted({name.partition("::")[0] for name in names})
            seconds = PATIENCE[0] + PATIENCE[1] * sum(self.seconds[name] for name in names)
            paths = [str(ROOT / file) for file in files]
            if (outcome := run(paths, copied, seconds, Chosen(names))) != "passed":
                return outcome
        return "passed"


def _import(modules: list[str]) -> None:
    """Import the libraries of the tests once for all children, but not the package itself."""
    folder = Path(pytest.__file__).parents[1]
    installed = {path.name.removesuffix(".py") for path in folder.iterdir()}
    installed -= {"dropgrid", "snakemake_logger_plugin_dropgrid", "matplotlib"}
    for name in modules:
        if name.partition(".")[0] in installed | sys.stdlib_module_names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("of", nargs="+", help="rooms or files below workflow/dropgrid")
    parser.add_argument("--sample", type=int, help="this many random mutants of each room")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument(
        "--near", action="store_true", help="run only the tests that call the changed function"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in arguments.of:
        top = ROOT / PACKAGE / name
        files = sorted(top.rglob("*.py")) if top.is_dir() else [top]
        found = [mutant for file in files for mutant in mutants(file.relative_to(ROOT))]
        if arguments.sample is not None and arguments.sample < len(found):
            found = random.Random(arguments.seed).sample(found, arguments.sample)
        try_all(name, found, tests_of(name), arguments.near)


def tests_of(name: str) -> list[Path]:
    """The unit tests of a room, or of a file below the package."""
    unit, room = ROOT / "tests/unit", Path(name).parts[0]
    tests = unit / room if (unit / room).is_dir() else unit / f"test_{Path(name).stem}.py"
    if not tests.exists():
        sys.exit(f"{name}: no unit tests at {tests.relative_to(ROOT)}")
    return [tests, unit / "test_native.py"] if room in COMPILED else [tests]


def try_all(room: str, found: list[Mutant], tests: list[Path], near_only: bool) -> None:
    """Test mutants of a room; print the survivors and the number of killed mutants."""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder).resolve()
        shutil.copytree(ROOT / "workflow", copied / "workflow")
        baseline = Baseline(tests, copied)
        outcomes: list[str] = []
        try:
            for mutant in found:
                whole = (copied / mutant.path).read_text()
                (copied / mutant.path).write_text(mutant.text)
                outcomes.append(baseline.outcome(mutant, copied, near_only))
                (copied / mutant.path).write_text(whole)
                if outcomes[-1] == "passed":
                    print(f"  survived: {mutant.path}:{mutant.line}: {mutant.change}", flush=True)
        finally:  # also if interrupted: of the mutants tested until then
            hung = outcomes.count("hung")
            killed = outcomes.count("failed") + hung
            bound = "at least " if near_only else ""
            print(f"{room}: {bound}{killed} of {len(outcomes)} killed ({hung} hung)", flush=True)


if __name__ == "__main__":
    main()
