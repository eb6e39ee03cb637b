"""Making corrections: a session of edits, grids from other programs, their effect in results."""
