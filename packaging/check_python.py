"""Say in one line what is missing of the Python that `make setup` builds .venv with."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this file is for the Pythons that are too old)
    sys.exit(
        f"dropgrid needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. "
        "Name another: make setup PYTHON=python3.12"
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        f"{sys.executable} cannot make virtual environments (Debian: apt install python3-venv)"
    )
