"""Evaluation: how near the records come to references, in the numbers the field uses.

references/  reads and matches references
tempo, beats, structure  the metrics, a module a task: validate, metrics, evaluate
baselines    what the numbers must beat
bootstrap    confidence intervals
rows         the rows: a track, a system, its metrics
calibration  whether the confidences keep what they promise
systems      other systems beside dropgrid; systems_report, systems_plots show them
aggregate    the rows summed up
documents, summary, plots, write  what people read
"""

from __future__ import annotations
