"""dropgrid: exact beat grids and drop maps for folders of electronic dance music."""

import os

# onnxruntime would look up names, open sockets and write a device's id into the home folder. It
# asks for this once, when it is imported, which nothing of dropgrid does before this line.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
