"""Other systems, run where they are installed: their answers beside dropgrid's.

A system is a module of this room that says
    NAME, HELP    as people type it, and what it is in a line
    PACKAGE       the distribution whose version stands in the answers
    IMPORTS       the modules that its environment must be able to import
    INSTALL       how to install it, in a line
    WEIGHTS       only where it needs trained weights that its users have: what they are
and has
    estimate(wav, weights) -> dict    its answer: any of bpm (BPM), beats, downbeats (seconds,
        the downbeats among the beats), key ("A minor"), sections ([start, end, label])
    prepare()     optional: what its environment needs before the imports
Such a module runs in the system's own environment, by a Python that may be old and lacks
dropgrid: it imports the standard library alone until it is called, and nothing of dropgrid.
Nothing else lists the systems.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from ..base.errors import ConfigError


@cache
def systems() -> dict[str, Any]:
    """The modules of the systems by name, in the order of the names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f".{name}", __package__) for name in names]
    return {module.NAME: module for module in modules if hasattr(module, "NAME")}


def system_of(name: str) -> Any:
    """The module of a system. Raises ConfigError."""
    if name not in systems():
        raise ConfigError(f"--with {name}: not a system; known: {', '.join(systems())}")
    return systems()[name]
