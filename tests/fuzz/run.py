"""Read mutated real files of every container, decoding and tags, and count how it ends.

    python tests/fuzz/run.py --inputs 2000

Each input is read in a child with capped memory and time, exactly as a job reads a track. An
input may be decoded or refused (the file's own fault); what must not happen is a hang, a crash
of the process, or an unexpected error. Exit code 1 if one of these did; the inputs are then
kept. The same seed gives the same inputs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "builders"))

import numpy as np
from audio_containers import CONTAINERS, write_audio
from dropgrid.base.errors import DecodeError, TrackError
from dropgrid.jobs.policy import Outcome
from dropgrid.jobs.process import supervised

MEMORY_MB = 500
SECONDS = 20.0
EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f",
            b"\x80\x00\x00\x00", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00")  # fmt: skip


def seeds(folder: Path) -> dict[str, bytes]:
    """A real file of each container, with tags; container -> its bytes."""
    import mutagen

    made = {}
    for container in CONTAINERS:
        path = write_audio(folder / f"seed.{container}", seconds=1.5)
        file = mutagen.File(path, easy=True)
        if file is not None:
            try:
                if file.tags is None:
                    file.add_tags()
                file["title"] = "A title \u266b " * 20
                file.save()
            except (TypeError, KeyError, ValueError, mutagen.MutagenError):
                pass  # a container whose tags have no easy form goes without
        made[container] = path.read_bytes()
    return made


def mutate(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """One to six random changes of a file, more of them in its first kilobyte."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        size = max(1, len(changed))
        where = chance.randrange(min(size, 1024) if chance.random() < 0.6 else size)
        length = chance.choice((1, 1, 2, 4, 16, 256, 4096))
        kind = chance.randrange(8)
        if kind == 0:
            changed[where : where + 1] = bytes([chance.randrange(256)])
        elif kind == 1 and where < len(changed):
            changed[where] ^= 1 << chance.randrange(8)
        elif kind == 2:
            changed[where : where + 4] = chance.choice(EXTREMES)
        elif kind == 3:
            changed[where : where + length] = chance.randbytes(length)
        elif kind == 4:
            del changed[where : where + length]
        elif kind == 5:
            changed[where:where] = changed[where : where + length]
        elif kind == 6:
            del changed[chance.randrange(size) :]
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            changed[where:where] = other[start : start + length]
    return bytes(changed)


def read(path: Path) -> None:
    """What the job of a track does with its file: decode all of it, and read its tags."""
    from dropgrid.audio.reader import Reader
    from dropgrid.audio.tags import read_tags

    read_tags(path)
    try:
        for block in Reader(path):
            assert block.dtype == "float32" and np.isfinite(block).all()
    except OSError as error:  # as dropgrid.stages does
        raise DecodeError("cannot be read") from error


def judge(outcome: Outcome) -> str:
    """In one word how reading an input ended."""
    if outcome.failure is None:
        return "decoded"
    foreseen = {kind.__name__ for kind in [TrackError, *TrackError.__subclasses__()]}
    if outcome.fault == "track" and outcome.failure.type in foreseen:
        return "refused"
    if outcome.failure.type == "OutOfMemory":
        return "out of memory"
    return {"TimedOut": "hang", "Crashed": "crash"}.get(outcome.failure.type, "unforeseen error")


HARMLESS = ("decoded", "refused", "out of memory")


def fuzz(folder: Path, inputs: int, seed: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Counts of (container, ending), and a line for each ending that is not harmless."""
    originals = seeds(folder)
    others = list(originals.values())
    chance = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    amiss = []
    for number in range(inputs):
        container = CONTAINERS[number % len(CONTAINERS)]
        path = folder / f"{number:05}.{container}"
        path.write_bytes(mutate(originals[container], others, chance))
        outcome = supervised(lambda p=path: read(p), memory_mb=MEMORY_MB, seconds=SECONDS)
        ending = judge(outcome)
        counts[container, ending] += 1
        if ending in HARMLESS:
            path.unlink()
        else:
            amiss.append(f"{path}: {ending}: {outcome.failure}")
    return counts, amiss


def warm_up(folder: Path) -> None:
    """Import in the parent, once, what every child would import for itself."""
    for container in CONTAINERS:
        read(write_audio(folder / f"warm.{container}", seconds=1.2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dropgrid-fuzz-"))
    warm_up(folder)
    counts, amiss = fuzz(folder, given.inputs, given.seed)
    endings = sorted({ending for _, ending in counts})
    print(f"{'':6}" + "".join(f"{ending:>18}" for ending in endings))
    for container in CONTAINERS:
        print(f"{container:6}" + "".join(f"{counts[container, e]:18}" for e in endings))
    print(f"{given.inputs} inputs, {len(amiss)} amiss", *amiss, sep="\n")
    if amiss:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
