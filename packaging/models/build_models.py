"""Build backend (PEP 517) of dropgrid-models: madmom's trained networks as a wheel of arrays.

madmom's source package is fetched like any other dependency, its checksum verified by pip before
anything of it is touched, and the networks read by dropgrid's own code in this checkout.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKFLOW = HERE.parents[1] / "workflow"
MADMOM = HERE.parent / "madmom.txt"  # the version and the checksum of its source
NAME, VERSION = "dropgrid_models", "2.0.0"
INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"""\
Metadata-Version: 2.4
Name: dropgrid-models
Version: {VERSION}
Summary: The trained networks of madmom, as dropgrid reads them: non-commercial use
License-Expression: CC-BY-NC-SA-4.0
License-File: LICENSE
License-File: NOTICE
Requires-Python: >=3.11
Description-Content-Type: text/plain

The networks of madmom (Department of Computational Perception, JKU Linz, and OFAI) as NumPy
archives, made from its published source package. Not for commercial use; see NOTICE.
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: dropgrid\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
CODE = '"""The trained networks of madmom as NumPy archives; CC BY-NC-SA 4.0, see NOTICE."""\n'
SAME_DATE = (1980, 1, 1, 0, 0, 0)  # of every file, so that the same files make the same wheel


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: dict[str, str] | None = None
) -> str:
    """Write what pip asks for before it has the wheel built; the folder's name."""
    folder = Path(metadata_directory, INFO)
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    (folder / "WHEEL").write_text(WHEEL)
    return INFO


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, str] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Write the wheel into wheel_directory and return its file name."""
    with tempfile.TemporaryDirectory() as folder:
        models = _fetch_models(Path(folder))
        licence = (models / "LICENSE").read_bytes()
        files = {f"{NAME}/{name}": data for name, data in _convert(models).items()}
    files |= {
        f"{NAME}/__init__.py": CODE.encode(),
        f"{INFO}/METADATA": METADATA.encode(),
        f"{INFO}/WHEEL": WHEEL.encode(),
        f"{INFO}/licenses/LICENSE": licence,
        f"{INFO}/licenses/NOTICE": (HERE / "NOTICE").read_bytes(),
    }
    wheel = Path(wheel_directory, f"{NAME}-{VERSION}-py3-none-any.whl")
    _pack(wheel, files, f"{INFO}/RECORD")
    return wheel.name


def _fetch_models(folder: Path) -> Path:
    """The folder `models` of madmom's source package, whose checksum pip verifies."""
    hooks = ("PEP517_", "_PYPROJECT_HOOKS_")  # by which pip told this backend's own process
    environment = {name: v for name, v in os.environ.items() if not name.startswith(hooks)}
    command = "-m pip --disable-pip-version-check download --quiet --no-deps --no-build-isolation"
    command += " --no-binary madmom --require-hashes"
    subprocess.run(
        [sys.executable, *command.split(), "--requirement", MADMOM, "--dest", folder],
        check=True, env=environment,
    )  # fmt: skip
    [source] = folder.glob("madmom-*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    return Path(folder, source.name.removesuffix(".tar.gz"), "madmom", "models")


def _convert(models: Path) -> dict[str, bytes]:
    """The networks as archives of arrays, by name. Each pickle's own checksum is verified too."""
    sys.path.insert(0, str(WORKFLOW))
    from dropgrid.features.engines import beat_weights, key_weights

    beats = beat_weights.read_weights(models / beat_weights.MODELS.relative_to("models"))
    key = key_weights.read_network(models / key_weights.MODEL.relative_to("models"))
    return {
        beat_weights.NAME: beat_weights.to_bytes(beats),
        key_weights.NAME: key_weights.to_bytes(key),
    }


def _pack(wheel: Path, files: dict[str, bytes], record: str) -> None:
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files = {**files, record: "\n".join([*lines, f"{record},,", ""]).encode()}
    with zipfile.ZipFile(wheel, "w") as package:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, SAME_DATE)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, data, zipfile.ZIP_DEFLATED)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
