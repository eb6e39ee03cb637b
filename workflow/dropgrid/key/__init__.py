"""The key: the tonality of a track, computed from its features."""
