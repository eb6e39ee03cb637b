"""The workbench: the page served on this computer, to correct grids, sections and keys.

server         addresses and responses (Starlette)
guard          checks of every request
state          the library: rows, edits, and the jobs that update records
track_answers  parts of the answer about a track
audio          files, decoded sound and waveforms
connections    limits on waiting connections
"""
