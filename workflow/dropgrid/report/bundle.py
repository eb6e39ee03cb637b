"""Bundle ES modules into a single script, for a page without a server.

Browsers do not load modules from the file system, so the modules are joined in the scope of one
function, each after the modules that it imports, as a browser would run them. Names stay
unchanged, so two modules must not declare the same name.

Only these forms are supported, each on its own line:

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
    """The modules cannot be joined; the message names the module and the reason."""


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """The script of a module and all its imports. read: returns the text of a module.

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
            for imported in names.split(", "):
                if imported not in exported[source]:
                    raise BundleError(f"{name}: {source} does not export {imported}")
    joined = "\n".join(_plain(name, text) for name, text in modules.items())
    return f'(() => {{\n"use strict";\n{joined}}})();\n'


def _gather(
    name: str, read: Callable[[str], str], modules: dict[str, str], begun: set[str]
) -> None:
    """Add a module after the modules that it imports; stops at circular imports."""
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
