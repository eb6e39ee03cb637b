"""dropgrid: exact beat grids and drop maps for folders of electronic dance music."""

__version__ = "0.2.0"
