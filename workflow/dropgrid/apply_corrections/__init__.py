"""Corrections of tracks by the user, and how they replace what the analysis found.

How they are made and imported is in dropgrid.correcting.

model                the corrections of a track, and their JSON
apply                the entry points: records with corrections in place
grid_corrections     tempo, beats and bars, in a bpm record
section_corrections  sections, drops and key; what is confirmed; where the analysis differs
edits, section_edits edits of a grid or of sections, turned into absolute corrections
grid_from_beats      grids of other programs, given as beats
fingerprints         identify a recording under another name
per_track            the files that jobs read, one for each track
document             the file corrections.json: reading, writing, undo

All modules but `document` compute with values only. Corrections are absolute ("a downbeat is at
0.412 s"), so they stay right whatever a later version of the analysis finds.
"""
