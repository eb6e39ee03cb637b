"""The script for a system's environment: python inside.py SYSTEM.py OUTPUT [WAV [WEIGHTS]].

Without a WAV it only tests the imports. It writes a JSON object to OUTPUT, with `version` and
either `answer` or `error`. It uses only the standard library of Python 3.7 and later, because that
environment does not contain dropgrid.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, List, Optional  # noqa: UP035  Python 3.7 has no list[str]


def load(path: str) -> Any:
    """The module of a system, from its file, under a name that no package has."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("dropgrid_system", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def version(package: str) -> Optional[str]:  # noqa: UP045
    """The version of a distribution, None if it is unknown."""
    try:
        return importlib.import_module("importlib.metadata").version(package)
    except Exception:  # before Python 3.8, or a package that was only copied
        return None


def numbers(value: Any) -> Any:
    """An answer in plain Python types: arrays as lists, NumPy scalars as numbers."""
    if isinstance(value, dict):
        return {name: numbers(item) for name, item in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [numbers(item) for item in value] if isinstance(value, (list, tuple)) else value


def main(words: List[str]) -> int:  # noqa: UP006
    """Write the version, and the estimate or the error, as JSON."""
    system, output = words[:2]
    del sys.path[0]  # the folder of this file, whose modules have the names of the systems
    answer = {}
    try:
        module = load(system)
        if hasattr(module, "prepare"):
            module.prepare()
        for name in module.IMPORTS:
            importlib.import_module(name)
        answer["version"] = version(module.PACKAGE)
        if len(words) > 2:
            weights = words[3] if len(words) > 3 else None
            answer["answer"] = numbers(module.estimate(words[2], weights))
    except Exception as error:
        text = " ".join(str(error).split())
        answer["error"] = type(error).__name__ + (": " + text if text else "")
    with open(output, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
