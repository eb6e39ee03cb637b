"""Which sources the compiled loops, and the client of the warm server, are made of: setup.py notes
it in each."""

import hashlib
from pathlib import Path

PROGRAM = Path(__file__).with_name("warm_client.c")
FILES = sorted(path for path in Path(__file__).parent.glob("*.[ch]") if path != PROGRAM)


def _digest(files: list[Path]) -> str:
    return hashlib.blake2b(b"\0".join(f.read_bytes() for f in files), digest_size=16).hexdigest()


SOURCES = _digest(FILES)
PROGRAM_SOURCES = _digest([PROGRAM])
