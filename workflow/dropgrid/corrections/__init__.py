"""Corrections of tracks by their user, and how they take the place of what the analysis found.

model                the corrections of a track, and their JSON
apply                the entry points: records with corrections in place
grid_corrections     tempo, beats and bars, in a bpm record
section_corrections  sections, drops and key; what is confirmed; where the analysis differs
edits, section_edits what a user does to a grid or a section, turned into absolute corrections
grid_from_beats      grids of other programs, given as beats
fingerprints         by what a recording is recognised under another name
per_track            the files that jobs read, one for each track
document             the file corrections.json: reading, writing, undo

All but `document` is arithmetic on values. Statements are absolute ("the one is at 0.412 s"), so
that they hold whatever a later version of the analysis says.
"""
