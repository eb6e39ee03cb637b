"""The configuration: read, completed with the defaults, and checked before anything runs."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.errors import ConfigError
from ..base.text import suggestion
from .options import check_ranges
from .paths import DEFAULTS, SCHEMAS

SCHEMA = SCHEMAS / "config.schema.json"
METHODS = ("madmom", "open", "librosa")  # of bpm.method, besides the user's engines


def load_config(path: Path | None = None) -> dict[str, Any]:
    """The defaults with the options of a YAML file; only the defaults for None.

    Raises ConfigError naming the file or the option, and the reason.
    """
    return complete_config(_read_yaml(path) if path else {})


def complete_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of config/config.yaml with the given options, checked against the schema.

    Raises ConfigError with one line for each option that is wrong.
    """
    config = _merged(_read_yaml(DEFAULTS), given)
    if given:  # the defaults are valid, and jsonschema is slow to import
        check_config(config)
    return config


# Descriptions of types for error messages.
TYPE_NAMES = {
    "object": "a set of options in braces, as in 'key={method: profiles}'",
    "array": "a list in brackets, as in 'analyses=[bpm, key]'",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def check_config(config: Mapping[str, Any]) -> None:
    """Raise ConfigError with one line for each option that the schema does not allow."""
    import jsonschema  # slow to import, and no per-track job needs it

    schema = json.loads(SCHEMA.read_text())
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(config), key=lambda e: list(e.path)
    )
    if errors:
        raise ConfigError("\n".join(_explain(error) for error in errors))
    _check_finite(config)
    _check_method(config["bpm"]["method"])
    try:
        check_ranges(config.get("export", {}).get("bpm_ranges", []))
    except ValueError as error:
        raise ConfigError(f"export.{error}") from error
    if config["bpm"]["min_bpm"] * 2 > config["bpm"]["max_bpm"]:
        raise ConfigError(
            f"bpm.max_bpm: must be at least twice bpm.min_bpm ({config['bpm']['min_bpm']}), "
            f"so that every tempo has an octave inside; not {config['bpm']['max_bpm']}"
        )


def _check_method(method: str) -> None:
    """Raise ConfigError for an unknown method; engines are loaded later."""
    if method in METHODS or ":" in method:
        return
    from importlib.metadata import entry_points

    engines = sorted(point.name for point in entry_points(group="dropgrid.engines"))
    if method not in engines:
        allowed = [*METHODS, *engines]
        raise ConfigError(
            f"bpm.method: {method!r} is not allowed{suggestion(method, allowed)}; expected: "
            f"{', '.join(allowed)}, MODULE:FUNCTION or FILE.py:FUNCTION"
        )


def _check_finite(value: Any, name: str = "") -> None:
    """Raise ConfigError for NaN and infinity, which the schema accepts as numbers."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name}: {value} is not a finite number")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _check_finite(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_finite(item, f"{name}[{index}]")


def _explain(error: Any) -> str:
    name = ".".join(str(part) for part in error.path) or "config"
    if error.validator == "additionalProperties":
        options = sorted(error.schema["properties"])
        unknown = sorted(set(error.instance) - set(options))
        return (
            f"{name}: there is no option {', '.join(unknown)}"
            f"{suggestion(unknown[0], options)}; known: {', '.join(options)}"
        )
    if error.validator in ("oneOf", "anyOf"):
        allowed = error.schema.get("description") or error.validator_value
        return f"{name}: {error.instance!r} is not allowed; expected: {allowed}"
    kind = error.validator_value if error.validator == "type" else None
    if isinstance(kind, str) and kind in TYPE_NAMES:
        return f"{name}: {error.instance!r} is not {TYPE_NAMES[kind]}"
    return f"{name}: {error.message}"


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C: five times faster
        values = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a mapping of options to values")
    return values


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        default = merged.get(key, "")
        if isinstance(value, Mapping) and isinstance(default, dict):
            merged[key] = _merged(default, value)
        else:
            merged[key] = _typed(value, default)
    return merged


def _typed(value: Any, default: Any) -> Any:
    """A value that Snakemake's --config passes as text, converted to the type of its default."""
    import yaml

    if isinstance(value, list) and isinstance(default, list) and default:
        return [_typed(item, default[0]) for item in value]
    if isinstance(value, str) and not isinstance(default, str):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            return value  # the check against the schema reports it
    return value
