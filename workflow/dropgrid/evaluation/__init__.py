"""Evaluation: compares the records with references, in the metrics of the field.

references/  reads and matches references
tempo, beats, structure, key  the metrics of each task: validate, metrics, evaluate
baselines    simple methods that the analysis must beat
bootstrap    confidence intervals
rows         the rows: a track, a system, its metrics
calibration  whether the confidences are as high as the share of right results
systems      other systems compared with dropgrid; systems_report and systems_plots show them
aggregate    means and counts over the rows
documents, summary, plots, write  the output
"""

from __future__ import annotations
