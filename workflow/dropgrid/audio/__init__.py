"""Reading audio files and their tags."""
