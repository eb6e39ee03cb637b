"""What mixes with what: transitions between tracks, and lists in a good order.

library     the tracks of a folder of results as arrays, from the library table
score       how well one track follows another: a few terms, each from 0 to 1
transition  where to leave a track and where to enter the next, in bars and seconds, with reasons
order       a list of tracks in the order with the best transitions
lists       finding tracks, arranging them, their transitions
set_files   a set as a playlist, a cue sheet, a table, JSON
alignment   beat by beat, where two tracks lie over each other in a transition
requests    what the page asks about all this
played      how the score ranks what was really played next
"""
