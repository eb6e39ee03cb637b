"""What is imported and loaded before jobs are forked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc to count threads in")
def test_what_is_imported_ahead_of_the_forks_starts_no_threads(tmp_path):
    """A fork copies the thread that calls it, and the locks of all others as they are."""
    program = """
        import os, sys
        from pathlib import Path
        from dropgrid.commands.main import THREAD_POOLS
        os.environ.update(dict.fromkeys(THREAD_POOLS, "1"))
        from dropgrid.stages import preload
        from dropgrid.results.layout import Results
        from dropgrid.stages.networks import prepare_key_network, prepare_network
        files = Results(Path(sys.argv[1]))
        prepare_network(files.network, "madmom")
        prepare_key_network(files.key_network, "madmom")
        preload.prepare(network=files.network, key_network=files.key_network)
        loaded = {"numpy", "soundfile", "mutagen", "dropgrid.rhythm"}
        assert loaded <= sys.modules.keys()
        assert {"dropgrid.native.kernels", "llvmlite"} & sys.modules.keys()
        print(len(os.listdir("/proc/self/task")))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "1\n"


@pytest.mark.slow
@pytest.mark.smoke  # `make quick` does without
def test_a_job_of_one_stage_imports_what_that_stage_needs_and_no_other() -> None:
    """What is not imported before the fork is imported again in each job."""
    program = """
        import os, sys
        from dropgrid.stages import STAGES, preload
        marks = {"features": "dropgrid.features.extract", "bpm": "dropgrid.rhythm.analysis",
                 "structure": "dropgrid.structure.segment", "key": "dropgrid.key.analysis",
                 "kept": "dropgrid.features.cache", "tags": "mutagen.mp3"}
        cases = [([], True), *(([stage], False) for stage in STAGES), (None, True)]
        for stages, kept in cases:
            if os.fork() == 0:
                preload.prepare(**({} if stages is None else {"stages": stages, "kept": kept}))
                print(*(name for name, module in marks.items() if module in sys.modules))
                sys.stdout.flush()
                os._exit(0)
            os.wait()
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "kept", "features tags", "bpm", "structure", "key", "features bpm structure key kept tags",
    ]  # fmt: skip
