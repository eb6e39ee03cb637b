"""The limits of this machine, container or batch allocation: memory, processors, workers.

Only `read_limits` reads them; the other functions use its result. All sizes are in MB of
2^20 bytes. Several limits may apply to a process (machine, every control group above it, a Slurm
allocation): the smallest counts.
Control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..base.errors import ConfigError

VARIABLE = "DROPGRID_MAX_WORKERS"
MEMORY_PER_WORKER_MB = 600  # of a worker, if the length of its tracks is unknown
SHARE_OF_LIMIT = 0.85  # of the allowed memory; the rest is for Snakemake and the system
SHARE_OF_FREE = 0.95  # of the memory that is free now
MB = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of this process. cpus: that it may use at once; memory_mb: its tightest memory
    limit; free_mb: free memory of the machine (None if the system does not report it)."""

    cpus: int
    memory_mb: int
    free_mb: int | None = None


def read_limits(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> Limits:
    """The limits of this process. root: the folder that contains proc/ and sys/."""
    cpus = [float(_usable_cpus()), *_group_cpus(root)]
    memory = [float(_physical_memory_mb()), *_group_memory_mb(root)]
    if "SLURM_JOB_ID" in environ:
        cpus += _numbers(environ, "SLURM_CPUS_PER_TASK") or _numbers(environ, "SLURM_CPUS_ON_NODE")
        memory += _numbers(environ, "SLURM_MEM_PER_NODE") or [
            per_cpu * max(1.0, min(cpus)) for per_cpu in _numbers(environ, "SLURM_MEM_PER_CPU")
        ]
    return Limits(max(1, math.ceil(min(cpus))), int(min(memory)), _free_memory_mb(root))


def safe_memory_mb(limits: Limits | None = None) -> int:
    """Memory that all jobs together can safely use here; at least that of one job."""
    limits = limits or read_limits()
    bounds = [limits.memory_mb * SHARE_OF_LIMIT]
    if limits.free_mb is not None:
        bounds.append(limits.free_mb * SHARE_OF_FREE)
    return max(MEMORY_PER_WORKER_MB, int(min(bounds)))


def choose_workers(
    memory_per_worker_mb: int = MEMORY_PER_WORKER_MB, limits: Limits | None = None
) -> int:
    """How many workers fit on this machine: one CPU stays free, and all fit into memory."""
    limits = limits or read_limits()
    return max(1, min(limits.cpus - 1, safe_memory_mb(limits) // memory_per_worker_mb))


def worker_cap(
    max_workers: int,
    environ: Mapping[str, str] = os.environ,
    limits: Limits | None = None,
) -> int | None:
    """The most workers allowed: the environment's DROPGRID_MAX_WORKERS, else the option
    max_workers; None if neither sets a limit (-1).

    Warns on standard error about more workers than processors. Raises ConfigError unless the
    value is -1 or a whole number from 1.
    """
    name, wish = "max_workers", str(max_workers)
    if environ.get(VARIABLE, "").strip():
        name, wish = VARIABLE, environ[VARIABLE].strip()
    try:
        count = int(wish)
    except ValueError:
        raise ConfigError(f"{name}: {wish!r} is not a whole number") from None
    if count == -1:
        return None
    if count < 1:
        raise ConfigError(f"{name}: {count} is less than 1 (-1: as many as fit)")
    cpus = (limits or read_limits()).cpus
    if count > cpus:
        print(f"dropgrid: warning: {name} is {count}, but there are {cpus} CPUs", file=sys.stderr)
    return count


def caps(
    max_workers: int, given: Iterable[str], environ: Mapping[str, str] = os.environ
) -> dict[str, int]:
    """Limits for the sum over all jobs that run here, by resource: memory, and workers if limited.

    given: resources with a limit from the user, which are left out. Raises ConfigError.
    """
    workers = worker_cap(max_workers, environ)
    found = {"mem_mb": safe_memory_mb(), **({"workers": workers} if workers else {})}
    user = {name.removesuffix("_mb") for name in given}
    return {name: cap for name, cap in found.items() if name.removesuffix("_mb") not in user}


def resolve_workers(
    max_workers: int = -1,
    default_workers: int = -1,
    environ: Mapping[str, str] = os.environ,
    limits: Limits | None = None,
) -> int:
    """How many workers to start by default: worker_cap; if that is None, default_workers; if
    that is -1, as many as fit on this machine. Raises ConfigError."""
    cap = worker_cap(max_workers, environ, limits)
    if cap is not None:
        return cap
    if default_workers != -1 and default_workers < 1:
        raise ConfigError(f"default_workers: {default_workers} is less than 1 (-1: choose)")
    return default_workers if default_workers != -1 else choose_workers(limits=limits)


def default_cores(
    config_file: Path = Path("config/config.yaml"),
    environ: Mapping[str, str] = os.environ,
    limits: Limits | None = None,
) -> int:
    """Snakemake's --cores if the command line has none: resolve_workers of the options in
    config_file, if it exists. Raises ConfigError."""
    values: dict[str, object] = {}
    if config_file.exists():
        import yaml

        with suppress(yaml.YAMLError, OSError, UnicodeDecodeError):  # the run reports it
            values = yaml.safe_load(config_file.read_bytes()) or {}
    wishes = [values.get(key, -1) for key in ("max_workers", "default_workers")]
    maximum, default = (wish if isinstance(wish, int) else -1 for wish in wishes)
    return resolve_workers(maximum, default, environ, limits)


def _usable_cpus() -> int:
    with suppress(AttributeError):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _physical_memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB


def _free_memory_mb(root: Path) -> int | None:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return None


def _numbers(environ: Mapping[str, str], name: str) -> list[float]:
    """The variable as a number above 0; nothing if it is unset, 0 (no limit) or not a number."""
    with suppress(KeyError, ValueError):
        if (value := float(environ[name])) > 0:
            return [value]
    return []


def _group_memory_mb(root: Path) -> Iterator[float]:
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(ValueError):
                size = int(_read(folder / name))  # "max" is no limit
                if 0 < size < 2**60:  # in version 1 a huge number means no limit
                    yield size / MB


def _group_cpus(root: Path) -> Iterator[float]:
    for folder in _groups(root, "cpu"):
        quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
        if not quota:
            quota = _read(folder / "cpu.cfs_quota_us").strip()
            period = _read(folder / "cpu.cfs_period_us").strip()
        with suppress(ValueError, ZeroDivisionError):
            if (cpus := float(quota) / float(period)) > 0:
                yield cpus


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control groups for a controller, innermost first.

    Inside a container the path in proc/self/cgroup may be the host's: readers skip folders that
    do not exist here, and the root of the mount is always included.
    """
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base = mount
        elif controller in controllers.split(","):
            base = mount / controller
        else:
            continue
        inner = PurePosixPath(path.lstrip("/"))
        yield from (base / part for part in (inner, *inner.parents) if ".." not in part.parts)


def _read(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text()
    return ""
