"""The files on a stick that players read.

Of Pioneer DJ, "rekordbox device export":

device_sql       texts and rows of the database
database         PIONEER/rekordbox/export.pdb: pages, tables, the tracks and playlists in it
analysis_file    PIONEER/USBANLZ/.../ANLZ0000.DAT, .EXT, .2EX: grid, cues, waveforms, phrases
waveform         the players' waveforms from the bands of the features

Of Denon DJ, Numark and Rane, the library of Engine DJ:

engine_schema    the tables of Engine Library/Database2/m.db, by version
engine_blobs     grid, cues, loops, overview of a track, as its binary fields hold them
engine_grid      few markers for many beats
engine_library   tracks and playlists in the database

The formats were described by others from the outside (Deep Symmetry's "DJ Link Ecosystem
Analysis", rekordcrate, libdjinterop); facts about them were checked against exports that
rekordbox made, and against databases that Engine DJ made.
"""
