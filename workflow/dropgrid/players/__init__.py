"""The files on a USB stick that Pioneer DJ players read: "rekordbox device export".

device_sql       texts and rows of the database
database         PIONEER/rekordbox/export.pdb: pages, tables, the tracks and playlists in it
analysis_file    PIONEER/USBANLZ/.../ANLZ0000.DAT and .EXT: grid, cues, waveforms, phrases
waveform         the players' waveforms from the bands of the features

The formats were described by others from the outside (Deep Symmetry's "DJ Link Ecosystem
Analysis", rekordcrate); facts about them were checked against exports that rekordbox made.
"""
