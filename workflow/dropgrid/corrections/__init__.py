"""Corrections: what a person states about their tracks, and how it is put in the answer's place.

model      what is stated of a track, and its JSON
beats      statements about tempo, beats and bars, laid on a bpm record
answers    statements about sections, drops and key; what is confirmed; where statement and
           analysis part
edits      what a person does to a grid or a section, turned into absolute statements
identity   by what a recording is known again under another name
document   the file corrections.json: reading, writing, undo

All but `document` is arithmetic on values. Statements are absolute ("the one is at 0.412 s"), so
that they hold whatever a later version of the analysis says.
"""
