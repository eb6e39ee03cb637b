"""Make corrections: edits with undo, grids of other programs, and their effect in the results.

What a correction is, and how it changes a record, is in dropgrid.apply_corrections.
"""
