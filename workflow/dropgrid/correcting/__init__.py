"""Make corrections: edits with undo, grids of other programs, and their effect in the results."""
