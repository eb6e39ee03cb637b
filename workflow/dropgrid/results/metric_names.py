"""What the measures of an evaluation are called, where people read them: name -> words."""

from __future__ import annotations

BPM = {
    "mae": "mean absolute error, BPM",
    "rmse": "root mean square error, BPM",
    "median_error": "median absolute error, BPM",
    "within_0.01": "within 0.01 BPM",
    "within_0.05": "within 0.05 BPM",
    "within_0.5": "within 0.5 BPM",
    "within_2.5": "within 2.5 BPM",
    "accuracy1": "Accuracy1 (4 %)",
    "accuracy2": "Accuracy2 (4 %)",
}
BEATS = {
    "f_measure": "F-measure (70 ms)",
    "cmlc": "CMLc",
    "cmlt": "CMLt",
    "amlc": "AMLc",
    "amlt": "AMLt",
    "p_score": "P-score",
    "downbeats_given_beats": "downbeats among the beats found, F",
    "information_gain": "information gain",
    "median_error_ms": "median distance to the nearest beat, ms",
    "phase_error": "phase error, s (positive: late)",
    "phase_error_beats": "phase error, beats",
}
STRUCTURE = {
    "hit_0.5_f": "boundaries within 0.5 s, F",
    "hit_0.5_trimmed_precision": "boundaries within 0.5 s, trimmed, precision",
    "hit_0.5_trimmed_recall": "boundaries within 0.5 s, trimmed, recall",
    "hit_0.5_trimmed_f": "boundaries within 0.5 s, trimmed, F",
    "hit_3_f": "boundaries within 3 s, F",
    "hit_3_trimmed_precision": "boundaries within 3 s, trimmed, precision",
    "hit_3_trimmed_recall": "boundaries within 3 s, trimmed, recall",
    "hit_3_trimmed_f": "boundaries within 3 s, trimmed, F",
    "reference_to_estimate_trimmed": "annotated boundary to nearest estimate, s",
    "estimate_to_reference_trimmed": "estimated boundary to nearest annotation, s",
    "pairwise_f": "frames grouped alike (pairwise), F",
    "drop_start_0.5_precision": "drop beginnings within 0.5 s, precision",
    "drop_start_0.5_recall": "drop beginnings within 0.5 s, recall",
    "drop_start_3_f": "drop beginnings within 3 s, F",
    "drop_within_beat_f": "drop beginnings within a beat, F",
    "drop_within_bar_f": "drop beginnings within a bar, F",
}
BOUNDARIES = STRUCTURE | {  # beside other systems, untrimmed too
    "hit_0.5_precision": "boundaries within 0.5 s, precision",
    "hit_0.5_recall": "boundaries within 0.5 s, recall",
}
KEY = {
    "exact": "the very key",
    "mirex": "MIREX-weighted, fifths in both directions",
    "mir_eval": "weighted as mir_eval does, fifths above alone",
}
# Of each task, those by which groups of tracks (a genre, a range of tempo) are compared.
IN_GROUPS = {
    "bpm": ("accuracy1", "accuracy2", "median_error"),
    "beats": ("f_measure", "cmlt", "amlt"),
    "downbeats": ("f_measure", "cmlt", "amlt"),
    "structure": ("hit_0.5_trimmed_f", "hit_3_trimmed_f", "drop_start_3_f"),
    "key": tuple(KEY),
}
