"""Start the workflow from any folder: translate what the user types to Snakemake's command line.

The files in the current folder have no effect: dropgrid reads neither `profiles/default` nor
`config/config.yaml` from there. Snakemake's folder `.snakemake` is next to the results; it is
inside them if the parent is the root, in the library, or not writable.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import ConfigError, LibraryError
from ..base.optional_packages import EXTRAS, has, lacking
from ..base.text import suggestion
from ..library import LIST_SUFFIXES, expanded
from ..results.ownership import last_library, place
from ..settings.paths import PROFILES, SHIPPED
from .command_line import Options, is_option, read
from .machine_limits import resolve_workers

OWN = {"--results": "1", "--cores": "1", "-c": "1", "--config": "*", "-C": "*", "--profile": "1",
       "--workflow-profile": "1", "--dry-run": "0", "-n": "0", "--allow-empty": "0"}  # fmt: skip
SNAKEFILE = SHIPPED / "launch.smk"
START = "snakemake_logger_plugin_dropgrid.start"  # Snakemake's command line
RESULTS = "results"  # in the current folder


@dataclass(frozen=True)
class Request:
    """What the user typed. library: absolute; empty for that of the last run. results: absolute.
    targets: as given to Snakemake. config: (name, value) as typed. options: all others."""

    library: tuple[str, ...]
    results: Path
    targets: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    cores: str | None = None
    profile: str | None = None
    workflow_profile: str | None = None


def read_request(words: Sequence[str], targets: Collection[str], options: Options) -> Request:
    """Parse the words after `dropgrid run`: libraries and targets in any order, before or after
    options.

    targets: all names of targets. options: Snakemake's, with or without those in OWN.
    Raises ConfigError, LibraryError.
    """

    def ends(option: str, word: str) -> bool:
        if option in ("--config", "-C"):
            return "=" not in word
        return word not in targets and os.path.isdir(os.path.expanduser(word))

    free, given = read(words, {**options, **OWN}, ends)
    config: list[tuple[str, str]] = []
    passed_on: list[str] = []
    single: dict[str, str] = {}
    for option in given:
        if option.name in ("--config", "-C"):
            config += [_pair(value) for value in option.values]
        elif option.name == "--allow-empty":
            config.append(("allow_empty", "true"))
        elif option.name in OWN and option.values:
            single["--cores" if option.name == "-c" else option.name] = option.values[0]
        elif option.name in OWN and OWN[option.name] != "0":
            raise ConfigError(f"{option.words[0]}: takes a value")
        else:
            passed_on += option.words
    named = dict(config)
    results = place(single.get("--results") or named.pop("results", None) or RESULTS)
    library, chosen = _sort(free, targets, results)
    return Request(
        library,
        results,
        chosen,
        tuple((name, value) for name, value in config if name != "results"),
        tuple(passed_on),
        single.get("--cores"),
        single.get("--profile"),
        single.get("--workflow-profile"),
    )


def command(request: Request, cwd: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The command of Snakemake for a request. Raises LibraryError, ConfigError."""
    config: dict[str, Any] = dict(request.config)
    library = list(request.library) or ([] if "library" in config else None)
    if library is None:
        library = last_library(request.results)
    folder = working_folder(request.results, library or [])
    if library:
        config["library"] = json.dumps(library[0] if len(library) == 1 else library)
    config["results"] = json.dumps(
        request.results.name if folder == request.results.parent else str(request.results)
    )
    if folder != cwd:
        config |= {name: _absolute(name, config[name], cwd) for name in PATHS if name in config}
    words = [sys.executable, "-P", "-m", START, *request.targets]
    words += ["--snakefile", str(SNAKEFILE), "--directory", str(folder)]
    words += ["--workflow-profile", _profile(request.workflow_profile or "default")]
    words += ["--logger-dropgrid-plain"]
    if request.profile:
        words += ["--profile", _profile(request.profile)]
    if request.cores or not request.profile:
        words += ["--cores", request.cores or str(resolve_workers(environ=environ))]
    pairs = [f"{name}={value}" for name, value in config.items()]
    return [*words, *request.options, "--config", *pairs]


