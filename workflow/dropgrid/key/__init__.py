"""The key: what a track's features say of its tonality."""
