"""Modules joined into one script; and what Node says of the page's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from dropgrid.records.model import LABELS
from dropgrid.report.bundle import BundleError, bundle

ROOT = Path(__file__).resolve().parents[3]
STATIC = files("dropgrid.report") / "static"
NODE = shutil.which("node")
IMPORTS_A = 'import { a } from "./b.js";\n'
NEEDS_NODE = pytest.mark.skipif(NODE is None, reason="no node: the page's scripts were not run")


def joined(**modules: str) -> str:
    return bundle("main.js", lambda name: modules[name.removesuffix(".js")])


def test_a_module_comes_after_those_it_imports_and_once() -> None:
    script = joined(
        main='import { a, b } from "./left.js";\nimport { c } from "./right.js";\na(b, c);\n',
        left='import { c } from "./right.js";\nexport const b = c;\nexport function a() {}\n',
        right="export const c = 1;\n",
    )
    assert re.findall(r"^(?:const|function) (\w)|^(a)\(", script, re.M) == [
        ("c", ""), ("b", ""), ("a", ""), ("", "a"),
    ]  # fmt: skip
    assert "import" not in script and "export" not in script
    assert script.startswith('(() => {\n"use strict";\n')


def test_modules_may_import_each_other_in_a_circle() -> None:
    script = joined(
        main='import { f } from "./other.js";\nexport const x = 1;\nf();\n',
        other='import { x } from "./main.js";\nexport const f = () => x;\n',
    )
    assert script.index("const f") < script.index("const x")


@pytest.mark.parametrize(
    ("modules", "why"),
    [
        ({"main": IMPORTS_A + "const c = 1;\n", "b": "export const a = 1;\nconst c = 2;\n"},
         "main.js: c is declared in b.js too"),
        ({"main": IMPORTS_A, "b": "const a = 1;\n"},
         "main.js: b.js does not export a"),
        ({"main": "export default 1;\n"}, "main.js: cannot be joined: export default 1;"),
        ({"main": 'import * as b from "./b.js";\n'}, 'cannot be joined: import \\* as b'),
        ({"main": "const [a, b] = [1, 2];\n"}, "cannot be joined: const \\[a, b\\]"),
        ({"main": 'const later = import("./b.js");\n'}, "cannot be joined: import"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused(modules: dict[str, str], why: str) -> None:
    with pytest.raises(BundleError, match=why):
        joined(**modules)


def test_every_script_of_the_page_is_reached_from_one_of_its_two_beginnings() -> None:
    reached = {"boot.js"}

    def read(name: str) -> str:
        reached.add(name)
        return (STATIC / name).read_text(encoding="utf-8")

    page = bundle("page_main.js", read)
    served = bundle("served_main.js", read)
    assert reached == {item.name for item in STATIC.iterdir() if item.name.endswith(".js")}
    assert "api/" in served and "api/" not in page  # the file asks for nothing


def test_the_labels_are_those_of_the_records() -> None:
    text = (STATIC / "labels.js").read_text(encoding="utf-8")
    listed = re.search(r"LABELS = (\[.*?\]);", text)
    assert listed and tuple(json.loads(listed[1])) == tuple(LABELS)


@NEEDS_NODE
def test_the_page_is_one_script_that_node_reads(tmp_path: Path) -> None:
    script = tmp_path / "page.cjs"
    script.write_text(bundle("page_main.js", lambda name: (STATIC / name).read_text("utf-8")))
    done = subprocess.run([str(NODE), "--check", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@NEEDS_NODE
def test_the_pure_parts_of_the_page_do_what_node_tests_say() -> None:
    tests = sorted((ROOT / "tests" / "javascript").glob("*.test.js"))
    done = subprocess.run(
        [str(NODE), "--test", *tests], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"# pass (\d+)", done.stdout) or re.search(r"pass (\d+)", done.stdout)
    assert ran and int(ran[1]) >= 20


def test_the_lock_file_of_the_linters_names_no_host() -> None:
    lock = (ROOT / "package-lock.json").read_text()
    assert "resolved" not in lock and "://" not in lock