def working_folder(results: Path, library: Sequence[str]) -> Path:
    """Where Snakemake works: the parent folder of the results, or the results themselves."""
    parent = results.parent
    real = Path(os.path.realpath(parent))
    inside = any(real.is_relative_to(os.path.realpath(source)) for source in library)
    existing = next(folder for folder in (parent, *parent.parents) if folder.exists())
    if parent == Path(parent.anchor) or inside or not os.access(existing, os.W_OK | os.X_OK):
        return results
    return parent


def environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of Snakemake; its caches are below `folder` if the home is not writable."""
    changed = dict(environ)
    cache = Path(environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~"), ".cache"))
    existing = next(place for place in (cache, *cache.parents) if place.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        changed["XDG_CACHE_HOME"] = str(folder / ".snakemake" / "cache")
    return changed


def ask_options() -> Options:
    """The options of the installed Snakemake; takes a second. Raises ConfigError."""
    command = [sys.executable, "-P", "-m", "snakemake_logger_plugin_dropgrid.options"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"snakemake does not start: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


def needs_options(words: Sequence[str]) -> bool:
    """Whether the words contain an option of Snakemake's that is not in OWN."""
    names = [word.partition("=")[0] for word in words if is_option(word)]
    return any(name not in OWN and not name.startswith("-c") for name in names)


PATHS = ("evaluation", "corrections")  # sections and options that contain paths


def _absolute(name: str, value: Any, folder: Path) -> str:
    """A value of the configuration with its paths made absolute, relative to `folder`."""
    import yaml

    from ..references.collect import WORDS

    if name == "corrections":
        return json.dumps(str(folder / Path(str(value)).expanduser()))
    section = yaml.safe_load(str(value))
    if isinstance(section, dict) and isinstance(section.get("references"), list):
        section["references"] = [
            source if source in WORDS else str(folder / Path(str(source)).expanduser())
            for source in section["references"]
        ]
    return json.dumps(section)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--config takes name=value, and {text} is not")
    return name, value


def _sort(
    words: Sequence[str], targets: Collection[str], results: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(libraries, targets). Targets are their names and files below the results."""
    library: list[str] = []
    chosen: list[str] = []
    for word in words:
        path = Path(os.path.abspath(expanded(word, "library")))
        if word in targets:
            chosen.append(word)
        elif path.is_dir() or (path.suffix.lower() in LIST_SUFFIXES and path.is_file()):
            library.append(str(path))
        elif path.is_relative_to(results):
            chosen.append(str(path))
        else:
            raise LibraryError(_unknown(word, path, targets))
    return tuple(library), tuple(chosen)


def _unknown(word: str, path: Path, targets: Collection[str]) -> str:
    """The message for a word that is neither a library nor a target. path: the word as a path."""
    if path.exists():
        return (
            f"{word}: a file, but not a CSV/TSV list; name the folder that contains it, or, for a "
            "few files, use: dropgrid analyze"
        )
    near = suggestion(word, targets) or suggestion(path.name, _folders(path.parent))
    names = [name for name in sorted(targets) if not name.startswith("export_")]
    return f"{word}: no such folder{near}, and no target ({', '.join(names)}, export_FORMAT)"


def _folders(folder: Path) -> list[str]:
    """The names of the folders in a folder; none if it cannot be read."""
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []


def _profile(name: str) -> str:
    """The path of a shipped profile, or any other name unchanged.

    Raises ConfigError if the plugin of the profile is not installed.
    """
    shipped = PROFILES / name
    if os.sep in name or not shipped.is_dir():
        return name
    plugin = f"snakemake_executor_plugin_{name.replace('-', '_')}"
    if plugin in EXTRAS and not has(plugin):
        raise ConfigError(lacking(f"the profile {name}", plugin))
    return str(shipped)
