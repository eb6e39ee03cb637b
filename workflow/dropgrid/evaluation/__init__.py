"""Evaluation: how near the records come to references, in the numbers the field uses.

references/  reads and matches what is held to be true
tempo, beats, structure  the metrics, a module a task: validate, metrics, evaluate
baselines    what the numbers must beat
bootstrap    confidence intervals
tasks        the rows: a track, a system, its metrics
aggregate    the rows summed up
tables, plots, write  what people read
"""

from __future__ import annotations
