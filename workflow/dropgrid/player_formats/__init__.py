"""The formats of the files that DJ players read from a stick.

Pioneer DJ, "rekordbox device export":

device_sql       texts and rows of the database
database         PIONEER/rekordbox/export.pdb: pages, tables, the tracks and playlists in it
analysis_file    PIONEER/USBANLZ/.../ANLZ0000.DAT, .EXT, .2EX: grid, cues, waveforms, phrases
waveform         the players' waveforms from the bands of the features

Denon DJ, Numark and Rane, the library of Engine DJ:

engine_schema    the tables of Engine Library/Database2/m.db, by version
engine_blobs     the binary fields of a track: grid, cues, loops, overview
engine_grid      the grid as a few markers, and back to beats
engine_library   tracks and playlists in the database

The formats are known from reverse engineering by others (Deep Symmetry's "DJ Link Ecosystem
Analysis", rekordcrate, libdjinterop). We checked the facts against exports by rekordbox and
databases by Engine DJ.
"""
