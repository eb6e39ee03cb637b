"""ES modules as the one script that a page without a server can hold.

A browser loads no modules from the file system, so the builder joins them: each after those that
it imports, as a browser would run them, in one function's scope. No name is changed, so that the
script reads as its sources do; two modules therefore must not declare the same one.

Understood are the forms that the page uses, each on a line of its own, and nothing else:

    import { name, other } from "./module.js";
    export const name = ...; export function name() ...
"""

from __future__ import annotations

import re
from collections.abc import Callable

IMPORT = re.compile(r'^import \{ ([\w$, ]+) \} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|const|let|class) )", re.MULTILINE)
DECLARED = re.compile(
    r"^(export )?(?:async function\*?|function\*?|const|let|class) ([\w$]+)", re.MULTILINE
)
LEFT = re.compile(r"^(import|export)\b.*|\bimport\(|^(?:const|let) [\[{].*", re.MULTILINE)


class BundleError(ValueError):
    """The modules cannot be joined; the message names the module and why."""


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """The script of a module and of all that it imports. read: the text of a module by its name.

    Raises BundleError.
    """
    modules: dict[str, str] = {}
    _gather(entry, read, modules, set())
    owners: dict[str, str] = {}
    exported: dict[str, set[str]] = {}
    for name, text in modules.items():
        exported[name] = set()
        for public, declared in DECLARED.findall(text):
            if declared in owners:
                raise BundleError(f"{name}: {declared} is declared in {owners[declared]} too")
            owners[declared] = name
            if public:
                exported[name].add(declared)
    for name, text in modules.items():
        for names, source in IMPORT.findall(text):
            for wanted in names.split(", "):
                if wanted not in exported[source]:
                    raise BundleError(f"{name}: {source} does not export {wanted}")
    joined = "\n".join(_plain(name, text) for name, text in modules.items())
    return f'(() => {{\n"use strict";\n{joined}}})();\n'


def _gather(
    name: str, read: Callable[[str], str], modules: dict[str, str], begun: set[str]
) -> None:
    """Put a module behind those that it imports; a circle ends where it closes."""
    begun.add(name)
    text = read(name)
    for _, source in IMPORT.findall(text):
        if source not in begun:
            _gather(source, read, modules, begun)
    modules[name] = text


def _plain(name: str, text: str) -> str:
    plain = EXPORT.sub("", IMPORT.sub("", text))
    if left := LEFT.search(plain):
        raise BundleError(f"{name}: cannot be joined: {left[0]}")
    return plain
