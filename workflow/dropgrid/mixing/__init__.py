"""Mixing: transitions between tracks, and lists in a good order.

library     the tracks of a results folder as arrays, from the library table
score       how well one track follows another: a few terms, each from 0 to 1
transition  where to leave a track and where to enter the next, in bars and seconds, with reasons
order       a list of tracks in the order with the best transitions
lists       find tracks, arrange them, compute their transitions
set_files   a set as a playlist, a cue sheet, a table, JSON
alignment   the beats of two tracks that coincide in a transition
requests    answers for the page
played      how the score ranks the tracks that were actually played next
"""
