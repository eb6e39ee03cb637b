"""Other systems, run in their own environments, to compare their estimates with dropgrid's.

A system is a module of this room. It defines
    NAME, HELP    the name that users type, and a description in one line
    PACKAGE       the distribution whose version is stored with the estimates
    IMPORTS       the modules that its environment must be able to import
    INSTALL       how to install it, in one line
    WEIGHTS       a description of the trained weights, only if the user must provide them
    estimate(wav, weights) -> dict    its estimates: any of bpm (BPM), beats, downbeats (seconds,
        a subset of the beats), key ("A minor"), sections ([start, end, label])
    prepare()     optional: called before the imports
Such a module runs in the system's environment, with a Python that may be old and lacks dropgrid.
So at import time it uses only the standard library, and it never imports dropgrid. There is no
other list of the systems.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from ..base.errors import ConfigError


@cache
def systems() -> dict[str, Any]:
    """The modules of the systems by name, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f".{name}", __package__) for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


def system_of(name: str) -> Any:
    """The module of a system. Raises ConfigError."""
    if name not in systems():
        raise ConfigError(f"--with {name}: not a system; known: {', '.join(systems())}")
    return systems()[name]
