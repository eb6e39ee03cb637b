"""The errors dropgrid raises. Each is one line for a person: which file or option, and why."""

from __future__ import annotations


class DropgridError(Exception):
    """Base of all errors that are explained to the user without a traceback."""


class ConfigError(DropgridError):
    """An option is missing, misspelt or out of range."""


class LibraryError(DropgridError):
    """The library as a whole cannot be read (no such folder, broken list)."""


class ModelError(DropgridError):
    """The trained networks cannot be had: not installed, changed, or not readable."""


class RecordError(DropgridError):
    """A file that dropgrid should have written is missing, cut short or of another version."""


class MissingRecord(RecordError):
    """There is no such file: the track was not analysed yet."""


class InvalidRecord(RecordError):
    """An invalid field: dropgrid did not write it, and no later run repairs it."""


class InvalidReference(DropgridError):
    """A reference annotation is malformed; the message names file, line and field."""


class TrackError(DropgridError):
    """This one track cannot be analysed, whatever the machine: the file's own fault.

    Becomes the track's error record. `stage` says where it happened: "scan", "decode",
    "features", "bpm", "structure" or "key".
    """

    stage = "features"


class DecodeError(TrackError):
    """The audio cannot be decoded: not audio, cut short, empty, absurd header."""

    stage = "decode"


class EngineError(TrackError):
    """The user's own beat engine (bpm.method) failed on this track, or returned no activations."""


class UnusableAudio(TrackError):
    """The audio decodes but holds nothing to analyse (too short, silent throughout)."""

    stage = "features"
