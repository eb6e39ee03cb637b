"""Build backend (PEP 517) that builds the published madmom with what its setup.py needs.

With a C compiler the wheel is madmom itself. Without one the wheel holds madmom's Python
files and trained models, uncompiled: enough for dropgrid, which reads only the models; the
comparisons with madmom's own processors then skip.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

VERSION = "0.16.1"
MADMOM = Path(__file__).resolve().parents[1] / "madmom.txt"  # its source's checksum too
WITHOUT_COMPILER = f"madmom-{VERSION}-py3-none-any.whl"


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, str] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Write a madmom wheel into wheel_directory and return its file name."""
    options = ["--no-deps", "--no-build-isolation", "--no-binary", "madmom"]
    with tempfile.TemporaryDirectory() as folder:
        verified = ["--require-hashes", "--requirement", str(MADMOM)]
        _pip("download", *options, "--dest", folder, *verified)
        source = next(Path(folder).glob("madmom-*.tar.gz"))
        try:
            _pip("wheel", *options, "--wheel-dir", wheel_directory, str(source))
            return next(Path(wheel_directory).glob("madmom-*.whl")).name
        except subprocess.CalledProcessError:
            print(
                "madmom could not be compiled (is there a C compiler? Debian: apt install gcc "
                "python3-dev). Installing its models alone: dropgrid needs no more.",
                file=sys.stderr,
            )
            return _pack_uncompiled(source, Path(wheel_directory) / WITHOUT_COMPILER)


def _pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True
    )


def _pack_uncompiled(source: Path, wheel: Path) -> str:
    """Pack the package folder of a madmom source distribution into a wheel as it stands."""
    info = f"madmom-{VERSION}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: madmom\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: dropgrid\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with tarfile.open(source) as archive:
        for member in archive.getmembers():
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith("madmom/"):
                stream = archive.extractfile(member)
                assert stream is not None
                files[inside] = stream.read()
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in files.items():
            package.writestr(name, data)
    return wheel.name


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
