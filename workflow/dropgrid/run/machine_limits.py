"""What this machine, container or batch allocation lets us use: memory, processors, workers.

`read_limits` is the one reader; the rest are functions of what it read. All sizes are in MB of
2^20 bytes. A process may be held by several limits at once (machine, every control group above
it, a Slurm allocation): the smallest counts.
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
MEMORY_PER_WORKER_MB = 600  # of a worker, where the length of its tracks is not known
SHARE_OF_LIMIT = 0.85  # of the memory we are allowed: the rest is Snakemake's and the system's
SHARE_OF_FREE = 0.95  # of the memory nobody uses now
MB = 2**20


@dataclass(frozen=True)
class Limits:
    """What holds this process: cpus it may use at once, memory_mb of its tightest memory
    limit, free_mb of the machine nobody uses now (None where the system does not say)."""

    cpus: int
    memory_mb: int
    free_mb: int | None = None


def read_limits(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> Limits:
    """The limits on this process. root: where proc/ and sys/ are looked for."""
    cpus = [float(_usable_cpus()), *_group_cpus(root)]
    memory = [float(_physical_memory_mb()), *_group_memory_mb(root)]
    if "SLURM_JOB_ID" in environ:
        cpus += _numbers(environ, "SLURM_CPUS_PER_TASK") or _numbers(environ, "SLURM_CPUS_ON_NODE")
        memory += _numbers(environ, "SLURM_MEM_PER_NODE") or [
            per_cpu * max(1.0, min(cpus)) for per_cpu in _numbers(environ, "SLURM_MEM_PER_CPU")
        ]
    return Limits(max(1, math.ceil(min(cpus))), int(min(memory)), _free_memory_mb(root))


def safe_memory_mb(limits: Limits | None = None) -> int:
    """Memory all jobs together may use without endangering this machine, at least one job's."""
    limits = limits or read_limits()
    bounds = [limits.memory_mb * SHARE_OF_LIMIT]
    if limits.free_mb is not None:
        bounds.append(limits.free_mb * SHARE_OF_FREE)
    return max(MEMORY_PER_WORKER_MB, int(min(bounds)))


def choose_workers(
    memory_per_worker_mb: int = MEMORY_PER_WORKER_MB, limits: Limits | None = None
) -> int:
    """How many workers this machine has room for: one CPU stays free, memory suffices for all."""
    limits = limits or read_limits()
    return max(1, min(limits.cpus - 1, safe_memory_mb(limits) // memory_per_worker_mb))


def worker_cap(
    max_workers: int,
    environ: Mapping[str, str] = os.environ,
    limits: Limits | None = None,
) -> int | None:
    """The most workers allowed: the environment's DROPGRID_MAX_WORKERS, else the option
    max_workers; None where neither sets a limit (-1).

    Warns on standard error about more workers than processors. Raises ConfigError for
    anything but -1 or a whole number from 1.
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
        raise ConfigError(f"{name}: {count} is less than 1 (-1 means: as many as fit)")
    cpus = (limits or read_limits()).cpus
    if count > cpus:
        print(f"dropgrid: warning: {name} is {count}, but there are {cpus} CPUs", file=sys.stderr)
    return count


def caps(
    max_workers: int, given: Iterable[str], environ: Mapping[str, str] = os.environ
) -> dict[str, int]:
    """The sums that the jobs running here keep to, by resource: memory, and workers if limited.

    given: resources that the user limits, which stay. Raises ConfigError.
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
    """How many workers to start where nothing else says: see worker_cap; where that sets no
    limit default_workers, and where that is -1 all it has room for. Raises ConfigError."""
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
    """Snakemake's --cores where the command line says nothing: resolve_workers of the options
    in config_file, if there is one. Raises ConfigError."""
    values: dict[str, object] = {}
    if config_file.exists():
        import yaml

        with suppress(yaml.YAMLError, OSError, UnicodeDecodeError):  # told when the run reads it
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
    """The variable as a number above 0; nothing where it is unset, 0 (no limit) or no number."""
    with suppress(KeyError, ValueError):
        if (value := float(environ[name])) > 0:
            return [value]
    return []


def _group_memory_mb(root: Path) -> Iterator[float]:
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(ValueError):
                size = int(_read(folder / name))  # "max" is no limit
                if 0 < size < 2**60:  # version 1 says "no limit" with a huge number
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
    """Folders of the control groups we are in that govern a controller, innermost first.

    Inside a container the path in proc/self/cgroup may be the host's; folders that do not
    exist here are passed over and the mount's own root is always looked at.
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
