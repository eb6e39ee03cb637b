"""What runs inside a system's own environment: python inside.py SYSTEM.py OUTPUT [WAV [WEIGHTS]].

Without a WAV it only tries the imports. Writes a JSON object to OUTPUT: `version`, and either
`answer` or `error`. Standard library alone, for Python 3.7 and later: dropgrid is not there.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, List, Optional  # noqa: UP035  Python 3.7 has no list[str]


def load(path: str) -> Any:
    """The module of a system, by its file, under a name that hides none of its packages."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("dropgrid_system", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def version(package: str) -> Optional[str]:  # noqa: UP045
    """The version of a distribution, None where it is unknown."""
    try:
        return importlib.import_module("importlib.metadata").version(package)
    except Exception:  # before Python 3.8, or a package that was only copied
        return None


def numbers(value: Any) -> Any:
    """An answer in plain Python: arrays as lists, their scalars as numbers."""
    if isinstance(value, dict):
        return {name: numbers(item) for name, item in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return [numbers(item) for item in value] if isinstance(value, (list, tuple)) else value


def main(words: List[str]) -> int:  # noqa: UP006
    """Answer as dropgrid asks: the version, the estimate or the error, as JSON."""
    system, output = words[:2]
    del sys.path[0]  # the folder of this file, whose modules are called as the systems are
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
