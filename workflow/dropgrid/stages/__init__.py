"""The stages of a track's analysis, as functions. Only this module knows their order.

    ticket --compute_features--> features --make_bpm_record--> bpm record
    ticket, features, bpm record --make_structure_record--> structure record
    ticket, features --make_key_record--> key record

Each record is made with the track's corrections in place (dropgrid.apply_corrections).

The workflow keeps the output of each stage on disk and runs the stages that are due (`run_stage`).
`analyse_track` runs all stages in this process. Both write the same bytes.

networks.py: the networks that compute features; make_features.py: compute and store features;
make_records.py: make records from features; preload.py: import and load before forking workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records.model import KINDS, BpmRecord, StructureRecord, TrackFailure

if TYPE_CHECKING:
    from ..apply_corrections.model import Correction
    from ..features import Features
    from ..records.model import AnyRecord, KeyRecord
    from ..records.ticket import Ticket


@dataclass(frozen=True)
class Stage:
    """A stage. inputs: files that its command reads after the ticket, in this order.

    weight: its approximate duration relative to bpm.
    """

    inputs: tuple[str, ...]
    weight: float


# In the order in which they run.
STAGES = {
    "features": Stage(("network",), 8.0),
    "bpm": Stage(("features",), 1.0),
    "structure": Stage(("features", "bpm"), 1.0),
    "key": Stage(("features",), 1.0),
}

CONTENTS = 2  # of the features: 2 has what key and loudness are found from


def run_stage(
    stage: str, files: Mapping[str, Path], options: Mapping[str, Any], threads: int = 1
) -> None:
    """Read the inputs of a stage of a track, run it and write its output atomically.

    files: `ticket`, `output`, the stage's inputs by name; for features, where there are any,
    `key_network`, and in a folder of results `identity` and `cache`; for the others `corrections`,
    the folder of the tracks' corrections. options: of the stage, see stage_options.
    threads: that may work at a time, in features; what is written is the same. Raises
    TrackError, ModelError, RecordError, ConfigError, InvalidCorrection, OSError.
    """
    from ..records.ticket import read_ticket

    ticket = read_ticket(files["ticket"])
    if stage == "features":
        from .make_features import save_features

        return save_features(ticket, files, options, threads)
    from ..apply_corrections.per_track import with_corrections
    from ..features import store
    from ..records.store import read_bpm, write_record
    from .make_records import make_bpm_record, make_key_record, make_structure_record

    features = store.load(files["features"])

    def write(correction: Correction) -> None:
        record: AnyRecord
        if stage == "structure":
            bpm = read_bpm(files["bpm"], ticket.track)
            record = make_structure_record(ticket, features, bpm, options, correction)
        elif stage == "bpm":
            record = make_bpm_record(ticket, features, options, correction)
        else:
            record = make_key_record(ticket, features, options, correction)
        write_record(files["output"], record)

    return with_corrections(files.get("corrections"), ticket.track, features, write, ticket.path)


def write_failure(stage: str, files: Mapping[str, Path], failure: TrackFailure) -> None:
    """Write the failure of a stage of a track in place of its output.

    files: as for run_stage. Raises RecordError, OSError.
    """
    if stage == "features":
        from ..features import store

        if "identity" in files:
            files["identity"].unlink(missing_ok=True)
        return store.save(files["output"], failure)
    from ..records.store import write_record
    from ..records.ticket import read_ticket

    ticket = read_ticket(files["ticket"])
    record = KINDS[stage](ticket.track, ticket.path, "error", error=failure)
    return write_record(files["output"], record)


def feature_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that features depend on, and the version of their contents.

    Features are recomputed if either changes.
    """
    return {"contents": CONTENTS, "true_peak": config["loudness"]["true_peak"]}


def stage_options(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of each stage, by its name. A stage runs again if its options change.

    config: a complete configuration (dropgrid.settings.config).
    """
    return {
        "features": feature_options(config),
        "bpm": {
            **config["bpm"],
            "ignore_metadata": config["ignore_metadata"],
            "metadata": config["metadata"],
            "schema_version": BpmRecord.VERSION,
        },
        "structure": {**config["structure"], "schema_version": StructureRecord.VERSION},
        "key": config["key"],
    }


def analyse_track(
    ticket: Ticket, network: Path, key_network: Path, config: Mapping[str, Any], threads: int = 1
) -> tuple[BpmRecord, StructureRecord, KeyRecord]:
    """All records of a track, in this process and without keeping the features.

    config: a complete configuration (dropgrid.settings.config). threads: the most to use.
    Problems of the file become error records. Raises ConfigError, OSError, MemoryError.
    """
    from ..jobs.policy import classify
    from ..records.store import as_written
    from .make_features import compute_features
    from .make_records import make_bpm_record, make_key_record, make_structure_record

    options = stage_options(config)
    features: Features | TrackFailure
    try:
        features = compute_features(ticket, network, key_network, options["features"], threads)
    except Exception as error:
        fault, failure = classify(error, "features")
        if fault != "track":
            raise
        features = failure
    bpm = as_written(make_bpm_record(ticket, features, options["bpm"]))
    structure = make_structure_record(ticket, features, bpm, options["structure"])
    return bpm, structure, make_key_record(ticket, features, options["key"])
