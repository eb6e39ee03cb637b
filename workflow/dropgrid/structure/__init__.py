"""Structure: a track's sections and drops, from its features and its beats."""

from .analysis import Structure, analyse, measure_sections
from .options import METHODS, StructureOptions

__all__ = ["METHODS", "Structure", "StructureOptions", "analyse", "measure_sections"]
