"""Limits are read from made-up /proc and /sys trees; the arithmetic needs none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dropgrid.base.errors import ConfigError
from dropgrid.run.machine_limits import (
    Limits,
    choose_workers,
    default_cores,
    read_limits,
    resolve_workers,
    safe_memory_mb,
    worker_cap,
)

MACHINE = Limits(cpus=8, memory_mb=16_000, free_mb=12_000)
GIB = 2**30


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_without_control_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    limits = read_limits(tmp_path, {})
    assert limits.cpus == len(os.sched_getaffinity(0))
    assert limits.memory_mb == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    assert limits.free_mb is None


def test_a_container_with_control_groups_2(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/cpu.max": "50000 100000\n",
            "proc/meminfo": "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n",
        },
    )
    assert read_limits(root, {}) == Limits(cpus=1, memory_mb=1024, free_mb=4096)


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user/session/job\n",
            "sys/fs/cgroup/user/session/job/memory.max": "max\n",
            "sys/fs/cgroup/user/session/memory.max": f"{GIB // 2}\n",
            "sys/fs/cgroup/user/memory.max": f"{GIB}\n",
        },
    )
    assert read_limits(root, {}).memory_mb == 512


def test_the_height_from_which_a_group_is_slowed_down_counts_as_its_limit(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/job/memory.high": f"{GIB // 4}\n",
        },
    )
    assert read_limits(root, {}).memory_mb == 256


def test_a_container_with_control_groups_1(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            # The path is the host's and does not exist in here.
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/ab\n9:memory:/docker/ab\n1:name=x:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB // 4}\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    limits = read_limits(root, {})
    assert (limits.cpus, limits.memory_mb) == (1, 256)


def test_a_group_of_another_controller_is_ignored(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n9:memory:/b\n",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{GIB // 8}\n",
            "sys/fs/cgroup/memory/b/memory.limit_in_bytes": f"{GIB // 4}\n",
        },
    )
    assert read_limits(root, {}).memory_mb == 256


def test_unlimited_groups_limit_nothing(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n9:memory:/\n5:cpu:/\n",
            "sys/fs/cgroup/memory.max": "max\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert read_limits(root, {}) == read_limits(tmp_path / "nothing", {})


def test_a_slurm_allocation_counts(tmp_path: Path) -> None:
    job = {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "1", "SLURM_MEM_PER_NODE": "900"}
    assert read_limits(tmp_path, job) == Limits(cpus=1, memory_mb=900)


def test_a_slurm_allocation_by_processor_counts(tmp_path: Path) -> None:
    job = {"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "1", "SLURM_MEM_PER_CPU": "700"}
    assert read_limits(tmp_path, job).memory_mb == 700


def test_slurm_variables_outside_a_job_do_not_count(tmp_path: Path) -> None:
    assert read_limits(tmp_path, {"SLURM_MEM_PER_NODE": "1"}) == read_limits(tmp_path, {})


def test_broken_readings_limit_nothing(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/../../escaped\n",
            "sys/fs/cgroup/memory.max": "lots\n",
            "sys/fs/cgroup/cpu.max": "100000 0\n",
        },
    )
    job = {"SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "plenty", "SLURM_CPUS_PER_TASK": ""}
    assert read_limits(root, job) == read_limits(tmp_path / "nothing", {})


def test_safe_memory_leaves_room_for_the_system_and_for_what_runs_already() -> None:
    assert safe_memory_mb(Limits(8, 16_000)) == 13_600
    assert safe_memory_mb(Limits(8, 16_000, free_mb=4_000)) == 3_800


def test_safe_memory_allows_at_least_one_job() -> None:
    assert safe_memory_mb(Limits(1, 512, free_mb=100)) == 600


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        (MACHINE, 7),  # a processor stays free
        (Limits(8, 16_000, free_mb=2_000), 3),  # memory is what is short
        (Limits(1, 16_000), 1),
        (Limits(64, 256), 1),
    ],
)
def test_as_many_workers_as_processors_and_memory_bear(limits: Limits, workers: int) -> None:
    assert choose_workers(600, limits) == workers


def test_the_environment_beats_the_option() -> None:
    assert worker_cap(2, {"DROPGRID_MAX_WORKERS": "5"}, MACHINE) == 5
    assert worker_cap(2, {}, MACHINE) == 2
    assert worker_cap(2, {"DROPGRID_MAX_WORKERS": ""}, MACHINE) == 2
    assert worker_cap(2, {"DROPGRID_MAX_WORKERS": "-1"}, MACHINE) is None
    assert worker_cap(-1, {}, MACHINE) is None


@pytest.mark.parametrize("value", ["0", "-2", "many", "1.5"])
def test_a_senseless_number_of_workers_is_an_error_that_names_it(value: str) -> None:
    with pytest.raises(ConfigError, match=rf"DROPGRID_MAX_WORKERS: '?{value}"):
        worker_cap(2, {"DROPGRID_MAX_WORKERS": value}, MACHINE)


def test_more_workers_than_processors_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert worker_cap(9, {}, MACHINE) == 9
    assert "max_workers is 9, but there are 8 CPUs" in capsys.readouterr().err
    assert worker_cap(8, {}, MACHINE) == 8
    assert capsys.readouterr().err == ""


def test_workers_are_the_cap_or_the_default_or_what_the_machine_can_run() -> None:
    assert resolve_workers(2, 3, {}, MACHINE) == 2
    assert resolve_workers(-1, 3, {}, MACHINE) == 3
    assert resolve_workers(-1, 1, {}, MACHINE) == 1
    assert resolve_workers(-1, -1, {}, MACHINE) == 7
    with pytest.raises(ConfigError, match="default_workers: 0"):
        resolve_workers(-1, 0, {}, MACHINE)


def test_the_cores_of_a_plain_run_come_from_the_configuration_file(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    assert default_cores(config, {}, MACHINE) == 7
    config.write_text("default_workers: 3\n")
    assert default_cores(config, {}, MACHINE) == 3
    config.write_text("default_workers: 3\nmax_workers: 2\n")
    assert default_cores(config, {}, MACHINE) == 2
    assert default_cores(config, {"DROPGRID_MAX_WORKERS": "4"}, MACHINE) == 4


def test_a_broken_configuration_file_is_left_to_those_who_read_it_all(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("max_workers: [\n")
    assert default_cores(tmp_path / "config.yaml", {}, MACHINE) == 7
